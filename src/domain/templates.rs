//! The template of an action's title, such as `Send mail to {to}`, and filling it with arguments.
//!
//! A filled title is a list of parts, never one text: a view can tell the template's words from a value, and a
//! value that contains braces is not read again.

use serde_json::{Map, Value};

/// The longest template, in characters.
pub const LONGEST: usize = 200;
/// The most places in a template.
pub const MOST_PLACES: usize = 8;

/// Why a template was refused. The message goes into an error's `detail`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// The template has no words.
    #[error("must not be empty")]
    Empty,
    /// The template is too long.
    #[error("must be at most {LONGEST} characters long; got {0}")]
    TooLong(usize),
    /// The template has more than one line, or other control characters.
    #[error("must be one line without control characters")]
    NotOneLine,
    /// The template has too many places.
    #[error("must have at most {MOST_PLACES} placeholders; got {0}")]
    TooManyPlaces(usize),
    /// A brace has no partner.
    #[error("has an unmatched brace; write {{{{ and }}}} for literal braces")]
    Unbalanced,
    /// A place has no name.
    #[error("has an empty placeholder: {{}} must name a top-level argument")]
    Nameless,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Place(String),
}

/// The template of a title: words, and places that name top-level arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

/// A part of a filled title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The template's own words.
    Words(String),
    /// The value of an argument.
    Value(PlaceValue),
}

/// What stands in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceValue {
    /// A text, a number, `true` or `false`.
    One(String),
    /// The first of several values, and how many more there are.
    First(String, usize),
    /// A value with a structure that a title can't show: an object, or an array of arrays or objects.
    Nested,
    /// No value: the argument is missing, null, or empty.
    Missing,
}

impl Template {
    /// Parses a template. `{name}` is a place for the argument `name`, `{{` and `}}` are braces.
    pub fn new(text: impl Into<String>) -> Result<Self, TemplateFault> {
        let text = text.into();
        let length = text.chars().count();
        if text.trim().is_empty() {
            return Err(TemplateFault::Empty);
        }
        if length > LONGEST {
            return Err(TemplateFault::TooLong(length));
        }
        if text.chars().any(char::is_control) {
            return Err(TemplateFault::NotOneLine);
        }
        let pieces = pieces(&text)?;
        let places = pieces.iter().filter(|piece| matches!(piece, Piece::Place(_))).count();
        if places > MOST_PLACES {
            return Err(TemplateFault::TooManyPlaces(places));
        }
        Ok(Self { text, pieces })
    }

    /// A template without places that shows this text.
    pub fn literal(text: &str) -> Result<Self, TemplateFault> {
        Self::new(escape(text))
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The arguments that the template names.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place(name) => Some(name.as_str()),
            Piece::Words(_) => None,
        })
    }

    /// The title for these arguments.
    #[must_use]
    pub fn fill(&self, arguments: &Map<String, Value>) -> Vec<Part> {
        let part = |piece: &Piece| match piece {
            Piece::Words(words) => Part::Words(words.clone()),
            Piece::Place(name) => Part::Value(arguments.get(name).map_or(PlaceValue::Missing, place)),
        };
        self.pieces.iter().map(part).collect()
    }
}

/// Doubles the braces of a text, so that a template shows them.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

fn pieces(text: &str) -> Result<Vec<Piece>, TemplateFault> {
    let (mut pieces, mut words) = (Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '{' | '}' if rest.peek() == Some(&letter) => {
                rest.next();
                words.push(letter);
            }
            '}' => return Err(TemplateFault::Unbalanced),
            '{' => {
                let mut name = String::new();
                loop {
                    match rest.next() {
                        Some('}') => break,
                        Some('{') | None => return Err(TemplateFault::Unbalanced),
                        Some(other) => name.push(other),
                    }
                }
                if name.trim().is_empty() {
                    return Err(TemplateFault::Nameless);
                }
                if !words.is_empty() {
                    pieces.push(Piece::Words(std::mem::take(&mut words)));
                }
                pieces.push(Piece::Place(name));
            }
            other => words.push(other),
        }
    }
    if !words.is_empty() {
        pieces.push(Piece::Words(words));
    }
    Ok(pieces)
}

