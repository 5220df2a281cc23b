//! What stands in angle brackets: links, mentions, dates.

use maud::{Markup, html};

use super::super::{RenderContext, dates, emoji, link};
use super::escapes::decode;

/// Renders the inside of `<…>`; `None` when it is nothing that Slack knows, which then stays text.
pub(super) fn render(context: &RenderContext<'_>, inside: &str) -> Option<Markup> {
    let (body, label) = match inside.split_once('|') {
        Some((body, label)) => (body, Some(label)),
        None => (inside, None),
    };
    match body.chars().next()? {
        '@' => Some(user(context, body.get(1..)?, label)),
        '#' => Some(channel(context, body.get(1..)?, label)),
        '!' => special(context, body.get(1..)?, label),
        _ => {
            link::href(body)?;
            let address = decode(body);
            let label = label.filter(|label| !label.is_empty()).map_or_else(|| shown(&address), decode);
            Some(link::anchor(&address, &emoji::plain(&label, true)))
        }
    }
}

/// An address without label is shown whole, except for the scheme of a mail or telephone address.
fn shown(address: &str) -> String {
    let bare = address.strip_prefix("mailto:").or_else(|| address.strip_prefix("tel:"));
    bare.unwrap_or(address).to_owned()
}

/// A mention of a user: yellow when it is the reader.
pub(in super::super) fn user(context: &RenderContext<'_>, id: &str, label: Option<&str>) -> Markup {
    let name = context.names.users.get(id).cloned().or_else(|| label.map(decode));
    html! {
        span.mention.mention-me[id == context.viewer] data-user=(id) { "@" (name.as_deref().unwrap_or(id)) }
    }
}

/// A mention of a channel: a link to it, where the workspace has it.
pub(in super::super) fn channel(context: &RenderContext<'_>, id: &str, label: Option<&str>) -> Markup {
    html! {
        @if let Some(name) = context.names.channels.get(id) {
            a.mention href={ "/?as=" (context.viewer) "&channel=" (id) } { "#" (name) }
        } @else if let Some(label) = label {
            span.mention { "#" (decode(label)) }
        } @else {
            span.mention { "#private-channel" }
        }
    }
}

/// `@here`, `@channel`, `@everyone`.
pub(in super::super) fn broadcast(range: &str) -> Markup {
    html! { span.mention.mention-me { "@" (range) } }
}

/// A date in the reader's time zone, or its fallback.
pub(in super::super) fn date(
    context: &RenderContext<'_>,
    timestamp: Option<i64>,
    format: &str,
    address: Option<&str>,
    fallback: &str,
) -> Markup {
    let text = timestamp.and_then(|timestamp| dates::format(context.moment, timestamp, format));
    let text = html! { time.date { (text.as_deref().unwrap_or(fallback)) } };
    match address {
        Some(address) => link::anchor(address, &text),
        None => text,
    }
}

fn special(context: &RenderContext<'_>, body: &str, label: Option<&str>) -> Option<Markup> {
    match body {
        "here" | "channel" | "everyone" => return Some(broadcast(body)),
        _ => {}
    }
    let mut parts = body.split('^');
    match parts.next()? {
        "subteam" => {
            let id = parts.next()?;
            Some(html! { span.mention { (label.map_or_else(|| format!("@{id}"), decode)) } })
        }
        "date" => {
            let timestamp = parts.next()?.parse().ok();
            let format = decode(parts.next()?);
            Some(date(context, timestamp, &format, parts.next(), &label.map(decode).unwrap_or_default()))
        }
        _ => label.map(|label| html! { (decode(label)) }),
    }
}
