//! Composition objects: text, options, confirmation dialogs.
//! <https://docs.slack.dev/reference/block-kit/composition-objects>

use maud::{Markup, html};
use serde_json::Value;

use super::{Scene, emoji, mrkdwn, string};

/// Draws a text object. Slack takes `emoji` of a `plain_text` as true unless it is false.
pub(super) fn text(scene: &Scene<'_>, object: &Value) -> Markup {
    let words = string(object, "text");
    if string(object, "type") == "mrkdwn" {
        mrkdwn::render(scene, words, object.get("verbatim").and_then(Value::as_bool).unwrap_or(false))
    } else {
        emoji::plain(words, object.get("emoji").and_then(Value::as_bool).unwrap_or(true))
    }
}

/// Draws the text object at `key`, or nothing.
pub(super) fn text_at(scene: &Scene<'_>, holder: &Value, key: &str) -> Markup {
    holder.get(key).map_or_else(|| html! {}, |object| text(scene, object))
}

/// The words of the text object at `key`, for attributes: placeholders, labels.
pub(super) fn words<'v>(holder: &'v Value, key: &str) -> &'v str {
    holder.get(key).map(|object| string(object, "text")).unwrap_or_default()
}

/// The id of the confirmation dialog of the element in this scene.
pub(super) fn confirm_id(scene: &Scene<'_>) -> String {
    format!("confirm-{}", scene.id)
}

/// What `hx-confirm` of an element says: the id of its dialog, where it has one. The page's script shows it.
pub(super) fn confirm_with(scene: &Scene<'_>, element: &Value) -> Option<String> {
    element.get("confirm").map(|_| format!("#{}", confirm_id(scene)))
}

/// Draws the confirmation dialog of an element, closed.
pub(super) fn confirm_dialog(scene: &Scene<'_>, element: &Value) -> Markup {
    let Some(confirm) = element.get("confirm") else { return html! {} };
    let id = confirm_id(scene);
    let danger = string(confirm, "style") == "danger";
    html! {
        dialog.dialog.confirm id=(id) aria-labelledby={ (id) "-title" } data-testid="confirm" {
            header.dialog-head {
                h2.dialog-title id={ (id) "-title" } { (text_at(scene, confirm, "title")) }
            }
            div.dialog-body { (text_at(scene, confirm, "text")) }
            footer.dialog-foot {
                button.btn.btn-big type="button" data-answer="no" { (text_at(scene, confirm, "deny")) }
                button.btn.btn-big.btn-danger[danger].btn-primary[!danger] type="button" data-answer="yes" {
                    (text_at(scene, confirm, "confirm"))
                }
            }
        }
    }
}
