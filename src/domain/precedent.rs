//! What a request has in common with the calls of the same action that its user approved before.

use serde_json::{Map, Value};

use super::arguments::{Arguments, is_one_value};

/// How far back approved calls are looked for, in days.
pub const LOOKING_BACK_DAYS: i64 = 30;
/// The maximum number of changes that are listed; the others are counted.
pub const MOST_CHANGES: usize = 20;

/// How a request compares with what its user approved before.
#[derive(Debug, Clone, PartialEq)]
pub enum Precedent {
    /// The user approved calls with exactly these arguments.
    Same {
        /// How many of them, in the last [`LOOKING_BACK_DAYS`] days.
        count: u64,
    },
    /// The arguments are those of the request that the user approved last, but the user changed them before approving.
    Edited,
    /// The arguments differ from those that were asked for the call that the user approved last.
    Changed(Changes),
    /// The arguments of the call that the user approved last were deleted.
    Deleted,
}

/// The differences between two calls' arguments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// The names of the top-level arguments that differ: those of the new call in its order, then those that only the
    /// earlier call had.
    pub names: Vec<String>,
    /// The first [`MOST_CHANGES`] values that differ.
    pub values: Vec<ChangedValue>,
    /// How many values differ in addition.
    pub more: usize,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedValue {
    /// Where it is: the steps of a JSON pointer, not escaped.
    pub steps: Vec<String>,
    /// The earlier call's value. `None`: the earlier call did not have it.
    pub before: Option<Value>,
    /// The new call's value. `None`: the new call does not have it.
    pub now: Option<Value>,
}

impl Changes {
    /// Compares two calls' arguments. Two ways to write a number are no difference.
    #[must_use]
    pub fn between(before: &Arguments, now: &Arguments) -> Self {
        let mut changes = Self::default();
        for (name, before, now) in pairs(before.members(), now.members()) {
            if is_same(before, now) {
                continue;
            }
            changes.names.push(name.to_owned());
            changes.add(&mut vec![name.to_owned()], before, now);
        }
        changes
    }

    fn add(&mut self, steps: &mut Vec<String>, before: Option<&Value>, now: Option<&Value>) {
        if is_same(before, now) {
            return;
        }
        let (none, empty) = (Map::new(), Vec::new());
        match (Parts::new(before), Parts::new(now)) {
            // What has parts is compared part by part, also with nothing: a value that is listed has no names within it.
            (
                before @ (Parts::Members(_) | Parts::Whole(None)),
                now @ (Parts::Members(_) | Parts::Whole(None)),
            ) => {
                for (name, before, now) in
                    pairs(before.members().unwrap_or(&none), now.members().unwrap_or(&none))
                {
                    steps.push(name.to_owned());
                    self.add(steps, before, now);
                    steps.pop();
                }
            }
            (
                before @ (Parts::Items(_) | Parts::Whole(None)),
                now @ (Parts::Items(_) | Parts::Whole(None)),
            ) => {
                let (before, now) = (before.items().unwrap_or(&empty), now.items().unwrap_or(&empty));
                for at in 0..before.len().max(now.len()) {
                    steps.push(at.to_string());
                    self.add(steps, before.get(at), now.get(at));
                    steps.pop();
                }
            }
            (Parts::Whole(before), Parts::Whole(now)) => self.list(steps, before, now),
            // One has parts, and the other has none or others.
            _ => {
                self.add(steps, before, None);
                self.add(steps, None, now);
            }
        }
    }

    fn list(&mut self, steps: &[String], before: Option<&Value>, now: Option<&Value>) {
        if self.values.len() == MOST_CHANGES {
            self.more += 1;
            return;
        }
        let (before, now) = (before.cloned(), now.cloned());
        self.values.push(ChangedValue { steps: steps.to_vec(), before, now });
    }
}

/// A value as it is compared.
#[derive(Clone, Copy)]
enum Parts<'a> {
    /// An object with members.
    Members(&'a Map<String, Value>),
    /// An array whose items are shown separately.
    Items(&'a Vec<Value>),
    /// What is shown as one value; `None` if there is none.
    Whole(Option<&'a Value>),
}

impl<'a> Parts<'a> {
    fn new(value: Option<&'a Value>) -> Self {
        match value {
            Some(Value::Object(members)) if !members.is_empty() => Self::Members(members),
            Some(Value::Array(items)) if !is_one_value(items) => Self::Items(items),
            other => Self::Whole(other),
        }
    }

    const fn members(self) -> Option<&'a Map<String, Value>> {
        match self {
            Self::Members(members) => Some(members),
            _ => None,
        }
    }

    const fn items(self) -> Option<&'a Vec<Value>> {
        match self {
            Self::Items(items) => Some(items),
            _ => None,
        }
    }
}

