//! Interactive elements (<https://docs.slack.dev/reference/block-kit/block-elements>).

use super::{
    composition::{confirm, initial_among_options, options, placeholder, select_options},
    input,
    spot::Spot,
    text::{Allowed, maybe_plain, need_plain},
};

/// Which elements may stand in an `actions` block.
pub(super) const IN_ACTIONS: &[&str] = &[
    "button",
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "overflow",
    "radio_buttons",
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "timepicker",
    "workflow_button",
];
/// Which elements may stand beside the text of a section.
pub(super) const IN_SECTION: &[&str] = &[
    "button",
    "checkboxes",
    "datepicker",
    "image",
    "overflow",
    "radio_buttons",
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "timepicker",
    "workflow_button",
];
/// Which elements may stand in an `input` block.
pub(super) const IN_INPUT: &[&str] = &[
    "plain_text_input",
    "number_input",
    "email_text_input",
    "url_text_input",
    "rich_text_input",
    "file_input",
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "radio_buttons",
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "timepicker",
];

/// An element that must be one of the allowed kinds.
pub(super) fn element(spot: &Spot<'_>, allowed: &[&str]) {
    let kind = spot.word("type");
    if !spot.value().is_object() {
        spot.fault("must provide an object");
    } else if kind.is_empty() {
        spot.fault("missing required field: type");
    } else if allowed.contains(&kind) {
        judge(spot, kind);
    } else {
        spot.fault(&format!("unsupported type: {kind}"));
    }
}

/// No two elements of one block may have the same `action_id`.
pub(super) fn action_ids_differ(elements: &[Spot<'_>]) {
    let mut seen: Vec<&str> = Vec::new();
    for element in elements {
        let id = element.word("action_id");
        if !id.is_empty() && seen.contains(&id) {
            element.fault(&format!("`action_id` \"{id}\" already exists for another element"));
        }
        seen.push(id);
    }
}

fn judge(spot: &Spot<'_>, kind: &str) {
    if kind != "image" {
        spot.maybe_text("action_id", 1..=255);
    }
    match kind {
        "button" => button(spot),
        "overflow" => {
            spot.object(&["type", "action_id", "options", "confirm"]);
            options(spot, 2..=5, Allowed::Plain, true);
            confirm(spot);
        }
        "checkboxes" => {
            spot.object(&["type", "action_id", "options", "initial_options", "confirm", "focus_on_load"]);
            spot.flags(&["focus_on_load"]);
            options(spot, 1..=10, Allowed::Any, false);
            initial_among_options(spot, "initial_options", true);
            confirm(spot);
        }
        "radio_buttons" => {
            spot.object(&["type", "action_id", "options", "initial_option", "confirm", "focus_on_load"]);
            spot.flags(&["focus_on_load"]);
            options(spot, 1..=10, Allowed::Any, false);
            initial_among_options(spot, "initial_option", false);
            confirm(spot);
        }
        "static_select" | "multi_static_select" => static_select(spot, kind),
        "image" => image(spot),
        _ if kind.ends_with("_input") => input::input(spot, kind),
        _ => other(spot),
    }
}

fn button(spot: &Spot<'_>) {
    spot.object(&["type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"]);
    need_plain(spot, "text", 75);
    spot.maybe_text("url", 1..=3000);
    spot.maybe_text("value", 1..=2000);
    spot.one_of("style", &["primary", "danger"]);
    spot.maybe_text("accessibility_label", 1..=75);
    confirm(spot);
}

fn static_select(spot: &Spot<'_>, kind: &str) {
    let several = kind.starts_with("multi_");
    let initial = if several { "initial_options" } else { "initial_option" };
    let mut keys = vec![
        "type",
        "action_id",
        "options",
        "option_groups",
        "confirm",
        "focus_on_load",
        "placeholder",
        initial,
    ];
    if several {
        keys.push("max_selected_items");
        spot.number("max_selected_items", 1..=100);
    }
    spot.object(&keys);
    spot.flags(&["focus_on_load"]);
    select_options(spot);
    initial_among_options(spot, initial, several);
    placeholder(spot);
    confirm(spot);
}

/// Menus of users, channels and times: what they share is judged.
fn other(spot: &Spot<'_>) {
    placeholder(spot);
    confirm(spot);
    maybe_plain(spot, "text", 75);
}

/// An image, as an element or with the same fields as a block of its own.
pub(super) fn image_source(spot: &Spot<'_>) {
    match (spot.get("image_url"), spot.get("slack_file")) {
        (None, None) => spot.fault("missing required field: image_url"),
        (Some(_), Some(file)) => file.fault("cannot provide both image_url and slack_file"),
        _ => spot.maybe_text("image_url", 1..=3000),
    }
    spot.need_text("alt_text", 1..=2000);
}

fn image(spot: &Spot<'_>) {
    spot.object(&["type", "image_url", "slack_file", "alt_text"]);
    image_source(spot);
}
