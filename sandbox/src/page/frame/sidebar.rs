//! The sidebar: the workspace, its channels, its apps.

use maud::{Markup, html};

use super::super::desk::Desk;
use super::super::look::{Tab, channel_address, tab_address};
use super::{avatar, icons};
use crate::slack::ChannelKind;

/// What stands in the sidebar.
pub(super) fn render(desk: &Desk) -> Markup {
    let viewer = desk.viewer.id.as_str();
    let open = match &desk.tab {
        Tab::Channel { id, .. } => Some(id.as_str()),
        _ => None,
    };
    let at_app = open.is_none() || open == desk.direct.as_deref();
    let app = match &desk.direct {
        Some(direct) => channel_address(viewer, direct, None),
        None => tab_address(viewer, "home"),
    };
    html! {
        div.workspace { span data-testid="workspace" { (desk.workspace) } }
        h2.sidebar-title { "Channels" }
        ul.plain {
            @for channel in &desk.channels {
                li {
                    a.sidebar-link href=(channel_address(viewer, &channel.id, None)) data-channel=(channel.id)
                        aria-current=[(open == Some(channel.id.as_str())).then_some("page")] {
                        @if channel.kind == ChannelKind::Private { (icons::lock()) } @else { (icons::hash()) }
                        span { (channel.name) }
                    }
                }
            }
        }
        h2.sidebar-title { "Direct messages" }
        ul.plain {
            li {
                span.sidebar-link {
                    (avatar::person(viewer, &desk.names.users.get(viewer).cloned().unwrap_or_default(), true))
                    span { (desk.names.users.get(viewer).map_or(viewer, String::as_str)) " (you)" }
                }
            }
        }
        h2.sidebar-title { "Apps" }
        ul.plain {
            li {
                a.sidebar-link href=(app) data-testid="app-link" aria-current=[at_app.then_some("page")] {
                    (avatar::app(true))
                    span { (desk.app) }
                }
            }
        }
    }
}
