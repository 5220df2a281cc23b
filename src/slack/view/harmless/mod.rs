//! Untrusted text made harmless.
//!
//! [`line`] and [`lines`] take what an agent or a backend wrote and give [`Shown`]: characters that are invisible, that
//! reorder the text around them, or that stack on it, are written out as `⟨U+202E⟩`. What a person reads is then what
//! is there. The bracket `⟨` is itself written out, so that nobody can fake or hide such a mark, and [`reveal`]
//! undoes it exactly.

mod hidden;
mod measure;
mod mrkdwn;

use std::{fmt::Write as _, ops::Range};

pub use measure::{Cut, cut, cut_short, fit, size};
pub(super) use measure::{note, split};
pub use mrkdwn::in_mrkdwn;

/// Text that may be shown: our own words, or untrusted text that was made harmless.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown(String);

impl Shown {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes our own words with numbers, ids and times in them, which can't hold anything harmful.
    pub(super) const fn own(text: String) -> Self {
        Self(text)
    }

    /// A part of it, in bytes; nothing if they lie within a character.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        Self(self.0.get(range).unwrap_or_default().to_owned())
    }

    /// Puts `before` and `after`, which are our own words, around it.
    #[must_use]
    pub fn between(&self, before: &'static str, after: &'static str) -> Self {
        Self(format!("{before}{}{after}", self.0))
    }

    /// Puts another text after it.
    #[must_use]
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        self.0.push_str(more.into().as_str());
        self
    }
}

/// Our own words.
impl From<&'static str> for Shown {
    fn from(words: &'static str) -> Self {
        Self(words.to_owned())
    }
}

/// Makes a text harmless that has to stay on one line: line breaks and tabs are written out too, and a long run of
/// spaces, which could push what follows to where it looks like something else, is written as `⟨20 spaces⟩`.
#[must_use]
pub fn line(text: &str) -> Shown {
    Shown(hidden::show(text, hidden::Keep::OneLine))
}

/// Makes a text harmless whose line breaks and tabs are kept. `\r\n` becomes `\n`.
#[must_use]
pub fn lines(text: &str) -> Shown {
    Shown(hidden::show(text, hidden::Keep::Lines))
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

/// Puts a text that stands within a sentence between quotation marks, and takes those that could close them early out
/// of it.
#[must_use]
pub fn in_quotes(text: &Shown) -> Shown {
    let inside: String = text
        .0
        .chars()
        .map(|letter| if matches!(letter, '“' | '”' | '„' | '‟') { '"' } else { letter })
        .collect();
    Shown(format!("“{inside}”"))
}

/// Whether the text has letters that run from right to left. Such a text gets a line or an element of its own: within
/// a line the bidirectional algorithm (UAX #9) could put our words on its other side.
#[must_use]
pub fn runs_right_to_left(text: &str) -> bool {
    text.chars().any(|character| {
        matches!(u32::from(character),
            0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFE | 0x1_0800..=0x1_0FFF | 0x1_E800..=0x1_EFFF)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_is_written_out() {
        for (hostile, shown) in [
            ("pay\u{202E}001", "pay⟨U+202E⟩001"),
            ("a\u{200B}b", "a⟨U+200B⟩b"),
            ("a\u{2066}b\u{2069}", "a⟨U+2066⟩b⟨U+2069⟩"),
            ("\u{FEFF}x", "⟨U+FEFF⟩x"),
            ("a\u{AD}b", "a⟨U+00AD⟩b"),
            ("a\u{7}\u{1b}[2J", "a⟨U+0007⟩⟨U+001B⟩[2J"),
            ("a\u{85}b\u{2028}c", "a⟨U+0085⟩b⟨U+2028⟩c"),
            ("a\u{E0041}", "a⟨U+E0041⟩"),
            ("a\u{FE0F}", "a⟨U+FE0F⟩"),
            ("\u{E000}\u{10FFFE}", "⟨U+E000⟩⟨U+10FFFE⟩"),
            ("⟨U+202E⟩", "⟨U+27E8⟩U+202E⟩"),
            ("\u{301}x", "⟨U+0301⟩x"),
            ("e\u{301}\u{302}\u{303}\u{304}\u{305}", "e\u{301}\u{302}\u{303}\u{304}⟨U+0305⟩"),
            ("a\nb\tc", "a⟨U+000A⟩b⟨U+0009⟩c"),
            ("Task                 x", "Task⟨17 spaces⟩x"),
        ] {
            assert_eq!(line(hostile).as_str(), shown);
        }
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in [
            "Call with Acme & Söhne <info>",
            "שלום עולם",
            "مرحبا",
            "नमस्ते",
            "สวัสดี",
            "東京　本社",
            "👍🏽",
            "👩‍💻",
            "❤️",
            "🏳️‍🌈",
            "1️⃣",
            "🇨🇭",
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
        ] {
            assert_eq!(line(text).as_str(), text);
        }
    }

    #[test]
    fn joiners_outside_an_emoji_are_written_out() {
        assert_eq!(line("👩\u{200D}").as_str(), "👩⟨U+200D⟩");
        assert_eq!(line("a\u{200D}👩").as_str(), "a⟨U+200D⟩👩");
        assert_eq!(line("❤\u{FE0F}\u{FE0F}").as_str(), "❤\u{FE0F}⟨U+FE0F⟩");
        assert_eq!(line("\u{1F3F4}\u{E0068}\u{E007F}").as_str(), "\u{1F3F4}⟨U+E0068⟩⟨U+E007F⟩");
    }

    #[test]
    fn lines_keep_their_breaks() {
        assert_eq!(lines("a\r\nb\tc\rd").as_str(), "a\nb\tc⟨U+000D⟩d");
    }

    #[test]
    fn a_quoted_text_can_not_close_its_quotation_marks() {
        assert_eq!(in_quotes(&line("Atlas” wants “nothing")).as_str(), "“Atlas\" wants \"nothing”");
    }

    #[test]
    fn every_mark_can_be_undone() {
        for text in ["a\u{202E}b", "⟨U+202E⟩", "⟨⟨\u{200B}", "⟨17 spaces⟩", "plain"] {
            assert_eq!(reveal(lines(text).as_str()), text);
        }
    }
}
