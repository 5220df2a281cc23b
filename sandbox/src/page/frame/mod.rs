//! The page's frame, with the parts that change.

mod avatar;
mod conversation;
mod document;
mod home;
pub(super) mod icons;
mod message;
mod modal;
mod sidebar;
mod switcher;

use maud::Markup;

use super::desk::Desk;
use super::live::{List, Part, Parts};
use super::look::Tab;
use message::Pane;

pub(super) use document::{Extras, no_users, whole};

/// Every part of one person's page that changes.
#[derive(Debug)]
pub(super) struct Frame {
    sidebar: Part,
    /// The open channel's messages, the Home tab or the About tab.
    middle: Middle,
    /// The thread beside the channel.
    thread: Option<List>,
    modals: List,
    views: Vec<Part>,
    /// What the panel of the agent backend shows.
    tools: Vec<List>,
}

#[derive(Debug)]
enum Middle {
    Messages(List),
    Home(Part),
    Still(Markup),
}

impl Frame {
    /// The parts of this person's page. `tools` are those of the agent backend's panel.
    pub(super) fn new(desk: &Desk, tools: Vec<List>) -> Self {
        let (modals, views) = modal::parts(desk);
        let list = |id: &str, items| List {
            id: id.to_owned(),
            class: "message-list",
            role: Some("list"),
            newest_first: false,
            items,
        };
        let (middle, thread) = match &desk.tab {
            Tab::Channel { thread, .. } => (
                Middle::Messages(list("messages", message::parts(desk, Pane::Channel, desk.top_level()))),
                thread.as_ref().map(|ts| list("thread", message::parts(desk, Pane::Thread, desk.thread(ts)))),
            ),
            Tab::Home => (Middle::Home(home::part(desk)), None),
            Tab::About => (Middle::Still(home::about(desk)), None),
            Tab::NoMessages => (Middle::Still(conversation::uninstalled(desk)), None),
        };
        let sidebar = Part::new("sidebar".into(), "sidebar", sidebar::render(desk));
        Self { sidebar, middle, thread, modals, views, tools }
    }

    /// What the panel of the agent backend shows.
    pub(super) fn tools(&self) -> &[List] {
        &self.tools
    }

    /// The same as a plain list of parts, for updates.
    pub(super) fn into_parts(self) -> Parts {
        let mut parts = Parts { parts: vec![self.sidebar], lists: vec![self.modals] };
        parts.parts.extend(self.views);
        parts.lists.extend(self.thread);
        parts.lists.extend(self.tools);
        match self.middle {
            Middle::Messages(list) => parts.lists.push(list),
            Middle::Home(part) => parts.parts.push(part),
            Middle::Still(_) => {}
        }
        parts
    }
}
