//! The panel of the agent backend: what its agents ask, and the webhooks that it received.

mod asks;
mod webhooks;

use axum::Router;
use maud::{Markup, html};
use tokio::sync::watch;

use super::Page;
use super::blocks::Moment;
use super::desk::Desk;
use super::frame::icons;
use super::live::List;
use super::look::Tab;
use crate::backend::AgentBackend;
use asks::Asks;

/// The backend, and what was asked from the page. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    backend: AgentBackend,
    asks: Asks,
}

/// The routes of the panel.
pub(super) fn router() -> Router<Page> {
    Router::new()
}

impl Tools {
    /// A panel for this backend.
    pub(super) fn new(backend: AgentBackend) -> Self {
        Self { backend, asks: Asks::new() }
    }

    /// What moves when the panel shows something else.
    pub(super) fn signals(&self) -> [watch::Receiver<u64>; 2] {
        [self.backend.version(), self.asks.changes()]
    }

    /// The panel's lists, as they are now.
    pub(super) fn parts(&self, moment: Moment) -> Vec<List> {
        vec![self.asks.list(), webhooks::list(&self.backend, moment.zone)]
    }

    /// The whole panel. It is folded while a thread is open, which needs the room.
    pub(super) fn panel(desk: &Desk, lists: &[List]) -> Markup {
        let crowded = matches!(&desk.tab, Tab::Channel { thread: Some(_), .. });
        let list = |id: &str| lists.iter().find(|list| list.id == id);
        html! {
            details.tools open[!crowded] data-testid="tools" {
                summary { (icons::robot()) "Agent backend" }
                div.tools-body {
                    section {
                        h2.tools-title { "Agent" }
                    }
                    section aria-label="Asked" { @if let Some(list) = list("asks") { (list) } }
                    section {
                        h2.tools-title { "Webhooks received" }
                        @if let Some(list) = list("webhooks") { (list) }
                    }
                }
            }
        }
    }
}
