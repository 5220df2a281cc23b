//! The length of a text by Slack's count, and cutting a text to a length.

use crate::slack::view::sanitize::{
    hidden::{pictures, stacks},
    safe_text::SafeText,
};

/// The length by Slack's count: after `&`, `<` and `>` are escaped
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>). Characters beyond the basic plane count as
/// two, as in UTF-16, so that the result is never too low.
#[must_use]
pub fn size(text: &str) -> usize {
    text.chars().map(weight).sum()
}

const fn weight(character: char) -> usize {
    match character {
        '&' => 5,
        '<' | '>' => 4,
        _ => character.len_utf16(),
    }
}

/// A text that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The text, with a note at its end if it was cut.
    pub text: SafeText,
    /// Whether it was cut.
    pub was_cut: bool,
}

/// Cuts the text to a [`size`] of at most `max`. A note at its end says how much is missing and where to read it all.
/// `max` should be at least 80, so that there is room for both.
#[must_use]
pub fn cut(text: SafeText, max: usize) -> Cut {
    cut_with(text, max, note)
}

/// The note that says how many characters are missing, and where to read them.
pub(in crate::slack::view) fn note(missing: usize) -> String {
    let characters = if missing == 1 { "character" } else { "characters" };
    format!("… (cut, {missing} more {characters}: see Details)")
}

/// The beginning of a text on one line, longer than anything that is made of it here. Space of any length is one space.
#[must_use]
pub fn one_line(text: &SafeText) -> SafeText {
    let beginning: String = text.as_str().chars().take(1_000).collect();
    SafeText::own(beginning.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Cuts the text to a [`size`] of at most `max`, with `…` at its end.
#[must_use]
pub fn cut_short(text: SafeText, max: usize) -> SafeText {
    cut_with(text, max, |_| "…".to_owned()).text
}

fn cut_with(text: SafeText, max: usize, note: impl Fn(usize) -> String) -> Cut {
    if size(text.as_str()) <= max {
        return Cut { text, was_cut: false };
    }
    // The note is longest when everything is missing.
    let room = max.saturating_sub(size(&note(text.as_str().chars().count())));
    let (kept, missing) = fit(&text, usize::MAX, room);
    Cut { text: kept.then(SafeText::own(note(missing))), was_cut: true }
}

/// The beginning of the text with at most so many lines and a [`size`] of at most `max`, and how many characters are
/// then missing.
#[must_use]
pub fn fit(text: &SafeText, max_lines: usize, max: usize) -> (SafeText, usize) {
    let end = text
        .as_str()
        .match_indices('\n')
        .nth(max_lines.saturating_sub(1))
        .map_or(text.as_str().len(), |(at, _)| at);
    let end = split(&text.as_str()[..end], max);
    let missing = text.as_str()[end..].chars().count();
    (SafeText::own(text.as_str()[..end].to_owned()), missing)
}

/// Where to split the text, in bytes, so that the first part has a [`size`] of at most `room` and no unit is torn: a
/// letter and its marks, an emoji, a `⟨…⟩` mark.
pub(in crate::slack::view) fn split(text: &str, room: usize) -> usize {
    let mut used = 0;
    let mut end = text.len();
    for (at, character) in text.char_indices() {
        used += weight(character);
        if used > room {
            end = at;
            break;
        }
    }
    let mut at = end;
    // No real unit is longer than this; a text that imitates one is torn.
    for _ in 0..40 {
        if at == 0 || !tears(text, at) {
            break;
        }
        at = text[..at].char_indices().next_back().map_or(0, |(before, _)| before);
    }
    if at == 0 || tears(text, at) { end } else { at }
}

fn tears(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at(at);
    let (Some(last), Some(next)) = (before.chars().next_back(), after.chars().next()) else { return false };
    let opened = before.chars().rev().take(12).find(|character| matches!(character, '⟨' | '⟩')) == Some('⟨');
    let modifies =
        matches!(u32::from(next), 0x200D | 0x20E3 | 0xFE0F | 0x1_F3FB..=0x1_F3FF | 0xE_0020..=0xE_007F);
    let flag = |character| ('\u{1F1E6}'..='\u{1F1FF}').contains(&character);
    let halves = flag(next) && before.chars().rev().take_while(|&character| flag(character)).count() % 2 == 1;
    opened || stacks(next) || modifies || halves || (last == '\u{200D}' && pictures(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::view::sanitize::line;

    #[test]
    fn a_text_is_measured_as_slack_measures_it() {
        assert_eq!(size("a&<>"), 1 + 5 + 4 + 4);
        assert_eq!(size("é👍"), 3);
    }

    #[test]
    fn what_fits_stays_whole() {
        let text = line(&"&".repeat(20));
        assert_eq!(cut(text.clone(), 100), Cut { text, was_cut: false });
    }

    #[test]
    fn what_is_cut_says_how_much_is_missing() {
        let short = cut(line(&"x".repeat(500)), 80);
        assert!(short.was_cut);
        assert_eq!(
            short.text.as_str(),
            format!("{}… (cut, 461 more characters: see Details)", "x".repeat(39))
        );
    }

    #[test]
    fn what_belongs_together_is_not_torn() {
        for (text, kept) in
            [("ab👩‍💻c", "ab…"), ("abe\u{301}cd", "ab…"), ("ab🇨🇭🇨🇭", "ab…"), ("ab\u{202E}cdef", "ab…")]
        {
            assert_eq!(cut_short(line(text), 4).as_str(), kept, "{text:?}");
        }
    }
}
