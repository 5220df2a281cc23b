//! Layout blocks: what stands below one another.

use maud::{Markup, html};
use serde_json::Value;

use super::objects::{text, text_at, words};
use super::{Scene, elements, emoji, list, rich_text, string};

/// Draws one block.
pub(super) fn block(scene: &Scene<'_>, block: &Value) -> Markup {
    let kind = string(block, "type");
    let inside = match kind {
        "section" => section(scene, block),
        "header" => html! { h3.block-header { (text_at(scene, block, "text")) } },
        "context" => context(scene, block),
        "divider" => html! { hr.block-divider; },
        "actions" => actions(scene, block),
        "image" => image(scene, block),
        "input" => input(scene, block),
        "rich_text" => rich_text::draw(scene, block),
        "alert" => alert(scene, block),
        _ => html! { p.block-unknown { "This page can't draw a block of type “" (kind) "”." } },
    };
    html! {
        div.block.{ "block-is-" (class(kind)) } data-block-id=(string(block, "block_id")) { (inside) }
    }
}

/// A block's type as part of a class name: known ones only.
fn class(kind: &str) -> &str {
    match kind {
        "section" | "header" | "context" | "divider" | "actions" | "image" | "input" | "rich_text"
        | "alert" => kind,
        _ => "unknown",
    }
}

fn section(scene: &Scene<'_>, block: &Value) -> Markup {
    let fields = list(block, "fields");
    html! {
        div.section-text {
            @if block.get("text").is_some() { div.text { (text_at(scene, block, "text")) } }
            @if !fields.is_empty() {
                div.fields { @for field in fields { div.field { (text(scene, field)) } } }
            }
        }
        @if let Some(accessory) = block.get("accessory") {
            div.accessory { (elements::draw(&scene.within(0), string(block, "block_id"), accessory)) }
        }
    }
}

fn context(scene: &Scene<'_>, block: &Value) -> Markup {
    html! {
        @for element in list(block, "elements") {
            @if string(element, "type") == "image" {
                (picture(element, "context-image"))
            } @else {
                span.context-text { (text(scene, element)) }
            }
        }
    }
}

fn actions(scene: &Scene<'_>, block: &Value) -> Markup {
    html! {
        @for (index, element) in list(block, "elements").iter().enumerate() {
            (elements::draw(&scene.within(index), string(block, "block_id"), element))
        }
    }
}

fn image(scene: &Scene<'_>, block: &Value) -> Markup {
    html! {
        @if block.get("title").is_some() { p.image-title { (text_at(scene, block, "title")) } }
        (picture(block, "image"))
    }
}

/// The place of an image. The page loads nothing from elsewhere, so what is shown is the image's
/// description, as a person sees it whose client can't load the image.
pub(super) fn picture(image: &Value, class: &str) -> Markup {
    let alt = string(image, "alt_text");
    html! { span.picture.(class) role="img" aria-label=(alt) title=(string(image, "image_url")) { (alt) } }
}

fn alert(scene: &Scene<'_>, block: &Value) -> Markup {
    let level = match string(block, "level") {
        level @ ("info" | "warning" | "error" | "success") => level,
        _ => "default",
    };
    html! { div.alert.{ "alert-" (level) } role="note" { (text_at(scene, block, "text")) } }
}

fn input(scene: &Scene<'_>, block: &Value) -> Markup {
    let empty = Value::Null;
    let element = block.get("element").unwrap_or(&empty);
    let id = string(block, "block_id");
    let error = scene.errors.and_then(|errors| errors.get(id));
    let optional = block.get("optional").and_then(Value::as_bool).unwrap_or(false);
    let inner = scene.within(0);
    html! {
        div.input-field.input-wrong[error.is_some()] {
            (elements::label(&inner, id, element, &html! {
                (text_at(scene, block, "label"))
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
