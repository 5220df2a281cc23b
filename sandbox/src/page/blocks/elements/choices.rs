//! Checkboxes.

use maud::{Markup, html};
use serde_json::Value;

use super::super::objects::{confirm_dialog, confirm_with, text_at};
use super::super::{RenderContext, list, string};
use super::{Spot, field_id};

/// Renders a group of checkboxes.
pub(super) fn checkboxes(context: &RenderContext<'_>, spot: &Spot<'_>, element: &Value) -> Markup {
    let chosen = match context.entry(spot.block, spot.action) {
        Some(entry) => list(entry, "selected_options"),
        None => list(element, "initial_options"),
    };
    let sends = spot.sends.then_some("/act/click");
    let id = field_id(context, spot.block, spot.action);
    html! {
        div.choices role="group" aria-labelledby=[spot.labelled.then(|| format!("{}-label", context.id))]
            aria-describedby=[spot.described.as_deref()]
            data-testid="checkbox" data-block-id=(spot.block) data-action-id=(spot.action)
            hx-post=[sends] hx-trigger=[sends.map(|_| "change")] hx-vals=[spot.vals(context)]
            hx-include=[sends.map(|_| "closest form")]
            hx-confirm=[sends.and_then(|_| confirm_with(context, element))] {
            @for (index, option) in list(element, "options").iter().enumerate() {
                @let value = string(option, "value");
                label.choice {
                    input type="checkbox" id={ (id) "-" (index) } name=(spot.name()) value=(value)
                        checked[chosen.iter().any(|one| string(one, "value") == value)];
                    span.choice-words {
                        span { (text_at(context, option, "text")) }
                        @if option.get("description").is_some() {
                            span.choice-more { (text_at(context, option, "description")) }
                        }
                    }
                }
            }
        }
        (confirm_dialog(context, element))
    }
}
