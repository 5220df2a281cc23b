//! Edited arguments: which of a request's arguments a person can change before approving, and what becomes of what they
//! enter.
//!
//! Only top-level texts, numbers, booleans and choices can be changed. The rest stays as it was asked, and all of it
//! together must fit the action's schema.

use serde_json::{Map, Value};

use super::{
    arguments::{Arguments, Digest, Exact},
    input_schema::{InputSchema, resolve},
    validation::{self, TooComplex},
};

/// The largest edited arguments, in bytes of JSON. As large as the body of a request.
const LARGEST: usize = 256 * 1024;
/// The longest text that a person can enter, in characters: Slack's limit.
/// <https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element>
pub const LONGEST_TEXT: usize = 3000;
/// How many references are followed from a property to its type.
const REFERENCES: usize = 8;

/// The arguments that a person approved instead of those that were asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedArguments {
    /// The arguments.
    pub arguments: Arguments,
    /// Their digest. It stays if the arguments are deleted after the retention time.
    pub digest: Digest,
}

impl EditedArguments {
    /// The names of the top-level arguments that are not as they were asked: changed, or left out.
    #[must_use]
    pub fn changed_keys<'a>(&'a self, asked: &'a Arguments) -> Vec<&'a str> {
        let (before, after) = (asked.members(), self.arguments.members());
        let changed =
            before.iter().filter(|(key, value)| !after.get(*key).is_some_and(|now| same(value, now)));
        let added = after.keys().filter(|key| !before.contains_key(*key));
        changed.map(|(key, _)| key).chain(added).map(String::as_str).collect()
    }
}

/// An argument that can be changed.
#[derive(Debug, Clone, PartialEq)]
pub struct EditableArgument<'a> {
    /// Its name.
    pub key: &'a str,
    /// Its value, as it was asked.
    pub value: &'a Value,
    /// How it is entered.
    pub input: Input<'a>,
    /// Whether the schema says that it must be there.
    pub is_required: bool,
}

/// How an argument is entered.
#[derive(Debug, Clone, PartialEq)]
pub enum Input<'a> {
    /// As text.
    Text,
    /// As a number.
    Number {
        /// Whether the schema takes only whole ones.
        is_whole: bool,
    },
    /// As one of two choices, `true` and `false`.
    Boolean,
    /// As one of these values, by its place in the list.
    Choice(Vec<&'a Value>),
}

/// The arguments that can be changed, in the order given.
#[must_use]
pub fn editable<'a>(schema: &'a InputSchema, arguments: &'a Arguments) -> Vec<EditableArgument<'a>> {
    let root = schema.members();
    let required = root.get("required").and_then(Value::as_array);
    let of_member = |(key, value): (&'a String, &'a Value)| {
        let property = root.get("properties").and_then(|all| all.get(key));
        let input = input(property.map(|property| described(root, property)), value)?;
        let is_required = required.is_some_and(|names| names.iter().any(|name| name == key.as_str()));
        Some(EditableArgument { key, value, input, is_required })
    };
    arguments.members().iter().filter_map(of_member).collect()
}

/// A property's own schema, behind references.
fn described<'a>(root: &'a Map<String, Value>, property: &'a Value) -> &'a Value {
    let mut property = property;
    for _ in 0..REFERENCES {
        let Some(reference) = property.get("$ref").and_then(Value::as_str) else { break };
        let steps = reference.strip_prefix("#/").and_then(|pointer| pointer.split_once('/'));
        let target = steps.and_then(|(first, rest)| resolve(root.get(first)?, &format!("#/{rest}")));
        let Some(target) = target else { break };
        property = target;
    }
    property
}

fn input<'a>(property: Option<&'a Value>, value: &Value) -> Option<Input<'a>> {
    let takes = |name: &str| match property.and_then(|property| property.get("type")) {
        None => true,
        Some(Value::Array(names)) => names.iter().any(|one| one == name),
        Some(one) => one == name,
    };
    if let Some(allowed) = property.and_then(|property| property.get("enum")).and_then(Value::as_array) {
        let simple = |one: &Value| !one.is_array() && !one.is_object();
        // Two that read the same, such as 1 and 1.0, are one choice too many.
        let differ =
            allowed.iter().enumerate().all(|(at, one)| !allowed[..at].iter().any(|two| same(one, two)));
        return (allowed.len() > 1 && allowed.iter().all(simple) && differ)
            .then(|| Input::Choice(allowed.iter().collect()));
    }
    match value {
        Value::String(_) if takes("string") => Some(Input::Text),
        Value::Number(_) if takes("number") => Some(Input::Number { is_whole: false }),
        Value::Number(_) if takes("integer") => Some(Input::Number { is_whole: true }),
        Value::Bool(_) if takes("boolean") => Some(Input::Boolean),
        _ => None,
    }
}

