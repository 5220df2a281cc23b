//! Interactive elements (<https://docs.slack.dev/reference/block-kit/block-elements>). Slack has more. Those that the
//! service doesn't use are refused, because nothing here could validate them.

use chrono::NaiveDate;

use super::{
    composition::{confirm, initial_among_options, options, placeholder, select_options},
    input,
    spot::Spot,
    text::{Allowed, need_plain},
};

/// The elements that an `actions` block may contain. This and the next lists only name elements that the app could use.
pub(super) const IN_ACTIONS: &[&str] =
    &["button", "checkboxes", "datepicker", "overflow", "static_select", "users_select"];
/// The elements that a section's accessory may be.
pub(super) const IN_SECTION: &[&str] = &[
    "button",
    "checkboxes",
    "datepicker",
    "overflow",
    "static_select",
    "users_select",
    "multi_static_select",
    "multi_users_select",
];
/// The elements that an `input` block may contain.
pub(super) const IN_INPUT: &[&str] = &[
    "plain_text_input",
    "number_input",
    "checkboxes",
    "datepicker",
    "static_select",
    "users_select",
    "multi_static_select",
    "multi_users_select",
];

/// An element, which must be of an allowed type.
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

/// The elements of one block must have different `action_id`s.
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
    spot.maybe_text("action_id", 1..=255);
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
        "static_select" | "multi_static_select" | "users_select" | "multi_users_select" => select(spot, kind),
        "datepicker" => datepicker(spot),
        _ => input::input(spot, kind),
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

/// A menu of given options or of the workspace's users, for one or several choices.
fn select(spot: &Spot<'_>, kind: &str) {
    let (several, users) = (kind.starts_with("multi_"), kind.ends_with("users_select"));
    let initial = match (users, several) {
        (true, true) => "initial_users",
        (true, false) => "initial_user",
        (false, true) => "initial_options",
        (false, false) => "initial_option",
    };
    let mut keys = vec!["type", "action_id", "confirm", "focus_on_load", "placeholder", initial];
    if several {
        keys.push("max_selected_items");
        spot.number("max_selected_items", 1..=100);
    }
    if users {
        let chosen =
            spot.get(initial).map(|chosen| if several { chosen.items(0..=100) } else { vec![chosen] });
        for user in chosen.into_iter().flatten() {
            user.text(1..=255, |text| text.chars().count());
        }
    } else {
        keys.extend(["options", "option_groups"]);
        select_options(spot);
        initial_among_options(spot, initial, several);
    }
    spot.object(&keys);
    spot.flags(&["focus_on_load"]);
    placeholder(spot);
    confirm(spot);
}

fn datepicker(spot: &Spot<'_>) {
    spot.object(&["type", "action_id", "initial_date", "confirm", "focus_on_load", "placeholder"]);
    if let Some(date) = spot.get("initial_date")
        && !date.value().as_str().is_some_and(|text| text.len() == 10 && text.parse::<NaiveDate>().is_ok())
    {
        date.fault("must be a date in the format YYYY-MM-DD");
    }
    spot.flags(&["focus_on_load"]);
    placeholder(spot);
    confirm(spot);
}
