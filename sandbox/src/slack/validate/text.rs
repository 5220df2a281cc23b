//! Text objects (<https://docs.slack.dev/reference/block-kit/composition-objects/text-object>) and how Slack counts
//! their length.

use std::ops::RangeInclusive;

use super::spot::Spot;

/// The types of text object that a place allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Plain,
    Any,
}

/// A text object whose length must be in the range.
pub(super) fn text_object(spot: &Spot<'_>, allowed: Allowed, length: RangeInclusive<usize>) {
    let kind = spot.word("type");
    match (kind, allowed) {
        ("plain_text", _) => {
            spot.object(&["type", "text", "emoji"]);
            spot.flags(&["emoji"]);
            if let Some(text) = spot.need("text") {
                text.text(length, escaped_length);
            }
        }
        ("mrkdwn", Allowed::Any) => {
            spot.object(&["type", "text", "verbatim"]);
            spot.flags(&["verbatim"]);
            if let Some(text) = spot.need("text") {
                text.text(length, mrkdwn_length);
            }
        }
        _ if !spot.value().is_object() => spot.fault("must provide an object"),
        ("", _) => spot.fault("missing required field: type"),
        _ => spot.fault(&format!("unsupported type: {kind}")),
    }
}

/// An optional plain text object.
pub(super) fn maybe_plain(spot: &Spot<'_>, key: &str, longest: usize) {
    if let Some(text) = spot.get(key) {
        text_object(&text, Allowed::Plain, 1..=longest);
    }
}

/// A required plain text object.
pub(super) fn need_plain(spot: &Spot<'_>, key: &str, longest: usize) {
    if let Some(text) = spot.need(key) {
        text_object(&text, Allowed::Plain, 1..=longest);
    }
}

/// The length of a plain text after Slack has escaped `&`, `<` and `>`
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>). Existing entities are not escaped again.
pub(super) fn escaped_length(text: &str) -> usize {
    text.char_indices().map(|(at, character)| escaped(text, at, character)).sum()
}

/// The same for mrkdwn, where the angle brackets of links and mentions are not escaped.
pub(super) fn mrkdwn_length(text: &str) -> usize {
    let mut length = 0;
    let mut inside = false;
    for (at, character) in text.char_indices() {
        let opens = character == '<' && !inside && is_markup(&text[at + 1..]);
        let closes = character == '>' && inside;
        inside = (inside || opens) && !closes;
        length += if opens || closes { 1 } else { escaped(text, at, character) };
    }
    length
}

fn is_markup(after: &str) -> bool {
    let starts = ["@", "#", "!", "http://", "https://", "mailto:", "tel:"];
    starts.iter().any(|start| after.starts_with(start)) && after.contains('>')
}

fn escaped(text: &str, at: usize, character: char) -> usize {
    match character {
        '<' | '>' => 4,
        '&' if ["&amp;", "&lt;", "&gt;"].iter().any(|entity| text[at..].starts_with(entity)) => 1,
        '&' => 5,
        _ => 1,
    }
}
