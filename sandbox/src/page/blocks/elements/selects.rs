//! Select menus: of given options, and of the workspace's users.

use maud::{Markup, html};
use serde_json::Value;

use super::super::objects::{confirm_dialog, confirm_with, words};
use super::super::{RenderContext, list, string};
use super::{Spot, field_id};

/// The element types that are drawn as select menus.
pub const SELECTORS: [&str; 4] =
    ["static_select", "users_select", "multi_static_select", "multi_users_select"];

/// Renders a select menu with the machine's own list, which the keyboard and screen readers know.
pub(super) fn select(context: &RenderContext<'_>, spot: &Spot<'_>, element: &Value) -> Markup {
    let kind = string(element, "type");
    let many = kind.starts_with("multi_");
    let chosen = chosen(context, spot, element);
    let is_chosen = |value: &str| chosen.iter().any(|chosen| chosen == value);
    let placeholder = Some(words(element, "placeholder")).filter(|words| !words.is_empty());
    let placeholder = placeholder.unwrap_or("Select an item");
    let sends = spot.sends.then_some("/act/click");
    html! {
        select.select id=(field_id(context, spot.block, spot.action)) name=(spot.name()) multiple[many] data-testid="select"
            data-block-id=(spot.block) data-action-id=(spot.action)
            aria-label=[(!spot.labelled).then_some(placeholder)] aria-describedby=[spot.described.as_deref()]
            hx-post=[sends] hx-trigger=[sends.map(|_| "change")] hx-vals=[spot.vals(context)]
            hx-confirm=[sends.and_then(|_| confirm_with(context, element))] {
            @if !many { option value="" selected[chosen.is_empty()] { (placeholder) } }
            @for (value, label) in directory(context, kind) {
                option value=(value) selected[is_chosen(value)] { (label) }
            }
            @for option in list(element, "options") { (choice(option, &is_chosen)) }
            @for group in list(element, "option_groups") {
                optgroup label=(words(group, "label")) {
                    @for option in list(group, "options") { (choice(option, &is_chosen)) }
                }
            }
        }
        (confirm_dialog(context, element))
    }
}

fn choice(option: &Value, is_chosen: &dyn Fn(&str) -> bool) -> Markup {
    let value = string(option, "value");
    html! { option value=(value) selected[is_chosen(value)] { (words(option, "text")) } }
}

/// For a menu of users, those of the workspace, by name.
fn directory<'s>(context: &RenderContext<'s>, kind: &str) -> Vec<(&'s str, &'s str)> {
    let users = context.names.users.iter().filter(|_| kind.ends_with("users_select"));
    let mut entries: Vec<_> = users.map(|(id, name)| (id.as_str(), name.as_str())).collect();
    entries.sort_unstable_by_key(|(_, name)| *name);
    entries
}

/// The values that are chosen: what was entered, else what the app set.
fn chosen(context: &RenderContext<'_>, spot: &Spot<'_>, element: &Value) -> Vec<String> {
    let (holder, prefix) = match context.entry(spot.block, spot.action) {
        Some(entry) => (entry, "selected_"),
        None => (element, "initial_"),
    };
    let mut values = Vec::new();
    for what in ["option", "user"] {
        let one = holder.get(format!("{prefix}{what}"));
        for item in one.into_iter().chain(list(holder, &format!("{prefix}{what}s"))) {
            let value = item.as_str().unwrap_or_else(|| string(item, "value"));
            values.push(value.to_owned());
        }
    }
    values
}
