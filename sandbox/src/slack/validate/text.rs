//! Text objects (<https://docs.slack.dev/reference/block-kit/composition-objects/text-object>) and how their length
//! counts.

use std::ops::RangeInclusive;

use super::spot::Spot;

/// Which text objects may stand somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Plain,
    Any,
}

/// A text object with so many characters.
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

/// The plain text object under the key, if there is one.
pub(super) fn maybe_plain(spot: &Spot<'_>, key: &str, longest: usize) {
    if let Some(text) = spot.get(key) {
        text_object(&text, Allowed::Plain, 1..=longest);
    }
}

/// The plain text object that must stand under the key.
pub(super) fn need_plain(spot: &Spot<'_>, key: &str, longest: usize) {
    if let Some(text) = spot.need(key) {
        text_object(&text, Allowed::Plain, 1..=longest);
    }
}

/// How many characters a plain text has once Slack has escaped `&`, `<` and `>`
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>). What is an entity already stays.
pub(super) fn escaped_length(text: &str) -> usize {
    text.char_indices().map(|(at, character)| escaped(text, at, character)).sum()
}

/// The same for mrkdwn, where the angle brackets of links and mentions stay as they are.
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
