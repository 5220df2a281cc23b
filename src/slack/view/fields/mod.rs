//! Takes an action's arguments apart, so that each value can have an element of its own under its name.
//!
//! Fields that the backend describes come first, in its order and with its labels. The others follow in the order of the
//! arguments; their names are made from their keys, unless another field has that name.
//!
//! Objects are flattened: `{"to": {"name": "Kim"}}` is one field, *To › Name*. So are arrays, except those of plain words
//! and numbers, which are one value. An element then never contains both a name and a value, or two texts, and wrapped
//! text can't pass for the next field.

mod money;
mod name;
mod value;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use self::name::Name;
pub use self::value::{FieldValue, Frame};
pub(super) use self::{money::money, name::segment, value::value};
use crate::{
    domain::{
        arguments::{Arguments, is_one_value},
        field_hints::{FieldHint, Format, Presentation},
        labels,
    },
    slack::view::sanitize::{self, safe_text::SafeText, size},
};

/// Longest path, by Slack's count, that the names below it repeat. A longer one gets an alias: otherwise 200 KB of
/// arguments could become gigabytes of names.
const PATH: usize = 60;
/// Longest label that is repeated in the same way.
const LABEL: usize = 90;

/// A part of the arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What people read above the value, such as *To › Name*.
    pub name: SafeText,
    /// The path of the field, such as `to.name`, `lines[0].amount` or `"a name with spaces"`. `None` if it is the name.
    pub path: Option<SafeText>,
    /// The field's value, or the alias for its own fields.
    pub content: Content,
    /// Whether the backend describes the field.
    pub is_described: bool,
}

/// The content of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// One value.
    Value(FieldValue),
    /// Further fields, which follow. Their names begin with this alias, such as `(1)`, instead of this field's long
    /// name.
    Alias(SafeText),
}

/// Takes arguments apart.
#[must_use]
pub fn fields(arguments: &Arguments, presentation: &Presentation) -> Vec<Field> {
    let members = arguments.members();
    let mut fields = Fields::default();
    for hint in &presentation.fields {
        fields.add_described(members, hint);
    }
    fields.is_described = false;
    for (key, value) in members {
        let at = format!("/{}", escaped(key));
        fields.add(Place { name: Name::for_key(key), key, value, format: None, siblings: Some(members), at });
    }
    told_apart(fields.found, &fields.labelled)
}

/// A value, and where it is.
struct Place<'a> {
    name: Name,
    key: &'a str,
    value: &'a Value,
    format: Option<Format>,
    /// The object that the value is a member of.
    siblings: Option<&'a Map<String, Value>>,
    /// The JSON pointer, or nothing if no described field is further down.
    at: String,
}

struct Fields {
    found: Vec<Field>,
    /// Whether the label of each is the backend's.
    labelled: Vec<bool>,
    aliases: usize,
    is_described: bool,
    /// The pointers of described fields, which are not shown again.
    described: HashSet<String>,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            found: Vec::new(),
            labelled: Vec::new(),
            aliases: 0,
            is_described: true,
            described: HashSet::new(),
        }
    }
}

impl Fields {
    fn add_described(&mut self, members: &Map<String, Value>, hint: &FieldHint) {
        let steps: Vec<String> = hint.pointer.steps().collect();
        let Some((first, rest)) = steps.split_first() else { return };
        let mut siblings = Some(members);
        let Some(mut value) = members.get(first) else { return };
        let mut name = Name::for_key(first);
        for step in rest {
            let next = match value {
                Value::Object(inner) => {
                    siblings = Some(inner);
                    name = name.member(step);
                    inner.get(step)
                }
                Value::Array(items) => {
                    let Ok(at) = step.parse::<usize>() else { return };
                    siblings = None;
                    name = name.item(at);
                    items.get(at)
                }
                _ => None,
            };
            let Some(next) = next else { return };
            value = next;
        }
        if let Some(label) = &hint.label {
            name.label = sanitize::line(label.as_str());
            name.is_labelled = true;
        }
        self.add(Place {
            name,
            key: steps.last().map_or("", String::as_str),
            value,
            format: hint.format,
            siblings,
            at: String::new(),
        });
        self.described.insert(hint.pointer.as_str().to_owned());
    }

    fn add(&mut self, place: Place<'_>) {
        let Place { name, key, value, format, siblings, at } = place;
        if self.described.contains(&at) {
            return;
        }
        match value {
            Value::Object(members) if !members.is_empty() => {
                let base = self.base(name);
                for (key, value) in members {
                    let at = self.below(&at, key);
                    let name = base.member(key);
                    self.add(Place { name, key, value, format: None, siblings: Some(members), at });
                }
            }
            Value::Array(items) if !is_one_value(items) => {
                let base = self.base(name);
                for (index, value) in items.iter().enumerate() {
                    let at = self.below(&at, &index.to_string());
                    let name = base.item(index);
                    self.add(Place { name, key, value, format, siblings: None, at });
                }
            }
            one => {
                let format = format.or_else(|| labels::guessed(key, one));
                self.push(name, Content::Value(value::show(one, format, siblings.map(|all| (key, all)))));
            }
        }
    }

    /// The pointer to a member, or nothing if no described field is there or further down.
    fn below(&self, at: &str, key: &str) -> String {
        if at.is_empty() {
            return String::new();
        }
        let pointer = format!("{at}/{}", escaped(key));
        let within = |described: &String| {
            described.strip_prefix(&pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if self.described.iter().any(within) { pointer } else { String::new() }
    }

    fn push(&mut self, name: Name, content: Content) {
        let Name { label, path, is_labelled } = name;
        self.labelled.push(is_labelled);
        let path = (path != label).then_some(path);
        self.found.push(Field { name: label, path, content, is_described: self.is_described });
    }

    /// The prefix for the names below a name: the name itself, or an alias for it.
    fn base(&mut self, name: Name) -> Name {
        if size(name.path.as_str()) <= PATH && size(name.label.as_str()) <= LABEL {
            return name;
        }
        self.aliases += 1;
        // No name looks like an alias: a name with brackets is shown in quotes.
        let alias = SafeText::own(format!("({})", self.aliases));
        self.push(name, Content::Alias(alias.clone()));
        Name { label: alias.clone(), path: alias, is_labelled: false }
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Gives fields whose names read the same their paths as names. A label of the backend stays.
fn told_apart(mut fields: Vec<Field>, labelled: &[bool]) -> Vec<Field> {
    let reads = |name: &SafeText| name.as_str().to_lowercase();
    let counted = |fields: &[Field]| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for field in fields {
            *counts.entry(reads(&field.name)).or_default() += 1;
        }
        counts
    };
    let counts = counted(&fields);
    for (field, is_labelled) in fields.iter_mut().zip(labelled) {
        if !is_labelled && counts.get(&reads(&field.name)).is_some_and(|&count| count > 1) {
            field.name = field.path.take().unwrap_or_else(|| field.name.clone());
        }
    }
    let counts = counted(&fields);
    for (field, is_labelled) in fields.iter_mut().zip(labelled) {
        if !is_labelled
            && counts.get(&reads(&field.name)).is_some_and(|&count| count > 1)
            && !field.name.as_str().starts_with('"')
        {
            field.name = field.name.between("\"", "\"");
        }
    }
    fields
}

#[cfg(test)]
mod tests;