/// A fault of what a person entered: the argument, if it is about one of those that can be changed, and a sentence. The
/// sentence contains nothing that an agent or a backend wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFault {
    /// The name of the top-level argument.
    pub key: Option<String>,
    /// What is wrong.
    pub detail: String,
}

/// What a person's entries lead to.
#[derive(Debug, Clone, PartialEq)]
pub enum Edited {
    /// They are what was asked.
    Unchanged,
    /// They are different, and fit the schema.
    Changed(EditedArguments),
}

/// Applies what a person entered. `entered` returns the text of an argument's field, empty if it was emptied, or `None`
/// if it had no field. A boolean's is `true` or `false`, that of a choice its place in the
/// list.
pub fn apply(
    schema: &InputSchema,
    arguments: &Arguments,
    entered: impl Fn(&str) -> Option<String>,
) -> Result<Result<Edited, Vec<EntryFault>>, TooComplex> {
    let mut members = arguments.members().clone();
    let mut faults = Vec::new();
    for argument in editable(schema, arguments) {
        let Some(text) = entered(argument.key) else { continue };
        match new_value(&argument, &text) {
            Ok(New::AsItWas) => {}
            Ok(New::LeftOut) => {
                members.shift_remove(argument.key);
            }
            Ok(New::Value(value)) => {
                members.insert(argument.key.to_owned(), value);
            }
            Err(detail) => {
                faults.push(EntryFault { key: Some(argument.key.to_owned()), detail: detail.to_owned() });
            }
        }
    }
    if !faults.is_empty() {
        return Ok(Err(faults));
    }
    let edited = Arguments::from_stored(members);
    let digest = edited.digest();
    if digest == arguments.digest() {
        return Ok(Ok(Edited::Unchanged));
    }
    let size = serde_json::to_vec(&edited).map_or(usize::MAX, |json| json.len());
    if size > LARGEST {
        let detail =
            format!("The arguments are too large: {size} of at most {LARGEST} bytes. Shorten a text.");
        return Ok(Err(vec![EntryFault { key: None, detail }]));
    }
    let faults: Vec<EntryFault> = validation::faults(schema, edited.members())?
        .into_iter()
        .map(|fault| EntryFault { key: fault.path.into_iter().next(), detail: fault.detail })
        .collect();
    Ok(if faults.is_empty() {
        Ok(Edited::Changed(EditedArguments { arguments: edited, digest }))
    } else {
        Err(faults)
    })
}

/// What an entry makes of its argument.
enum New {
    AsItWas,
    LeftOut,
    Value(Value),
}

fn new_value(argument: &EditableArgument<'_>, text: &str) -> Result<New, &'static str> {
    if argument.shown() == text {
        return Ok(New::AsItWas);
    }
    if text.trim().is_empty() {
        return if argument.is_required { Err("Required.") } else { Ok(New::LeftOut) };
    }
    let value = match &argument.input {
        Input::Text if text.chars().count() > LONGEST_TEXT => {
            return Err("Too long: at most 3000 characters.");
        }
        Input::Text => Value::from(text),
        Input::Number { .. } => number(text.trim())?,
        Input::Boolean => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err("Choose true or false."),
        },
        Input::Choice(allowed) => {
            let chosen = text.parse::<usize>().ok().and_then(|at| allowed.get(at));
            (*chosen.ok_or("Choose one of the allowed values.")?).clone()
        }
    };
    // 1 for 1.0 is not a change.
    Ok(if same(&value, argument.value) { New::AsItWas } else { New::Value(value) })
}

fn number(text: &str) -> Result<Value, &'static str> {
    // Exact::read says in other words why an integer is refused.
    match Exact::read(text.as_bytes()) {
        Ok(Exact(number @ Value::Number(_))) => Ok(number),
        Err(_) if serde_json::from_str::<serde_json::Number>(text).is_ok() => {
            Err("This number has too many digits to be passed on exactly.")
        }
        _ => Err("Enter a number, such as 12 or 0.5."),
    }
}

impl EditableArgument<'_> {
    /// What the field contains at first. Empty for a choice whose value is none of those allowed.
    #[must_use]
    pub fn shown(&self) -> String {
        match (&self.input, self.value) {
            (Input::Choice(allowed), value) => {
                allowed.iter().position(|one| same(one, value)).map(|at| at.to_string()).unwrap_or_default()
            }
            (_, Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        }
    }
}

