//! Reading the fields of a group, and saying which one is wrong.

use chrono::TimeDelta;

use super::{
    fault::Faults,
    source::{Node, Yaml},
};
use crate::domain::nearest::nearest;

/// A group of fields that is being read.
pub(super) struct Fields<'n> {
    /// Where the group begins.
    pub(super) line: u64,
    /// The group's own field, such as `rules[2]`.
    path: String,
    members: &'n [(Node, Node)],
}

/// A field's value, and how faults name it.
#[derive(Clone)]
pub(super) struct Field<'n> {
    pub(super) line: u64,
    pub(super) path: String,
    pub(super) value: &'n Yaml,
}

impl<'n> Fields<'n> {
    /// Reads a group that may have only these fields. `None`: it is none, and that was noted.
    pub(super) fn read(field: &Field<'n>, known: &[&str], faults: &mut Faults) -> Option<Self> {
        let Yaml::Map(members) = field.value else {
            field.expected("a group of fields", faults);
            return None;
        };
        for (key, _) in members {
            let Yaml::Text(name) = &key.value else { continue };
            if !known.contains(&name.as_str()) {
                let names: Vec<String> = known.iter().map(|&name| name.to_owned()).collect();
                let hint = match nearest(name, &names, 1).as_slice() {
                    [meant] => format!("did you mean {meant}?"),
                    _ => format!("use {}", names.join(", ")),
                };
                faults.add(key.line, join(&field.path, name), format!("unknown field; {hint}"));
            }
        }
        Some(Self { line: field.line, path: field.path.clone(), members })
    }

    /// A field. A field without a value counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<Field<'n>> {
        let (_, node) =
            self.members.iter().find(|(key, _)| matches!(&key.value, Yaml::Text(key) if key == name))?;
        let field = Field { line: node.line, path: join(&self.path, name), value: &node.value };
        (!matches!(node.value, Yaml::Null)).then_some(field)
    }

    /// A field that must be there.
    pub(super) fn need(&self, name: &str, example: &str, faults: &mut Faults) -> Option<Field<'n>> {
        let field = self.get(name);
        if field.is_none() {
            faults.add(self.line, join(&self.path, name), format!("is missing; write {name}: {example}"));
        }
        field
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl<'n> Field<'n> {
    pub(super) fn root(node: &'n Node) -> Self {
        Self { line: node.line, path: String::new(), value: &node.value }
    }

    pub(super) fn fault(&self, message: impl Into<String>, faults: &mut Faults) {
        faults.add(self.line, self.path.clone(), message);
    }

    pub(super) fn expected(&self, what: &str, faults: &mut Faults) {
        self.fault(format!("must be {what}, and this is {}", self.value.kind()), faults);
    }

    pub(super) fn text(&self, faults: &mut Faults) -> Option<&'n str> {
        if let Yaml::Text(text) = self.value {
            return Some(text);
        }
        self.expected("a text", faults);
        None
    }

    pub(super) fn boolean(&self, faults: &mut Faults) -> Option<bool> {
        if let Yaml::Bool(value) = self.value {
            return Some(*value);
        }
        self.expected("true or false", faults);
        None
    }

    /// A whole number in this range.
    pub(super) fn number(&self, least: u32, most: u32, faults: &mut Faults) -> Option<u32> {
        let number = if let Yaml::Int(number) = self.value { u32::try_from(*number).ok() } else { None };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.fault(format!("must be a whole number from {least} to {most}"), faults);
        }
        number
    }

    /// A time span such as `15m`, within these bounds.
    pub(super) fn span(&self, least: TimeDelta, most: TimeDelta, faults: &mut Faults) -> Option<TimeDelta> {
        let Yaml::Text(text) = self.value else {
            self.fault("must be a time span such as 15m, 8h or 7d", faults);
            return None;
        };
        let span = span(text);
        match span {
            None => self.fault(format!("{text:?} is no time span; write 15m, 8h or 7d"), faults),
            Some(span) if !(least..=most).contains(&span) => {
                self.fault(format!("must be from {} to {}", shown(least), shown(most)), faults);
                return None;
            }
            Some(_) => {}
        }
        span
    }

    /// The elements of a list.
    pub(super) fn list(&self, faults: &mut Faults) -> Vec<Self> {
        let Yaml::List(elements) = self.value else {
            self.expected("a list", faults);
            return Vec::new();
        };
        let element = |(index, node): (usize, &'n Node)| Self {
            line: node.line,
            path: format!("{}[{index}]", self.path),
            value: &node.value,
        };
        elements.iter().enumerate().map(element).collect()
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, known: &[(&str, T)], faults: &mut Faults) -> Option<T> {
        let text = self.text(faults)?;
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.fault(format!("must be {}, and this is {text:?}", names.join(", ")), faults);
        }
        found
    }
}

/// Parses `30s`, `15m`, `8h` or `7d`.
fn span(text: &str) -> Option<TimeDelta> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|number| (0..=1_000_000).contains(number))?;
    match unit {
        "s" => TimeDelta::try_seconds(number),
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        _ => None,
    }
}

/// A time span as [`span`] reads it.
#[must_use]
pub(super) fn shown(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    match seconds {
        _ if seconds % 86_400 == 0 && seconds != 0 => format!("{}d", seconds / 86_400),
        _ if seconds % 3600 == 0 && seconds != 0 => format!("{}h", seconds / 3600),
        _ if seconds % 60 == 0 => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}
