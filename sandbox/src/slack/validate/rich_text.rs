//! Rich text (<https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>).

use super::spot::Spot;

/// A `rich_text` block.
pub(super) fn rich_text(block: &Spot<'_>) {
    block.object(&["type", "block_id", "elements"]);
    let Some(elements) = block.need("elements") else { return };
    for element in elements.items(1..=usize::MAX) {
        match element.word("type") {
            "rich_text_section" => {
                element.object(&["type", "elements"]);
                inlines(&element, 0, INLINE);
            }
            "rich_text_quote" => {
                element.object(&["type", "elements", "border"]);
                element.number("border", 0..=1);
                inlines(&element, 1, INLINE);
            }
            "rich_text_preformatted" => {
                element.object(&["type", "elements", "border", "language"]);
                element.number("border", 0..=1);
                inlines(&element, 1, &["text", "link"]);
            }
            "rich_text_list" => list(&element),
            "" => element.fault("missing required field: type"),
            kind => element.fault(&format!("unsupported type: {kind}")),
        }
    }
}

fn list(list: &Spot<'_>) {
    list.object(&["type", "elements", "style", "indent", "offset", "border"]);
    if list.need("style").is_some() {
        list.one_of("style", &["bullet", "ordered"]);
    }
    list.number("indent", 0..=8);
    list.number("border", 0..=1);
    let Some(elements) = list.need("elements") else { return };
    for section in elements.items(1..=usize::MAX) {
        if section.word("type") == "rich_text_section" {
            section.object(&["type", "elements"]);
            inlines(&section, 0, INLINE);
        } else {
            section.fault(&format!("unsupported type: {}", section.word("type")));
        }
    }
}

/// The elements that a rich text section may contain.
const INLINE: &[&str] =
    &["text", "link", "emoji", "user", "usergroup", "channel", "team", "date", "broadcast", "color"];

fn inlines(parent: &Spot<'_>, at_least: usize, allowed: &[&str]) {
    let Some(elements) = parent.need("elements") else { return };
    for element in elements.items(at_least..=usize::MAX) {
        let kind = element.word("type");
        if kind.is_empty() {
            element.fault("missing required field: type");
        } else if allowed.contains(&kind) {
            inline(&element, kind);
        } else {
            element.fault(&format!("unsupported type: {kind}"));
        }
    }
}

fn inline(element: &Spot<'_>, kind: &str) {
    let (keys, needed): (&[&str], &str) = match kind {
        "text" => (&["type", "text", "style"], "text"),
        "link" => (&["type", "url", "text", "unsafe", "style"], "url"),
        "emoji" => (&["type", "name", "unicode", "skin_tone", "style"], "name"),
        "user" => (&["type", "user_id", "style"], "user_id"),
        "usergroup" => (&["type", "usergroup_id", "style"], "usergroup_id"),
        "channel" => (&["type", "channel_id", "style"], "channel_id"),
        "team" => (&["type", "team_id", "style"], "team_id"),
        "broadcast" => (&["type", "range", "style"], "range"),
        "color" => (&["type", "value", "style"], "value"),
        _ => (&["type", "timestamp", "format", "url", "fallback", "style"], "format"),
    };
    element.object(keys);
    element.need_text(needed, 1..=usize::MAX - 1);
    if kind == "link" {
        element.maybe_text("text", 1..=usize::MAX - 1);
    }
    if kind == "broadcast" {
        element.one_of("range", &["here", "channel", "everyone"]);
    }
    if let Some(style) = element.get("style") {
        let flags =
            ["bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"];
        style.object(&flags);
        style.flags(&flags);
    }
}
