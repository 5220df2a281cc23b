//! Text that is safe to show.

use std::{fmt::Write as _, ops::Range};

use crate::slack::view::sanitize::hidden;

/// Text that is safe to show: our own words, or sanitized untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SafeText(String);

impl SafeText {
    /// The text, borrowed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Wraps our own words with numbers, ids and times in them, which can't contain anything harmful.
    pub(in crate::slack::view) const fn own(text: String) -> Self {
        Self(text)
    }

    /// A part of the text, by bytes; empty if an end lies within a character.
    pub(in crate::slack::view) fn part(&self, range: Range<usize>) -> Self {
        Self(self.0.get(range).unwrap_or_default().to_owned())
    }

    /// Puts `before` and `after`, which are our own words, around the text.
    #[must_use]
    pub fn between(&self, before: &'static str, after: &'static str) -> Self {
        Self(format!("{before}{}{after}", self.0))
    }

    /// Appends another text.
    #[must_use]
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        self.0.push_str(more.into().as_str());
        self
    }
}

/// String literals are our own words.
impl From<&'static str> for SafeText {
    fn from(words: &'static str) -> Self {
        Self(words.to_owned())
    }
}

/// Sanitizes a text that must stay on one line. Line breaks and tabs are written out too, and a long run of spaces,
/// which could push the rest to a misleading place, becomes `⟨20 spaces⟩`.
#[must_use]
pub fn line(text: &str) -> SafeText {
    SafeText(hidden::show(text, hidden::Keep::OneLine))
}

/// Sanitizes a text of several lines for a place that has one: `between` stands between the lines that are not blank.
#[must_use]
pub fn joined(text: &str, between: &str) -> SafeText {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { line(text) } else { line(&lines.join(between)) }
}

/// Sanitizes a text and keeps its line breaks and tabs. `\r\n` becomes `\n`.
#[must_use]
pub fn lines(text: &str) -> SafeText {
    SafeText(hidden::show(text, hidden::Keep::Lines))
}

/// Undoes [`lines`] for a text without `\r`: every mark becomes its character again.
#[must_use]
pub fn reveal(shown: &str) -> String {
    let mut text = String::with_capacity(shown.len());
    let mut rest = shown;
    while let Some((before, mark)) = rest.split_once("⟨U+") {
        text.push_str(before);
        let (code, after) = mark.split_once('⟩').unwrap_or((mark, ""));
        match u32::from_str_radix(code, 16).ok().and_then(char::from_u32) {
            Some(character) => text.push(character),
            None => {
                let _ = write!(text, "⟨U+{code}⟩");
            }
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Puts a text within a sentence in quotation marks, and replaces those in it that could close them early.
#[must_use]
pub fn in_quotes(text: &SafeText) -> SafeText {
    without_quotes(text).between("“", "”")
}

/// The text with plain quotation marks instead of those that [`in_quotes`] uses.
#[must_use]
pub fn without_quotes(text: &SafeText) -> SafeText {
    let plain = |letter| if matches!(letter, '“' | '”' | '„' | '‟') { '"' } else { letter };
    SafeText(text.0.chars().map(plain).collect())
}

/// The text with Greek and Cyrillic letters written out: for a word that has ASCII letters as well, in which they would
/// pass for those that look the same.
#[must_use]
pub fn with_marked_doubles(text: &SafeText) -> SafeText {
    let mut marked = String::with_capacity(text.0.len());
    for letter in text.0.chars() {
        let code = u32::from(letter);
        if matches!(code, 0x0370..=0x052F) {
            // Writing to a String cannot fail.
            let _ = write!(marked, "⟨U+{code:04X}⟩");
        } else {
            marked.push(letter);
        }
    }
    SafeText(marked)
}

/// Whether the text has letters that run from right to left. Such a text needs a line or an element of its own: within
/// a line the bidirectional algorithm (UAX #9) could move our words to its other side.
#[must_use]
pub fn runs_right_to_left(text: &str) -> bool {
    text.chars().any(|character| {
        matches!(u32::from(character),
            0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFE | 0x1_0800..=0x1_0FFF | 0x1_E800..=0x1_EFFF)
    })
}
