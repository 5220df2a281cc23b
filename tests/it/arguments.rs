//! Reading arguments off the pages of *Details*, as a person would: a name in bold, under it a value in its box.

use std::collections::HashMap;

use countersign::slack::view::sanitize::reveal;
use serde_json::{Map, Value};

/// A step from a value into it.
#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Item(usize),
}

/// Puts the arguments together, field by field.
pub struct Reader {
    name: String,
    /// The value that is being read, which may go on in another box.
    open: Option<(String, String)>,
    aliases: HashMap<String, Vec<Step>>,
    arguments: Value,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            name: String::new(),
            open: None,
            aliases: HashMap::new(),
            arguments: Value::Object(Map::new()),
        }
    }
}

impl Reader {
    /// Reads what a page shows below its heading.
    pub fn page(&mut self, blocks: &[Value]) {
        let below = blocks.iter().skip_while(|block| block["type"] != "header").skip(1);
        let elements = below.filter_map(|block| block["elements"].as_array()).flatten();
        for element in elements {
            let parts = element["elements"].as_array().map_or(&[][..], Vec::as_slice);
            let text = parts.first().and_then(|part| part["text"].as_str()).unwrap_or_default();
            match element["type"].as_str() {
                Some("rich_text_section") if parts.len() == 2 => {
                    assert_eq!(parts[1]["text"], " (continued)");
                    self.name.clear();
                }
                Some("rich_text_section") if parts[0]["style"]["bold"] == true => {
                    self.close();
                    self.name.push_str(text);
                }
                Some("rich_text_section") => {
                    let alias = text.strip_prefix("Its contents follow as ").unwrap().to_owned();
                    let steps = self.steps(&reveal(&self.name));
                    self.name.clear();
                    self.aliases.insert(alias, steps);
                }
                Some("rich_text_preformatted") => {
                    assert_eq!(parts.len(), 1, "one text in a box");
                    match &mut self.open {
                        Some((_, value)) => value.push_str(text),
                        open => *open = Some((std::mem::take(&mut self.name), text.to_owned())),
                    }
                }
                _ => {}
            }
        }
    }

    /// The arguments, after the last page.
    pub fn finish(mut self) -> Value {
        self.close();
        self.arguments
    }

    fn close(&mut self) {
        let Some((name, value)) = self.open.take() else { return };
        let (steps, text) = (self.steps(&reveal(&name)), reveal(&value));
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let mut place = &mut self.arguments;
        for step in steps {
            place = match step {
                Step::Member(name) => {
                    if place.is_null() {
                        *place = Value::Object(Map::new());
                    }
                    place.as_object_mut().unwrap().entry(name).or_insert(Value::Null)
                }
                Step::Item(at) => {
                    if place.is_null() {
                        *place = Value::Array(Vec::new());
                    }
                    let items = place.as_array_mut().unwrap();
                    assert!(at <= items.len(), "item {at} of {}", items.len());
                    if at == items.len() {
                        items.push(Value::Null);
                    }
                    &mut items[at]
                }
            };
        }
        assert!(place.is_null(), "two values at {name}");
        *place = value;
    }

    fn steps(&self, path: &str) -> Vec<Step> {
        let (mut steps, mut rest) = match path.split_once(')') {
            Some((alias, rest)) if alias.starts_with('(') => {
                (self.aliases[&format!("{alias})")].clone(), rest)
            }
            _ => (Vec::new(), path),
        };
        while !rest.is_empty() {
            if let Some(item) = rest.strip_prefix('[') {
                let (at, after) = item.split_once(']').unwrap();
                steps.push(Step::Item(at.parse().unwrap()));
                rest = after;
                continue;
            }
            rest = rest.strip_prefix('.').unwrap_or(rest);
            if rest.starts_with('"') {
                let mut names = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                steps.push(Step::Member(names.next().unwrap().unwrap()));
                rest = &rest[names.byte_offset()..];
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                steps.push(Step::Member(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
        steps
    }
}
