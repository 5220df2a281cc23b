//! Block elements: what can be clicked, chosen and filled in.
//! <https://docs.slack.dev/reference/block-kit/block-elements>
//!
//! Every element posts to `/act/click` with what [`Scene::click`] says; the form around it (a message's or a
//! view's) sends along the page's own fields, whose names are made by [`field_name`].

mod buttons;
mod choices;
mod selects;
mod texts;

use std::hash::{DefaultHasher, Hash, Hasher};

use maud::{Markup, html};
use serde_json::{Value, json};

use super::objects::words;
use super::{Scene, string};

pub use selects::SELECTORS;

/// The name of an element's form field: the JSON array of its block id and action id.
#[must_use]
pub fn field_name(block: &str, action: &str) -> String {
    json!([block, action]).to_string()
}

/// The HTML id of an element's field: the same whatever stands around it, so that what one has typed can be
/// kept when the app redraws the view with this field at another place.
fn field_id(scene: &Scene<'_>, block: &str, action: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (block, action).hash(&mut hasher);
    format!("f-{}-{:x}", scene.root(), hasher.finish())
}

/// Where an element stands: decides whether changing it tells the app at once.
struct Spot<'a> {
    block: &'a str,
    action: &'a str,
    /// Changes are sent at once: everywhere but in an `input` block that doesn't ask for it.
    sends: bool,
    /// Enter in a text field is sent at once.
    enters: bool,
    /// Labelled by a `label` element that points at it.
    labelled: bool,
    /// Ids of elements that describe it.
    described: Option<String>,
}

impl Spot<'_> {
    fn vals(&self, scene: &Scene<'_>) -> Option<String> {
        self.sends.then(|| scene.click(self.block, self.action, None))
    }

    fn name(&self) -> String {
        field_name(self.block, self.action)
    }
}

/// Draws an element of an `actions` block or the accessory of a section.
pub(super) fn draw(scene: &Scene<'_>, block: &str, element: &Value) -> Markup {
    let action = string(element, "action_id");
    any(scene, &Spot { block, action, sends: true, enters: true, labelled: false, described: None }, element)
}

/// Draws the element of an `input` block.
pub(super) fn entry(scene: &Scene<'_>, block: &Value, element: &Value) -> Markup {
    let dispatches = block.get("dispatch_action").and_then(Value::as_bool).unwrap_or(false);
    let id = string(block, "block_id");
    let wrong = scene.errors.is_some_and(|errors| errors.contains_key(id));
    let described = [(wrong, "error"), (!words(block, "hint").is_empty(), "hint")];
    let described: Vec<String> =
        described.iter().filter(|(is, _)| *is).map(|(_, what)| format!("{}-{what}", scene.id)).collect();
    let spot = Spot {
        block: id,
        action: string(element, "action_id"),
        sends: dispatches,
        enters: dispatches,
        labelled: true,
        described: (!described.is_empty()).then(|| described.join(" ")),
    };
    any(scene, &spot, element)
}

/// Draws the label of an `input` block: a `label` for one field, a heading for a group of choices.
pub(super) fn label(scene: &Scene<'_>, block: &str, element: &Value, inside: &Markup) -> Markup {
    html! {
        @if string(element, "type") == "checkboxes" {
            span.input-label id={ (scene.id) "-label" } { (inside) }
        } @else {
            label.input-label for=(field_id(scene, block, string(element, "action_id"))) { (inside) }
        }
    }
}

fn any(scene: &Scene<'_>, spot: &Spot<'_>, element: &Value) -> Markup {
    match string(element, "type") {
        "button" => buttons::button(scene, spot, element),
        "overflow" => buttons::overflow(scene, spot, element),
        "checkboxes" => choices::checkboxes(scene, spot, element),
        "plain_text_input" => texts::plain(scene, spot, element),
        "number_input" => texts::special(scene, spot, element, "number"),
        "datepicker" => texts::special(scene, spot, element, "date"),
        kind if SELECTORS.contains(&kind) => selects::select(scene, spot, element),
        kind => html! { span.block-unknown { "This page can't draw an element of type “" (kind) "”." } },
    }
}
