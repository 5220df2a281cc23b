//! The names of fields: what people read above a value, and its path in the arguments.

use serde_json::Value;

use crate::{
    domain::labels,
    slack::view::sanitize::{self, safe_text::SafeText, size},
};

/// Longest key that is shown without quotes.
const BARE_NAME: usize = 32;

/// The label and the path of a field.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub label: SafeText,
    pub path: SafeText,
    /// The label is the backend's, not made from a key.
    pub is_labelled: bool,
}

impl Name {
    pub(super) fn for_key(key: &str) -> Self {
        Self { label: label(key), path: segment(key), is_labelled: false }
    }

    pub(super) fn member(&self, key: &str) -> Self {
        Self {
            label: self.label.clone().then(" › ").then(label(key)),
            path: self.path.clone().then(".").then(segment(key)),
            is_labelled: false,
        }
    }

    pub(super) fn item(&self, at: usize) -> Self {
        Self {
            label: self.label.clone().then(SafeText::own(format!(" #{}", at + 1))),
            path: self.path.clone().then(SafeText::own(format!("[{at}]"))),
            is_labelled: self.is_labelled,
        }
    }
}

/// What people read for a key.
fn label(key: &str) -> SafeText {
    // A label is made of ASCII words.
    labels::humanised(key).map_or_else(|| segment(key), SafeText::own)
}

/// A member's name within a path: bare, or as JSON if it could be read as several names or as a word of ASCII letters.
pub(in crate::slack::view) fn segment(name: &str) -> SafeText {
    let ordinary = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$' | b'@');
    if !name.is_empty() && name.bytes().all(ordinary) && size(name) <= BARE_NAME {
        return sanitize::line(name);
    }
    let shown = sanitize::line(&Value::from(name).to_string());
    if name.chars().any(|letter| letter.is_ascii_alphabetic()) {
        sanitize::with_marked_doubles(&shown)
    } else {
        shown
    }
}
