//! Layout blocks: what stands below one another.

use maud::{Markup, html};
use serde_json::Value;

use super::objects::{text, text_at, words};
use super::{RenderContext, elements, emoji, list, rich_text, string};

/// Renders one block.
pub(super) fn block(context: &RenderContext<'_>, block: &Value) -> Markup {
    let kind = string(block, "type");
    let inside = match kind {
        "section" => section(context, block),
        "header" => html! { h3.block-header { (text_at(context, block, "text")) } },
        "context" => context_block(context, block),
        "divider" => html! { hr.block-divider; },
        "actions" => actions(context, block),
        "input" => input(context, block),
        "rich_text" => rich_text::render(context, block),
        _ => html! { p.block-unknown { "This page can't draw a block of type “" (kind) "”." } },
    };
    html! {
        div.block.{ "block-is-" (class(kind)) } data-block-id=(string(block, "block_id")) { (inside) }
    }
}

/// A block's type as part of a class name: known ones only.
fn class(kind: &str) -> &str {
    match kind {
        "section" | "header" | "context" | "divider" | "actions" | "input" | "rich_text" => kind,
        _ => "unknown",
    }
}

fn section(context: &RenderContext<'_>, block: &Value) -> Markup {
    let fields = list(block, "fields");
    html! {
        div.section-text {
            @if block.get("text").is_some() { div.text { (text_at(context, block, "text")) } }
            @if !fields.is_empty() {
                div.fields { @for field in fields { div.field { (text(context, field)) } } }
            }
        }
        @if let Some(accessory) = block.get("accessory") {
            div.accessory { (elements::render(&context.within(0), string(block, "block_id"), accessory)) }
        }
    }
}

fn context_block(context: &RenderContext<'_>, block: &Value) -> Markup {
    html! {
        @for element in list(block, "elements") {
            span.context-text { (text(context, element)) }
        }
    }
}

fn actions(context: &RenderContext<'_>, block: &Value) -> Markup {
    html! {
        @for (index, element) in list(block, "elements").iter().enumerate() {
            (elements::render(&context.within(index), string(block, "block_id"), element))
        }
    }
}

fn input(context: &RenderContext<'_>, block: &Value) -> Markup {
    let empty = Value::Null;
    let element = block.get("element").unwrap_or(&empty);
    let id = string(block, "block_id");
    let error = context.errors.and_then(|errors| errors.get(id));
    let optional = block.get("optional").and_then(Value::as_bool).unwrap_or(false);
    let inner = context.within(0);
    html! {
        div.input-field.input-wrong[error.is_some()] {
            (elements::label(&inner, id, element, &html! {
                (text_at(context, block, "label"))
                @if optional { span.optional { " (optional)" } }
            }))
            (elements::entry(&inner, block, element))
            @if let Some(error) = error {
                p.input-error id={ (inner.id) "-error" } role="alert" { "⚠ " (error) }
            }
            @if !words(block, "hint").is_empty() {
                p.input-hint id={ (inner.id) "-hint" } { (emoji::plain(words(block, "hint"), true)) }
            }
        }
    }
}
