//! Input fields for text, numbers and dates.

use maud::{Markup, html};
use serde_json::Value;

use super::super::objects::words;
use super::super::{RenderContext, list, string};
use super::{Spot, field_id};

/// Renders a `plain_text_input`. It keeps its content when the page around it is updated.
pub(super) fn plain(context: &RenderContext<'_>, spot: &Spot<'_>, element: &Value) -> Markup {
    let multiline = element.get("multiline").and_then(Value::as_bool).unwrap_or(false);
    let length = |key| element.get(key).and_then(Value::as_u64);
    let value = value(context, spot, element, "initial_value");
    let aria = aria(spot, element);
    let (post, trigger) = dispatch(spot, element);
    let focus = element.get("focus_on_load").and_then(Value::as_bool).unwrap_or(false);
    let id = field_id(context, spot.block, spot.action);
    html! {
        @if multiline {
            textarea.field-text id=(id) name=(spot.name()) rows="4" data-testid="textarea" hx-preserve="true"
                placeholder=(words(element, "placeholder")) aria-label=[aria]
                aria-describedby=[spot.described.as_deref()] autofocus[focus]
                minlength=[length("min_length")] maxlength=[length("max_length")]
                hx-post=[post] hx-trigger=[trigger] hx-vals=[spot.vals(context)] { (value) }
        } @else {
            input.field-text type="text" id=(id) name=(spot.name()) value=(value) autocomplete="off"
                data-testid="text" hx-preserve="true"
                placeholder=(words(element, "placeholder")) aria-label=[aria]
                aria-describedby=[spot.described.as_deref()] autofocus[focus]
                minlength=[length("min_length")] maxlength=[length("max_length")]
                hx-post=[post] hx-trigger=[trigger] hx-vals=[spot.vals(context)];
        }
    }
}

/// Renders an input type that browsers provide: number, date.
pub(super) fn special(context: &RenderContext<'_>, spot: &Spot<'_>, element: &Value, kind: &str) -> Markup {
    let initial = if kind == "date" { "initial_date" } else { "initial_value" };
    let bound = |key| element.get(key).and_then(Value::as_str);
    let step = element.get("is_decimal_allowed").and_then(Value::as_bool).unwrap_or(false).then_some("any");
    let sends = spot.sends.then_some("/act/click");
    html! {
        input.field-text type=(kind) id=(field_id(context, spot.block, spot.action)) name=(spot.name()) autocomplete="off"
            value=(value(context, spot, element, initial)) placeholder=(words(element, "placeholder"))
            aria-label=[aria(spot, element)] aria-describedby=[spot.described.as_deref()] data-testid=(kind)
            min=[bound("min_value")] max=[bound("max_value")] step=[step]
            hx-post=[sends] hx-trigger=[sends.map(|_| "change")] hx-vals=[spot.vals(context)];
    }
}

/// The field's own label, where no `input` block gives it one.
fn aria<'v>(spot: &Spot<'_>, element: &'v Value) -> Option<&'v str> {
    (!spot.labelled).then(|| words(element, "placeholder"))
}

/// The typed value, or else the initial value.
fn value<'v>(context: &'v RenderContext<'_>, spot: &Spot<'_>, element: &'v Value, initial: &str) -> &'v str {
    match context.entry(spot.block, spot.action) {
        Some(entry) => ["value", "selected_date"]
            .iter()
            .map(|key| string(entry, key))
            .find(|v| !v.is_empty())
            .unwrap_or_default(),
        None => string(element, initial),
    }
}

/// When typing is sent to the app: on Enter unless `dispatch_action_config` says otherwise. The page's script creates
/// the event `enter`, because htmx would need `eval` to distinguish keys.
fn dispatch(spot: &Spot<'_>, element: &Value) -> (Option<&'static str>, Option<&'static str>) {
    if !spot.enters {
        return (None, None);
    }
    let config = element.get("dispatch_action_config");
    let typed = config.is_some_and(|config| {
        list(config, "trigger_actions_on").iter().any(|on| on == "on_character_entered")
    });
    let trigger = if typed { "input changed delay:300ms" } else { "enter" };
    (Some("/act/click"), Some(trigger))
}
