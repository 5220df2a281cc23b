//! Takes an action's arguments apart, so that each value can have an element of its own.
//!
//! Objects are flattened: `{"to": {"name": "Kim"}}` is one field, `to.name`. So are arrays, except those of plain words
//! and numbers, which are one value. A box then never contains both a name and a value, or two texts, and wrapped text
//! can't pass for the next field.

use serde_json::Value;

use crate::{
    domain::arguments::Arguments,
    slack::view::sanitize::{self, safe_text::SafeText, size},
};

/// Longest path, by Slack's count, that the names below it repeat. A longer one gets an alias: otherwise 200 KB of
/// arguments could become gigabytes of names.
const PATH: usize = 60;
/// Longest name that is shown without quotes.
const BARE_NAME: usize = 32;
/// Longest word of an array that is shown as one value.
const WORD: usize = 100;

/// A part of the arguments. Fields keep the order of the arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The path of the field, such as `to.name`, `lines[0].amount` or `"a name with spaces"`.
    pub name: SafeText,
    /// The field's value, or the alias for its own fields.
    pub content: Content,
}

/// The content of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// One value: a text as it is, or JSON.
    Value(SafeText),
    /// Further fields, which follow. Their names begin with this alias, such as `(1)`, instead of this field's long
    /// name.
    Alias(SafeText),
}

/// Takes arguments apart.
#[must_use]
pub fn fields(arguments: &Arguments) -> Vec<Field> {
    let mut fields = Fields::default();
    for (name, value) in arguments.members() {
        fields.add(segment(name), value);
    }
    fields.found
}

#[derive(Default)]
struct Fields {
    found: Vec<Field>,
    aliases: usize,
}

impl Fields {
    fn add(&mut self, path: SafeText, value: &Value) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                let base = self.base(path);
                for (name, value) in members {
                    self.add(base.clone().then(".").then(segment(name)), value);
                }
            }
            Value::Array(items) if !is_list(items) => {
                let base = self.base(path);
                for (at, item) in items.iter().enumerate() {
                    self.add(base.clone().then(SafeText::own(format!("[{at}]"))), item);
                }
            }
            one => self.found.push(Field { name: path, content: Content::Value(show(one)) }),
        }
    }

    /// The prefix for the names below a path: the path itself, or an alias for it.
    fn base(&mut self, path: SafeText) -> SafeText {
        if size(path.as_str()) <= PATH {
            return path;
        }
        self.aliases += 1;
        // No name looks like an alias: a name with brackets is shown in quotes.
        let alias = SafeText::own(format!("({})", self.aliases));
        self.found.push(Field { name: path, content: Content::Alias(alias.clone()) });
        alias
    }
}

/// A member's name within a path: bare, or as JSON if it could be read as several names.
fn segment(name: &str) -> SafeText {
    let ordinary = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '$' | '@');
    let shown = sanitize::line(name);
    let bare = !name.is_empty() && name.chars().all(ordinary) && shown.as_str() == name;
    if bare && size(name) <= BARE_NAME { shown } else { sanitize::line(&Value::from(name).to_string()) }
}

/// Whether an array is one value: it is empty, or contains only numbers, `true`, `false`, `null`, words without JSON's
/// special characters, and such arrays.
fn is_list(items: &[Value]) -> bool {
    items.iter().all(|item| match item {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(word) => is_word(word),
        Value::Array(items) => is_list(items),
        Value::Object(_) => false,
    })
}

fn is_word(word: &str) -> bool {
    let ordinary =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@' | b'+' | b'/');
    word.len() <= WORD && word.bytes().all(ordinary)
}

/// A value: text as it is, with its line breaks, if that is unambiguous; everything else as JSON.
fn show(value: &Value) -> SafeText {
    match value {
        Value::String(text) if is_bare(text) => sanitize::lines(text),
        other => sanitize::lines(&other.to_string()),
    }
}

/// Whether a text can't be confused with another value without quotes: it isn't empty, isn't JSON, has no white space
/// at places where it is invisible, and no `\r`, which is not preserved.
fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
        && !text.contains('\r')
        // A quotation mark at the start could seem to close too early; a number or `true` is not a text.
        && !text.starts_with(['"', '{', '['])
        && serde_json::from_str::<Value>(text).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(json: &str) -> String {
        let arguments: Arguments = serde_json::from_str(json).unwrap();
        let line = |field: Field| match field.content {
            Content::Value(value) => format!("{}: {}", field.name.as_str(), value.as_str()),
            Content::Alias(alias) => format!("{} is {}", field.name.as_str(), alias.as_str()),
        };
        fields(&arguments).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_value_has_its_name_in_the_order_given() {
        insta::assert_snapshot!(
            show(r#"{"to":{"name":"Kim","mail":"kim@example.com"},"lines":[{"amount":1},"two words"],"tags":["call","q3"],"copy":null}"#),
            @r#"
        to.name: Kim
        to.mail: kim@example.com
        lines[0].amount: 1
        lines[1]: two words
        tags: ["call","q3"]
        copy: null
        "#
        );
    }

    #[test]
    fn a_text_keeps_its_line_breaks() {
        assert_eq!(show(r#"{"body":"Dear Kim,\n\n\tyes.  Bye"}"#), "body: Dear Kim,\n\n\tyes.  Bye");
    }

    #[test]
    fn what_could_be_something_else_is_quoted() {
        insta::assert_snapshot!(
            show(r#"{"a":"","b":"true","c":true,"d":{},"e":[],"f":"1","g":"\"x","h":"{}","i":" ","j":"x ","k":"a\r\nb","":"x","a b":"x","a.b":"x","(1)":"x"}"#),
            @r#"
        a: ""
        b: "true"
        c: true
        d: {}
        e: []
        f: "1"
        g: "\"x"
        h: "{}"
        i: " "
        j: "x "
        k: "a\r\nb"
        "": x
        "a b": x
        "a.b": x
        "(1)": x
        "#
        );
    }

    #[test]
    fn an_array_that_could_be_misread_is_opened() {
        assert_eq!(show(r#"{"a":["x","b: y"]}"#), "a[0]: x\na[1]: b: y");
        assert_eq!(show(r#"{"a":[[1,2],["x"]]}"#), r#"a: [[1,2],["x"]]"#);
    }

    #[test]
    fn a_long_path_gets_an_alias() {
        let long = "n".repeat(70);
        assert_eq!(
            show(&format!(r#"{{"{long}":{{"a":1,"b":{{"c":2}}}}}}"#)),
            format!("\"{long}\" is (1)\n(1).a: 1\n(1).b.c: 2")
        );
    }

    #[test]
    fn names_grow_no_faster_than_the_arguments() {
        let inner: Vec<String> = (0..1_000).map(|n| format!(r#""a {n}":"b c""#)).collect();
        let text = format!(
            r#"{{"{}":{}{{{}}}{}}}"#,
            "n".repeat(50_000),
            r#"{"x y":"#.repeat(90),
            inner.join(","),
            "}".repeat(90)
        );
        assert!(show(&text).len() < 4 * text.len());
    }
}
