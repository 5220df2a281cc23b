//! Buttons and overflow menus.

use maud::{Markup, html};
use serde_json::Value;

use super::super::objects::{confirm_dialog, confirm_with, text, text_at};
use super::super::{RenderContext, href, list, string};
use super::Spot;

/// Renders a button. One with a `url` opens it and tells the app as well.
pub(super) fn button(context: &RenderContext<'_>, spot: &Spot<'_>, element: &Value) -> Markup {
    let style = match string(element, "style") {
        "primary" => "btn-primary",
        "danger" => "btn-danger",
        _ => "btn-plain",
    };
    let label = element.get("accessibility_label").and_then(Value::as_str);
    let value = element.get("value").and_then(Value::as_str);
    html! {
        button.btn.(style) type="button" id={ "b-" (context.id) } data-testid="button"
            data-block-id=(spot.block) data-action-id=(spot.action) data-value=[value]
            data-url=[href(string(element, "url"))] aria-label=[label]
            hx-post="/act/click" hx-vals=(context.click(spot.block, spot.action, value))
            hx-confirm=[confirm_with(context, element)] hx-sync="this:drop" {
            span.btn-words { (text_at(context, element, "text")) }
        }
        (confirm_dialog(context, element))
    }
}

/// Renders an overflow menu: three dots that open a list.
pub(super) fn overflow(context: &RenderContext<'_>, spot: &Spot<'_>, element: &Value) -> Markup {
    let menu = format!("menu-{}", context.id);
    html! {
        span.overflow {
            button.btn.btn-dots type="button" id={ "b-" (context.id) } popovertarget=(menu) aria-haspopup="menu"
                aria-label="More options" title="More options" data-testid="overflow"
                data-block-id=(spot.block) data-action-id=(spot.action) {
                (dots())
            }
            div.menu popover="auto" id=(menu) role="menu" aria-label="More options" data-testid="menu" {
                @for option in list(element, "options") {
                    @let value = string(option, "value");
                    button.menu-item type="button" role="menuitem" tabindex="-1" data-testid="menu-item"
                        data-value=(value) data-url=[href(string(option, "url"))]
                        popovertarget=(menu) popovertargetaction="hide"
                        hx-post="/act/click" hx-vals=(context.click(spot.block, spot.action, Some(value)))
                        hx-confirm=[confirm_with(context, element)] {
                        span.menu-words { @if let Some(words) = option.get("text") { (text(context, words)) } }
                        @if let Some(words) = option.get("description") {
                            span.menu-more { (text(context, words)) }
                        }
                    }
                }
            }
        }
        (confirm_dialog(context, element))
    }
}

fn dots() -> Markup {
    html! {
        svg.icon viewBox="0 0 20 20" aria-hidden="true" focusable="false" {
            circle cx="4.5" cy="10" r="1.5" {}
            circle cx="10" cy="10" r="1.5" {}
            circle cx="15.5" cy="10" r="1.5" {}
        }
    }
}
