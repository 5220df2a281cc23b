//! The HTML document around the page.

use maud::{DOCTYPE, Markup, html};

use super::super::desk::Desk;
use super::super::look::{Look, Tab};
use super::{Frame, conversation, icons, switcher};

/// The configuration of htmx: it evaluates no scripts and adds nothing inline, because the page's
/// Content-Security-Policy forbids it, and swaps only elements that name their target.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyEnabled":false,"defaultSwapStyle":"none","attributesToSettle":[],"defaultFocusScroll":false,"timeout":15000}"#;

/// What the page has where there is an agent backend.
#[derive(Debug)]
pub(in crate::page) struct Extras {
    /// What to try.
    pub(in crate::page) tour: Markup,
    /// The backend's panel.
    pub(in crate::page) panel: Markup,
}

/// The complete page.
pub(in crate::page) fn whole(frame: &Frame, desk: &Desk, look: &Look, extras: Option<&Extras>) -> Markup {
    // A thread beside the conversation needs the room that the panel has.
    let crowded = matches!(&desk.tab, Tab::Channel { thread: Some(_), .. });
    let title = desk.channel_name().map_or_else(|| desk.app.clone(), |name| format!("#{name}"));
    let body = html! {
        header.top {
            a.skip href="#conversation" { "Skip to the conversation" }
            button.top-button.opens-places type="button" popovertarget="places" aria-label="Channels and apps" {
                (icons::places())
            }
            p.top-note { "A local stand-in for Slack: nothing here leaves this machine" }
            @if extras.is_some() {
                button.top-button type="button" data-tour="open" aria-controls="tour" { "Tour" }
                button.top-button.opens-tools.crowded[crowded] type="button" popovertarget="tools" { "Agent backend" }
            }
            (switcher::render(desk, look))
        }
        @if let Some(extras) = extras { (extras.tour) }
        div.frame.crowded[crowded] {
            nav.beside.places #places popover="auto" aria-label="Channels and apps" { (frame.sidebar) }
            (conversation::render(frame, desk))
            @if let Some(extras) = extras { (extras.panel) }
        }
        (frame.modals)
        div hidden hx-ext="sse" sse-connect=(live_address(desk, look)) { div sse-swap="parts" hx-swap="none" {} }
    };
    document(&format!("{title} · {}", desk.workspace), &body)
}

/// The page of a workspace without people.
pub(in crate::page) fn no_users() -> Markup {
    document("Local Slack", &html! { main.content { p.empty { "This Slack has no users to act as." } } })
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="htmx-config" content=(HTMX);
                title { (title) }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/page.css";
                script src="/assets/htmx.js" defer {}
                script src="/assets/sse.js" defer {}
                script src="/assets/page.js" defer {}
            }
            body {
                (body)
                div.toast #toast popover="manual" role="status" aria-live="polite" data-testid="toast" {}
            }
        }
    }
}

fn live_address(desk: &Desk, look: &Look) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("as", &desk.viewer.id);
    for (name, value) in [("channel", &look.channel), ("thread", &look.thread), ("tab", &look.tab)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    format!("/live?{}", query.finish())
}
