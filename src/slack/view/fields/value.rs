//! How a value is shown without its name.

use serde_json::{Map, Value};

use super::money;
use crate::{
    domain::field_hints::Format,
    slack::view::sanitize::{self, safe_text::SafeText, size},
};

/// Longest JSON that stands behind a bar.
const JSON: usize = 80;

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    /// A text as it is, a list with an item a line, or JSON.
    pub text: SafeText,
    /// What keeps the value apart from everything else.
    pub frame: Frame,
}

/// What Slack draws along every line of a value, however narrow the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// A bar, for text that is read.
    Bar,
    /// A box with letters of equal width, for text in which every space counts.
    Box,
}

/// A value without its name.
pub(in crate::slack::view) fn value(value: &Value) -> FieldValue {
    show(value, None, None)
}

/// A value as it is shown. `among`: its key, and the object that it is a member of.
pub(super) fn show(
    value: &Value,
    format: Option<Format>,
    among: Option<(&str, &Map<String, Value>)>,
) -> FieldValue {
    if format == Some(Format::Money)
        && let Some(text) = money::text(value, among)
    {
        return FieldValue { text, frame: Frame::Bar };
    }
    match value {
        Value::String(text) if is_bare(text) => {
            let spaced = text.contains(['\t', '\u{a0}']) || text.contains("  ") || has_indent(text);
            let frame = if format == Some(Format::Code) || spaced { Frame::Box } else { Frame::Bar };
            FieldValue { text: sanitize::lines(text.trim_end_matches(['\r', '\n'])), frame }
        }
        Value::Array(items) if items.len() > 1 && items.iter().all(|item| !item.is_array()) => {
            let items = items.iter().map(|item| SafeText::from("• ").then(show(item, None, None).text));
            let list = items.reduce(|list, item| list.then("\n").then(item));
            FieldValue { text: list.unwrap_or_default(), frame: Frame::Bar }
        }
        Value::Array(items) => match items.as_slice() {
            [one] if !one.is_array() => show(one, None, None),
            _ => json(value),
        },
        other => json(other),
    }
}

fn json(value: &Value) -> FieldValue {
    let text = sanitize::lines(&value.to_string());
    let short = size(text.as_str()) <= JSON && !text.as_str().contains("  ");
    FieldValue { text, frame: if short { Frame::Bar } else { Frame::Box } }
}

fn has_indent(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(char::is_whitespace))
}

/// Whether a text can't be confused with another value without quotes. One of several lines can't be. One of a single
/// line must not be empty, JSON, have white space at places where it is invisible, or `\r`, which is not preserved.
fn is_bare(text: &str) -> bool {
    let whole = text.trim_end_matches(['\r', '\n']);
    if whole.contains('\n') && !whole.replace("\r\n", "").contains('\r') {
        return true;
    }
    !whole.trim().is_empty()
        && !whole.starts_with(char::is_whitespace)
        && !whole.ends_with(char::is_whitespace)
        && !whole.contains('\r')
        // A quotation mark at the start could seem to close too early; a number or `true` is not a text.
        && !whole.starts_with(['"', '{', '['])
        && serde_json::from_str::<Value>(whole).is_err()
}