/// Whether two values are the same JSON, by their canonical form.
fn same(one: &Value, other: &Value) -> bool {
    one == other || Digest::for_json(one) == Digest::for_json(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> InputSchema {
        let schema = json!({
            "type": "object", "required": ["to", "count"],
            "properties": {
                "to": { "$ref": "#/$defs/address" }, "cc": { "type": ["string", "null"] },
                "count": { "type": "integer", "minimum": 1 }, "share": { "type": "number" },
                "urgent": { "type": "boolean" }, "kind": { "enum": ["mail", "letter", null] },
                "lines": { "type": "array" },
            },
            "$defs": { "address": { "type": "string", "maxLength": 10 } },
        });
        InputSchema::from_stored(&schema.to_string()).unwrap()
    }

    fn arguments() -> Arguments {
        let text = r#"{"lines":[1],"to":"kim","cc":"bob","count":2,"share":1.0,"urgent":false,"kind":"mail","more":"y"}"#;
        serde_json::from_str(text).unwrap()
    }

    fn edit(entries: &[(&str, &str)]) -> Result<Edited, Vec<EntryFault>> {
        let entered =
            |key: &str| entries.iter().find(|(name, _)| *name == key).map(|(_, text)| (*text).to_owned());
        apply(&schema(), &arguments(), entered).unwrap()
    }

    fn edited(entries: &[(&str, &str)]) -> String {
        match edit(entries) {
            Ok(Edited::Unchanged) => "unchanged".to_owned(),
            Ok(Edited::Changed(edited)) => {
                assert_eq!(edited.digest, edited.arguments.digest());
                let keys = edited.changed_keys(&arguments()).join(",");
                format!("{keys}: {}", serde_json::to_string(&edited.arguments).unwrap())
            }
            Err(faults) => {
                let line = |fault: EntryFault| format!("{}: {}", fault.key.unwrap_or_default(), fault.detail);
                faults.into_iter().map(line).collect::<Vec<_>>().join("\n")
            }
        }
    }

    #[test]
    fn texts_numbers_booleans_and_choices_can_be_changed() {
        let (schema, arguments) = (schema(), arguments());
        let found: Vec<_> = editable(&schema, &arguments)
            .into_iter()
            .map(|argument| format!("{} {} {:?}", argument.key, argument.is_required, argument.input))
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        to true Text
        cc false Text
        count true Number { is_whole: true }
        share false Number { is_whole: false }
        urgent false Boolean
        kind false Choice([String("mail"), String("letter"), Null])
        more false Text
        "#);
    }

    #[test]
    fn what_is_entered_replaces_what_was_asked() {
        insta::assert_snapshot!(
            edited(&[("to", "eve"), ("cc", ""), ("count", " 7 "), ("share", "1e-3"), ("urgent", "true"), ("kind", "1"), ("more", "y")]),
            @r#"to,cc,count,share,urgent,kind: {"lines":[1],"to":"eve","count":7,"share":0.001,"urgent":true,"kind":"letter","more":"y"}"#
        );
    }

    #[test]
    fn what_reads_the_same_is_no_change() {
        assert_eq!(edited(&[]), "unchanged");
        let same = [
            ("to", "kim"),
            ("cc", "bob"),
            ("count", "2.0"),
            ("share", "1"),
            ("urgent", "false"),
            ("kind", "0"),
        ];
        assert_eq!(edited(&same), "unchanged");
        assert_eq!(edited(&[("lines", "2"), ("unknown", "2")]), "unchanged", "none of them has a field");
    }

    #[test]
    fn every_fault_is_said_at_its_field() {
        insta::assert_snapshot!(
            edited(&[("to", " "), ("count", "two"), ("share", "9007199254740993"), ("urgent", "yes"), ("kind", "3")]),
            @"
        to: Required.
        count: Enter a number, such as 12 or 0.5.
        share: This number has too many digits to be passed on exactly.
        urgent: Choose true or false.
        kind: Choose one of the allowed values.
        "
        );
        // The schema is asked once every entry can be read.
        insta::assert_snapshot!(edited(&[("to", "kim@example.com"), ("count", "0.5")]), @"
        to: Too long: 15 of at most 10 characters.
        count: Must be a whole number.
        count: Must be at least 1.
        ");
        for odd in ["1e400", "+1", ".5", "0x10", "1 2", "NaN", "\"1\"", "1,5", "٣"] {
            assert!(edit(&[("share", odd)]).is_err(), "{odd}");
        }
        assert!(edit(&[("more", &"x".repeat(3001))]).is_err());
    }

    #[test]
    fn what_does_not_fit_and_has_no_field_is_said_too() {
        let arguments: Arguments = serde_json::from_str(r#"{"lines":"one","to":"kim"}"#).unwrap();
        let faults = apply(&schema(), &arguments, |key| (key == "to").then(|| "eve".to_owned())).unwrap();
        let keys: Vec<_> = faults.unwrap_err().into_iter().filter_map(|fault| fault.key).collect();
        assert_eq!(keys, ["count", "lines"]);
    }

    #[test]
    fn what_would_be_too_large_is_refused() {
        let long: Map<String, Value> =
            (0..100).map(|n| (format!("k{n}"), "x".repeat(2_600).into())).collect();
        let arguments = Arguments::from_stored(long);
        let schema = InputSchema::from_stored("{}").unwrap();
        let faults = apply(&schema, &arguments, |_| Some("é".repeat(3_000))).unwrap().unwrap_err();
        assert!(
            faults[0].key.is_none() && faults[0].detail.starts_with("The arguments are too large"),
            "{faults:?}"
        );
    }
}