fn place(value: &Value) -> PlaceValue {
    match value {
        Value::Array(items) => match items.as_slice() {
            [] => PlaceValue::Missing,
            [one] => scalar(one),
            [first, ..] if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
                match scalar(first) {
                    PlaceValue::One(first) => PlaceValue::First(first, items.len() - 1),
                    _ => PlaceValue::Nested,
                }
            }
            _ => PlaceValue::Nested,
        },
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> PlaceValue {
    match value {
        Value::Null => PlaceValue::Missing,
        Value::String(text) if text.trim().is_empty() => PlaceValue::Missing,
        Value::String(text) => PlaceValue::One(text.clone()),
        Value::Bool(_) | Value::Number(_) => PlaceValue::One(value.to_string()),
        Value::Object(members) if members.is_empty() => PlaceValue::Missing,
        Value::Object(_) | Value::Array(_) => PlaceValue::Nested,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fill(template: &str, arguments: &Value) -> Vec<Part> {
        Template::new(template).unwrap().fill(arguments.as_object().unwrap())
    }

    /// Words as they are, values in ⟦…⟧.
    fn show(template: &str, arguments: &Value) -> String {
        let show = |part: Part| match part {
            Part::Words(words) => words,
            Part::Value(PlaceValue::One(value)) => format!("⟦{value}⟧"),
            Part::Value(PlaceValue::First(value, more)) => format!("⟦{value}⟧+{more}"),
            Part::Value(PlaceValue::Nested) => "⟦nested⟧".to_owned(),
            Part::Value(PlaceValue::Missing) => "⟦missing⟧".to_owned(),
        };
        fill(template, arguments).into_iter().map(show).collect()
    }

    #[test]
    fn places_take_top_level_arguments() {
        let arguments = json!({ "to": "kim@example.com", "n": 2.5, "ok": true, "odd name.x": "y" });
        assert_eq!(show("Send {n} to {to}", &arguments), "Send ⟦2.5⟧ to ⟦kim@example.com⟧");
        assert_eq!(show("{ok}: {odd name.x}", &arguments), "⟦true⟧: ⟦y⟧");
        assert_eq!(show("Literal {{to}} and }}", &arguments), "Literal {to} and }");
        assert_eq!(show(&escape("a {b} }"), &arguments), "a {b} }");
    }

    #[test]
    fn missing_nested_and_many_values_have_results() {
        let arguments = json!({
            "null": null, "blank": " ", "none": [], "object": { "a": 1 }, "empty": {},
            "one": ["x"], "many": ["x", "y", 3], "deep": [["x"]], "mixed": ["x", {}], "gap": [null, "x"],
        });
        for (name, shown) in [
            ("absent", "⟦missing⟧"),
            ("null", "⟦missing⟧"),
            ("blank", "⟦missing⟧"),
            ("none", "⟦missing⟧"),
            ("empty", "⟦missing⟧"),
            ("object", "⟦nested⟧"),
            ("deep", "⟦nested⟧"),
            ("mixed", "⟦nested⟧"),
            ("gap", "⟦nested⟧"),
            ("one", "⟦x⟧"),
            ("many", "⟦x⟧+2"),
        ] {
            assert_eq!(show(&format!("{{{name}}}"), &arguments), shown, "{name}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, fault) in [
            ("", TemplateFault::Empty),
            (" ", TemplateFault::Empty),
            ("Send {to", TemplateFault::Unbalanced),
            ("Send to}", TemplateFault::Unbalanced),
            ("Send {a{b}}", TemplateFault::Unbalanced),
            ("Send {}", TemplateFault::Nameless),
            ("Send { }", TemplateFault::Nameless),
            ("Send\n{to}", TemplateFault::NotOneLine),
            ("{a}{b}{c}{d}{e}{f}{g}{h}{i}", TemplateFault::TooManyPlaces(9)),
        ] {
            assert_eq!(Template::new(text), Err(fault), "{text:?}");
        }
        assert_eq!(Template::new("x".repeat(201)), Err(TemplateFault::TooLong(201)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the values are, the words of the title are those of the template, in the same places.
        #[test]
        fn no_value_adds_or_changes_words(
            words in prop::collection::vec("[a-z {}]{0,8}", 1..6),
            values in prop::collection::vec(prop_oneof!["[a-z{}]{0,12}", Just("{a0}".to_owned()), any::<String>()], 5),
        ) {
            let places: Vec<String> = words.iter().enumerate()
                .map(|(at, words)| format!("{}{{a{at}}}", escape(words))).collect();
            let template = Template::new(places.concat()).unwrap();
            let arguments: Map<String, Value> =
                values.iter().enumerate().map(|(at, value)| (format!("a{at}"), json!(value))).collect();
            let parts = template.fill(&arguments);
            let shown: Vec<&str> = parts.iter()
                .filter_map(|part| if let Part::Words(words) = part { Some(words.as_str()) } else { None }).collect();
            let written: Vec<&str> = words.iter().map(String::as_str).filter(|words| !words.is_empty()).collect();
            prop_assert_eq!(shown, written);
            let mut filled = parts.iter().filter(|part| matches!(part, Part::Value(_)));
            for value in values.iter().take(words.len()) {
                let expected = match value.trim() {
                    "" => PlaceValue::Missing,
                    _ => PlaceValue::One(value.clone()),
                };
                prop_assert_eq!(filled.next(), Some(&Part::Value(expected)));
            }
        }

        #[test]
        fn every_text_parses_or_is_refused(text in any::<String>()) {
            if let Ok(template) = Template::new(text.clone()) {
                prop_assert_eq!(template.as_str(), text);
            }

        }
    }
}
