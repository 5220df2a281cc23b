//! The menu at the top right for acting as another person.

use maud::{Markup, html};

use super::super::desk::Desk;
use super::super::look::{Look, Tab, channel_address, tab_address};
use super::{avatar, icons};
use crate::slack::User;

/// A button with the name of the viewer that opens a list of everyone else.
pub(super) fn render(desk: &Desk, look: &Look) -> Markup {
    let name = |user: &User| desk.names.users.get(&user.id).cloned().unwrap_or_default();
    html! {
        div.switcher {
            button.switcher-button type="button" popovertarget="people" aria-haspopup="menu" data-testid="acting-as" {
                (avatar::person(&desk.viewer.id, &name(&desk.viewer), true))
                span { span.switcher-words { "Acting as " } strong { (name(&desk.viewer)) } }
                (icons::chevron())
            }
            div.menu #people popover="auto" role="menu" aria-label="Act as" {
                @for user in &desk.people {
                    a.menu-link role="menuitem" href=(address(desk, look, user)) data-user=(user.id)
                        aria-current=[(user.id == desk.viewer.id).then_some("true")] {
                        (avatar::person(&user.id, &name(user), true))
                        span { (name(user)) }
                        span.menu-note { (rank(user)) }
                    }
                }
            }
        }
    }
}

/// The same place for the other user: the same channel if both see it, else their own messages.
fn address(desk: &Desk, look: &Look, user: &User) -> String {
    match &desk.tab {
        Tab::Home => tab_address(&user.id, "home"),
        Tab::About => tab_address(&user.id, "about"),
        Tab::Channel { id, .. } if desk.direct.as_deref() != Some(id) => {
            channel_address(&user.id, id, look.thread.as_deref())
        }
        _ => tab_address(&user.id, ""),
    }
}

fn rank(user: &User) -> &'static str {
    if user.is_owner {
        "Owner"
    } else if user.is_admin {
        "Admin"
    } else if user.is_restricted || user.is_ultra_restricted {
        "Guest"
    } else {
        ""
    }
}
