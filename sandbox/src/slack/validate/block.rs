//! Blocks (<https://docs.slack.dev/reference/block-kit/blocks>).

use super::{
    Place,
    element::{IN_ACTIONS, IN_INPUT, IN_SECTION, action_ids_differ, element},
    rich_text::rich_text,
    spot::Spot,
    text::{Allowed, maybe_plain, need_plain, text_object},
};

/// A list of at most `most` blocks with unique ids.
pub(super) fn blocks(spot: &Spot<'_>, place: Place, most: usize) {
    let mut seen: Vec<&str> = Vec::new();
    for item in spot.items(0..=most) {
        block(&item, place);
        let id = item.word("block_id");
        if !id.is_empty() && seen.contains(&id) {
            item.fault(&format!("`block_id` \"{id}\" already exists for another block"));
        }
        seen.push(id);
    }
}

fn block(spot: &Spot<'_>, place: Place) {
    if !spot.value().is_object() {
        spot.fault("must provide an object");
        return;
    }
    spot.maybe_text("block_id", 0..=255);
    match (spot.word("type"), place) {
        ("section", _) => section(spot),
        ("actions", _) => actions(spot),
        ("context", _) => context(spot),
        ("input", _) => input(spot),
        ("rich_text", _) => rich_text(spot),
        ("divider", _) => {
            spot.object(&["type", "block_id"]);
        }
        ("header", _) => {
            spot.object(&["type", "block_id", "text"]);
            need_plain(spot, "text", 150);
        }
        ("", _) => spot.fault("missing required field: type"),
        (kind, _) => spot.fault(&format!("unsupported type: {kind}")),
    }
}

fn section(spot: &Spot<'_>) {
    spot.object(&["type", "block_id", "text", "fields", "accessory", "expand"]);
    spot.flags(&["expand"]);
    if let Some(text) = spot.get("text") {
        text_object(&text, Allowed::Any, 1..=3000);
    }
    match spot.get("fields") {
        Some(fields) => {
            for field in fields.items(1..=10) {
                text_object(&field, Allowed::Any, 1..=2000);
            }
        }
        None if spot.get("text").is_none() => spot.fault("missing required field: text or fields"),
        None => {}
    }
    if let Some(accessory) = spot.get("accessory") {
        element(&accessory, IN_SECTION);
    }
}

fn actions(spot: &Spot<'_>) {
    spot.object(&["type", "block_id", "elements"]);
    let Some(elements) = spot.need("elements") else { return };
    let elements = elements.items(1..=25);
    for one in &elements {
        element(one, IN_ACTIONS);
    }
    action_ids_differ(&elements);
}

fn context(spot: &Spot<'_>) {
    spot.object(&["type", "block_id", "elements"]);
    let Some(elements) = spot.need("elements") else { return };
    for one in elements.items(1..=10) {
        // Slack documents no limit for these, so the limit of a section applies.
        text_object(&one, Allowed::Any, 1..=3000);
    }
}

fn input(spot: &Spot<'_>) {
    spot.object(&["type", "block_id", "label", "element", "dispatch_action", "hint", "optional"]);
    spot.flags(&["dispatch_action", "optional"]);
    need_plain(spot, "label", 2000);
    maybe_plain(spot, "hint", 2000);
    if let Some(one) = spot.need("element") {
        element(&one, IN_INPUT);
    }
}
