//! Options and confirmation dialogs (<https://docs.slack.dev/reference/block-kit/composition-objects>).

use std::ops::RangeInclusive;

use super::{
    spot::Spot,
    text::{Allowed, maybe_plain, need_plain, text_object},
};
use crate::slack::state::entered::options_of;

/// The longest text and value of an option. Slack documents 75, and lately 150 for the value.
const OPTION: usize = 75;

/// The options of an element: their number must be in the range, and their values unique.
pub(super) fn options(element: &Spot<'_>, count: RangeInclusive<usize>, texts: Allowed, with_url: bool) {
    let Some(options) = element.need("options") else { return };
    list(&options, count, texts, with_url);
}

fn list(options: &Spot<'_>, count: RangeInclusive<usize>, texts: Allowed, with_url: bool) {
    let mut seen: Vec<&str> = Vec::new();
    for item in options.items(count) {
        option(&item, texts, with_url);
        let value = item.word("value");
        if seen.contains(&value) {
            item.fault(&format!("the value {value} is already that of another option"));
        }
        seen.push(value);
    }
}

/// The options of a select menu: up to 100, or up to 100 groups of them.
pub(super) fn select_options(element: &Spot<'_>) {
    match (element.get("options"), element.get("option_groups")) {
        (Some(options), None) => list(&options, 1..=100, Allowed::Plain, false),
        (None, Some(groups)) => {
            for group in groups.items(1..=100) {
                group.object(&["label", "options"]);
                need_plain(&group, "label", OPTION);
                options_of_group(&group);
            }
        }
        (None, None) => element.fault("missing required field: options"),
        (Some(_), Some(groups)) => groups.fault("cannot provide both options and option_groups"),
    }
}

fn options_of_group(group: &Spot<'_>) {
    if let Some(options) = group.need("options") {
        list(&options, 1..=100, Allowed::Plain, false);
    }
}

fn option(spot: &Spot<'_>, texts: Allowed, with_url: bool) {
    let keys: &[&str] =
        if with_url { &["text", "value", "description", "url"] } else { &["text", "value", "description"] };
    if !spot.object(keys) {
        return;
    }
    if let Some(text) = spot.need("text") {
        text_object(&text, texts, 1..=OPTION);
    }
    spot.need_text("value", 1..=OPTION);
    if let Some(description) = spot.get("description") {
        text_object(&description, texts, 1..=OPTION);
    }
    spot.maybe_text("url", 1..=3000);
}

/// Every initial option must equal one of the options.
pub(super) fn initial_among_options(element: &Spot<'_>, key: &str, several: bool) {
    let Some(initial) = element.get(key) else { return };
    let all = options_of(element.value());
    let chosen = if several { initial.items(1..=100) } else { vec![initial] };
    for option in chosen {
        if !all.contains(&option.value()) {
            option.fault("must match one of the options provided");
        }
    }
}

/// The confirmation dialog of an element, if it has one.
pub(super) fn confirm(element: &Spot<'_>) {
    let Some(confirm) = element.get("confirm") else { return };
    if !confirm.object(&["title", "text", "confirm", "deny", "style"]) {
        return;
    }
    need_plain(&confirm, "title", 100);
    if let Some(text) = confirm.need("text") {
        text_object(&text, Allowed::Any, 1..=300);
    }
    need_plain(&confirm, "confirm", 30);
    need_plain(&confirm, "deny", 30);
    confirm.one_of("style", &["primary", "danger"]);
}

/// The placeholder of an element, if it has one.
pub(super) fn placeholder(element: &Spot<'_>) {
    maybe_plain(element, "placeholder", 150);
}