/// Each name of two objects with both values: the names of the new one in its order, then those of only the earlier one.
fn pairs<'a>(
    before: &'a Map<String, Value>,
    now: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let present = now.iter().map(|(name, value)| (name.as_str(), before.get(name), Some(value)));
    let gone = before.iter().filter(|(name, _)| !now.contains_key(name.as_str()));
    present.chain(gone.map(|(name, value)| (name.as_str(), Some(value), None)))
}

fn is_same(before: Option<&Value>, now: Option<&Value>) -> bool {
    match (before, now) {
        (Some(Value::Number(before)), Some(Value::Number(now))) => {
            // The digest, too, takes every number for the double that it is.
            before == now || before.as_f64() == now.as_f64()
        }
        (Some(Value::Array(before)), Some(Value::Array(now))) => {
            before.len() == now.len()
                && before.iter().zip(now).all(|(before, now)| is_same(Some(before), Some(now)))
        }
        (Some(Value::Object(before)), Some(Value::Object(now))) => {
            before.len() == now.len() && pairs(before, now).all(|(_, before, now)| is_same(before, now))
        }
        (before, now) => before == now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(before: &str, now: &str) -> Changes {
        let read = |json| serde_json::from_str::<Arguments>(json).unwrap();
        Changes::between(&read(before), &read(now))
    }

    /// A line a change: pointer, earlier value, new value.
    fn lines(changes: &Changes) -> Vec<String> {
        let shown =
            |value: &Option<Value>| value.as_ref().map_or_else(|| "(none)".to_owned(), Value::to_string);
        let values = changes.values.iter();
        values
            .map(|one| format!("/{} {} → {}", one.steps.join("/"), shown(&one.before), shown(&one.now)))
            .collect()
    }

    #[test]
    fn top_level_names_and_the_values_within_them_are_told() {
        let changes = between(
            r#"{"to":"kim","amount":1,"old":true,"in":{"a b":[1,2],"c":"x","d":{}},"same":{"x":[1]}}"#,
            r#"{"same":{"x":[1.0]},"in":{"c":"y","a b":[1,3],"e":null,"d":{}},"to":"kim","amount":2}"#,
        );
        assert_eq!(changes.names, ["in", "amount", "old"]);
        insta::assert_snapshot!(lines(&changes).join("\n"), @r#"
        /in/c "x" → "y"
        /in/a b [1,2] → [1,3]
        /in/e (none) → null
        /amount 1 → 2
        /old true → (none)
        "#);
    }

    #[test]
    fn order_and_the_way_a_number_is_written_are_no_change() {
        let changes = between(r#"{"a":1,"b":{"c":100,"d":"e"}}"#, r#"{"b":{"d":"e","c":1e2},"a":1.0}"#);
        assert_eq!(changes, Changes::default());
    }

    #[test]
    fn a_list_of_words_is_one_value_and_nothing_else_with_parts_is() {
        let changes = between(r#"{"to":["a","b"]}"#, r#"{"to":["a"]}"#);
        assert_eq!(lines(&changes), [r#"/to ["a","b"] → ["a"]"#]);
        let changes = between(
            r#"{"to":["a b"],"in":"x","old":{"y":{"z":1}}}"#,
            r#"{"to":["a b",{"c":1}],"in":{"x":1}}"#,
        );
        assert_eq!(
            lines(&changes),
            ["/to/1/c (none) → 1", "/in \"x\" → (none)", "/in/x (none) → 1", "/old/y/z 1 → (none)"]
        );
    }

    #[test]
    fn no_more_than_twenty_changes_are_listed() {
        let many = |value: usize| {
            let members: Vec<String> = (0..33).map(|at| format!(r#""k{at}":{value}"#)).collect();
            format!(r#"{{"in":{{{}}}}}"#, members.join(","))
        };
        let changes = between(&many(1), &many(2));
        assert_eq!((changes.names.len(), changes.values.len(), changes.more), (1, MOST_CHANGES, 13));
    }
}
