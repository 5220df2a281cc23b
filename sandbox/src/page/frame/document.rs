//! The HTML document around the page.

use maud::{DOCTYPE, Markup, html};

use super::super::desk::Desk;
use super::super::look::Look;
use super::{Frame, conversation, switcher};

/// The configuration of htmx: it evaluates no scripts and adds nothing inline, because the page's
/// Content-Security-Policy forbids it, and swaps only elements that name their target.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyEnabled":false,"defaultSwapStyle":"none","attributesToSettle":[],"defaultFocusScroll":false,"timeout":15000}"#;

/// The complete page. `panel` is the agent backend's panel, if there is a backend.
pub(in crate::page) fn whole(frame: &Frame, desk: &Desk, look: &Look, panel: Option<&Markup>) -> Markup {
    let title = desk.channel_name().map_or_else(|| desk.app.clone(), |name| format!("#{name}"));
    let body = html! {
        header.top {
            p.top-note { "A local stand-in for Slack: nothing here leaves this machine" }
            (switcher::render(desk, look))
        }
        div.frame {
            (frame.sidebar)
            (conversation::render(frame, desk))
            @if let Some(panel) = panel { (panel) }
        }
        (frame.modals)
        div hidden hx-ext="sse" sse-connect=(live_address(desk, look)) { div sse-swap="parts" hx-swap="none" {} }
    };
    document(&format!("{title} · {}", desk.workspace), &body)
}

/// The page of a workspace without people.
pub(in crate::page) fn nobody() -> Markup {
    document("Local Slack", &html! { main.content { p.empty { "There is nobody here to act as." } } })
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
