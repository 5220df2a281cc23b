//! `rich_text` blocks: text that is never parsed, with its styles beside it.
//! <https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>

use maud::{Markup, html};
use serde_json::Value;

use super::mrkdwn::{broadcast, channel, date, user};
use super::{RenderContext, emoji, link, list, string};

/// Renders a whole block.
pub(super) fn render(context: &RenderContext<'_>, block: &Value) -> Markup {
    html! { @for element in list(block, "elements") { (part(context, element)) } }
}

fn part(context: &RenderContext<'_>, element: &Value) -> Markup {
    match string(element, "type") {
        "rich_text_section" => html! { div.text { (run(context, element)) } },
        "rich_text_quote" => html! { blockquote.quote { (run(context, element)) } },
        "rich_text_preformatted" => html! { pre.pre { (run(context, element)) } },
        "rich_text_list" => items(context, element),
        kind => html! { p.block-unknown { "This page can't draw “" (kind) "”." } },
    }
}

fn items(context: &RenderContext<'_>, element: &Value) -> Markup {
    let number = |key| element.get(key).and_then(Value::as_u64).unwrap_or(0);
    let indent = number("indent").min(8);
    let inside = html! { @for item in list(element, "elements") { li { (run(context, item)) } } };
    html! {
        @if string(element, "style") == "ordered" {
            ol.list.{ "indent-" (indent) } start=(number("offset") + 1) { (inside) }
        } @else {
            ul.list.{ "indent-" (indent) } { (inside) }
        }
    }
}

fn run(context: &RenderContext<'_>, section: &Value) -> Markup {
    html! { @for element in list(section, "elements") { (styled(element, &leaf(context, element))) } }
}

fn leaf(context: &RenderContext<'_>, element: &Value) -> Markup {
    let words = string(element, "text");
    match string(element, "type") {
        "text" => emoji::plain(words, false),
        "link" => {
            let address = string(element, "url");
            link::anchor(address, &emoji::plain(if words.is_empty() { address } else { words }, false))
        }
        "user" => user(context, string(element, "user_id"), None),
        "channel" => channel(context, string(element, "channel_id"), None),
        "usergroup" => html! { span.mention { "@" (string(element, "usergroup_id")) } },
        "broadcast" => broadcast(string(element, "range")),
        "emoji" => pictogram(element),
        "color" => html! { code.code { (string(element, "value")) } },
        "date" => {
            let timestamp = element.get("timestamp").and_then(Value::as_i64);
            let address = element.get("url").and_then(Value::as_str);
            date(context, timestamp, string(element, "format"), address, string(element, "fallback"))
        }
        kind => html! { span.block-unknown { "[" (kind) "]" } },
    }
}

/// An emoji by its code points where they are given, else by name.
fn pictogram(element: &Value) -> Markup {
    let name = string(element, "name");
    let points = string(element, "unicode").split('-');
    let given: Option<String> =
        points.map(|point| u32::from_str_radix(point, 16).ok().and_then(char::from_u32)).collect();
    let given = given.filter(|text| emojis::get(text).is_some());
    let emoji = given.as_deref().or_else(|| emoji::find(name));
    emoji.map_or_else(|| html! { ":" (name) ":" }, |emoji| emoji::render(name, emoji))
}

fn styled(element: &Value, inside: &Markup) -> Markup {
    let on =
        |style| element.get("style").and_then(|s| s.get(style)).and_then(Value::as_bool).unwrap_or(false);
    let mut out = inside.clone();
    if on("code") {
        out = html! { code.code { (out) } };
    }
    if on("strike") {
        out = html! { s { (out) } };
    }
    if on("underline") {
        out = html! { u { (out) } };
    }
    if on("italic") {
        out = html! { em { (out) } };
    }
    if on("bold") {
        out = html! { strong { (out) } };
    }
    out
}
