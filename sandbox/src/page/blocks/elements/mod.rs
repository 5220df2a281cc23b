//! Block elements, which people click, choose and fill in. <https://docs.slack.dev/reference/block-kit/block-elements>
//!
//! Every element posts the values of [`RenderContext::click`] to `/act/click`. The form around it (a message's or a
//! view's) adds the page's own fields, whose names [`field_name`] makes.

mod buttons;
mod choices;
mod selects;
mod texts;

use std::hash::{DefaultHasher, Hash, Hasher};

use maud::{Markup, html};
use serde_json::{Value, json};

use super::objects::words;
use super::{RenderContext, string};

pub use selects::SELECTORS;

/// The name of an element's form field: the JSON array of its block id and action id.
#[must_use]
pub fn field_name(block: &str, action: &str) -> String {
    json!([block, action]).to_string()
}

/// The HTML id of an element's field. It doesn't depend on the surrounding blocks, so the browser can keep typed text
/// when the app updates the view and the field moves.
fn field_id(context: &RenderContext<'_>, block: &str, action: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (block, action).hash(&mut hasher);
    format!("f-{}-{:x}", context.root(), hasher.finish())
}

/// The position of an element, which decides whether changing it notifies the app immediately.
struct Spot<'a> {
    block: &'a str,
    action: &'a str,
    /// Whether changes are sent immediately: everywhere except in an `input` block without `dispatch_action`.
    sends: bool,
    /// Whether Enter in a text field sends it.
    enters: bool,
    /// Whether a `label` element points at it.
    labelled: bool,
    /// The ids of elements that describe it.
    described: Option<String>,
}

impl Spot<'_> {
    fn vals(&self, context: &RenderContext<'_>) -> Option<String> {
        self.sends.then(|| context.click(self.block, self.action, None))
    }

    fn name(&self) -> String {
        field_name(self.block, self.action)
    }
}

/// Renders an element of an `actions` block or the accessory of a section.
pub(super) fn render(context: &RenderContext<'_>, block: &str, element: &Value) -> Markup {
    let action = string(element, "action_id");
    any(
        context,
        &Spot { block, action, sends: true, enters: true, labelled: false, described: None },
        element,
    )
}

/// Renders the element of an `input` block.
pub(super) fn entry(context: &RenderContext<'_>, block: &Value, element: &Value) -> Markup {
    let dispatches = block.get("dispatch_action").and_then(Value::as_bool).unwrap_or(false);
    let id = string(block, "block_id");
    let wrong = context.errors.is_some_and(|errors| errors.contains_key(id));
    let described = [(wrong, "error"), (!words(block, "hint").is_empty(), "hint")];
    let described: Vec<String> =
        described.iter().filter(|(is, _)| *is).map(|(_, what)| format!("{}-{what}", context.id)).collect();
    let spot = Spot {
        block: id,
        action: string(element, "action_id"),
        sends: dispatches,
        enters: dispatches,
        labelled: true,
        described: (!described.is_empty()).then(|| described.join(" ")),
    };
    any(context, &spot, element)
}

/// Renders the label of an `input` block: a `label` for one field, a heading for a group of choices.
pub(super) fn label(context: &RenderContext<'_>, block: &str, element: &Value, inside: &Markup) -> Markup {
    html! {
        @if string(element, "type") == "checkboxes" {
            span.input-label id={ (context.id) "-label" } { (inside) }
        } @else {
            label.input-label for=(field_id(context, block, string(element, "action_id"))) { (inside) }
        }
    }
}

fn any(context: &RenderContext<'_>, spot: &Spot<'_>, element: &Value) -> Markup {
    match string(element, "type") {
        "button" => buttons::button(context, spot, element),
        "overflow" => buttons::overflow(context, spot, element),
        "checkboxes" => choices::checkboxes(context, spot, element),
        "plain_text_input" => texts::plain(context, spot, element),
        "number_input" => texts::special(context, spot, element, "number"),
        "datepicker" => texts::special(context, spot, element, "date"),
        kind if SELECTORS.contains(&kind) => selects::select(context, spot, element),
        kind => html! { span.block-unknown { "This page can't draw an element of type “" (kind) "”." } },
    }
}
