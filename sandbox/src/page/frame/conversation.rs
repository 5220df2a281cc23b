//! The middle of the page: a channel with its composer, the app's tabs, the thread.

use maud::{Markup, html};
use serde_json::json;

use super::super::desk::Desk;
use super::super::look::{Tab, channel_address, tab_address};
use super::{Frame, Middle, avatar, icons};

/// Renders the channel or tab that is open, and the thread beside it.
pub(super) fn render(frame: &Frame, desk: &Desk) -> Markup {
    html! {
        main.content.with-thread[frame.thread.is_some()] #conversation tabindex="-1" {
            section.pane aria-label=(desk.channel_name().unwrap_or(&desk.app)) {
                (head(desk))
                @match &frame.middle {
                    Middle::Messages(list) => {
                        div.scroll data-follow tabindex="0" aria-label="Messages" { (beginning(desk)) (list) }
                        @if let Tab::Channel { id, .. } = &desk.tab { (composer(desk, id, None)) }
                    }
                    Middle::Home(part) => { div.scroll tabindex="0" aria-label="Home" { (part) } }
                    Middle::Still(markup) => { div.scroll { (markup) } }
                }
            }
            @if let (Some(list), Tab::Channel { id, thread: Some(ts) }) = (&frame.thread, &desk.tab) {
                section.pane.pane-thread aria-label="Thread" data-testid="thread" {
                    header.pane-head.ruled {
                        h2.pane-title { "Thread" }
                        span.pane-note { @if let Some(name) = desk.channel_name() { "# " (name) } @else { (desk.app) } }
                        a.icon-button href=(channel_address(&desk.viewer.id, id, None)) aria-label="Close thread" {
                            (icons::cross())
                        }
                    }
                    div.scroll.scroll-thread data-follow tabindex="0" aria-label="Replies" { (list) }
                    (composer(desk, id, Some(ts)))
                }
            }
        }
    }
}

/// Shown instead of messages if the viewer's workspaces don't have the app.
pub(super) fn uninstalled(desk: &Desk) -> Markup {
    html! { p.empty { (desk.app) " is not installed in " (desk.workspace) "." } }
}

/// The heading above the first message.
fn beginning(desk: &Desk) -> Markup {
    html! {
        div.intro {
            @if let Some(name) = desk.channel_name() {
                h2.intro-title { (icons::hash()) (name) }
                p { "This is the very beginning of the " strong { "#" (name) } " channel." }
            } @else {
                h2.intro-title { (avatar::app(false)) (desk.app) }
                p { "This is the very beginning of your direct messages with " strong { (desk.app) } "." }
            }
        }
    }
}

fn head(desk: &Desk) -> Markup {
    let viewer = desk.viewer.id.as_str();
    if let Some(name) = desk.channel_name() {
        return html! {
            header.pane-head.ruled { h1.pane-title { (icons::hash()) (name) } }
        };
    }
    let messages = match &desk.direct {
        Some(direct) => channel_address(viewer, direct, None),
        None => format!("/?{}", tab_address(viewer, "").trim_start_matches("/?")),
    };
    let current = |is: bool| is.then_some("page");
    html! {
        header.pane-head { h1.pane-title { (avatar::app(true)) (desk.app) span.badge { "App" } } }
        nav.tabs aria-label={ (desk.app) " tabs" } {
            a.tab href=(tab_address(viewer, "home")) aria-current=[current(desk.tab == Tab::Home)] { "Home" }
            a.tab href=(messages)
                aria-current=[current(matches!(desk.tab, Tab::Channel { .. } | Tab::NoMessages))] { "Messages" }
            a.tab href=(tab_address(viewer, "about")) aria-current=[current(desk.tab == Tab::About)] { "About" }
        }
    }
}

/// The composer for messages and slash commands.
fn composer(desk: &Desk, channel: &str, thread: Option<&str>) -> Markup {
    let vals = json!({ "as": desk.viewer.id, "channel": channel, "thread": thread.unwrap_or_default() });
    let place = match (thread, desk.channel_name()) {
        (Some(_), _) => "Reply…".to_owned(),
        (None, Some(name)) => format!("Message #{name}"),
        (None, None) => format!("Message {}", desk.app),
    };
    html! {
        form.composer hx-post="/act/say" hx-vals=(vals.to_string()) data-resets hx-sync="this:drop" autocomplete="off" {
            textarea.composer-text name="text" rows="1" required maxlength="12000" placeholder=(place)
                aria-label=(place) data-testid=(if thread.is_some() { "reply" } else { "composer" }) {}
            div.composer-row {
                span.composer-note { @if thread.is_none() { "Enter sends · / for commands" } }
                button.composer-send type="submit" aria-label="Send" title="Send" { (icons::send()) }
            }
        }
    }
}
