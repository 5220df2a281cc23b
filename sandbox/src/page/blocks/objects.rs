//! Composition objects: text, options, confirmation dialogs.
//! <https://docs.slack.dev/reference/block-kit/composition-objects>

use maud::{Markup, html};
use serde_json::Value;

use super::{RenderContext, emoji, mrkdwn, string};

/// Renders a text object. Slack takes `emoji` of a `plain_text` as true unless it is false.
pub(super) fn text(context: &RenderContext<'_>, object: &Value) -> Markup {
    let words = string(object, "text");
    if string(object, "type") == "mrkdwn" {
        mrkdwn::render(context, words, object.get("verbatim").and_then(Value::as_bool).unwrap_or(false))
    } else {
        emoji::plain(words, object.get("emoji").and_then(Value::as_bool).unwrap_or(true))
    }
}

/// Renders the text object at `key`, or nothing.
pub(super) fn text_at(context: &RenderContext<'_>, holder: &Value, key: &str) -> Markup {
    holder.get(key).map_or_else(|| html! {}, |object| text(context, object))
}

/// The words of the text object at `key`, for attributes: placeholders, labels.
pub(super) fn words<'v>(holder: &'v Value, key: &str) -> &'v str {
    holder.get(key).map(|object| string(object, "text")).unwrap_or_default()
}

/// The id of the confirmation dialog of the element in this context.
pub(super) fn confirm_id(context: &RenderContext<'_>) -> String {
    format!("confirm-{}", context.id)
}

/// What `hx-confirm` of an element says: the id of its dialog, where it has one. The page's script shows it.
pub(super) fn confirm_with(context: &RenderContext<'_>, element: &Value) -> Option<String> {
    element.get("confirm").map(|_| format!("#{}", confirm_id(context)))
}

/// Renders the confirmation dialog of an element, closed.
pub(super) fn confirm_dialog(context: &RenderContext<'_>, element: &Value) -> Markup {
    let Some(confirm) = element.get("confirm") else { return html! {} };
    let id = confirm_id(context);
    let danger = string(confirm, "style") == "danger";
    html! {
        dialog.dialog.confirm id=(id) aria-labelledby={ (id) "-title" } data-testid="confirm" {
            header.dialog-head {
                h2.dialog-title id={ (id) "-title" } { (text_at(context, confirm, "title")) }
            }
            div.dialog-body { (text_at(context, confirm, "text")) }
            footer.dialog-foot {
                button.btn.btn-big type="button" data-answer="no" { (text_at(context, confirm, "deny")) }
                button.btn.btn-big.btn-danger[danger].btn-primary[!danger] type="button" data-answer="yes" {
                    (text_at(context, confirm, "confirm"))
                }
            }
        }
    }
}
