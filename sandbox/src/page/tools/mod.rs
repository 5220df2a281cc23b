//! The panel of the agent backend: the requests of its agents, and the webhooks that it received.

mod asks;
mod choice;
mod form;
mod webhooks;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use maud::{Markup, html};
use tokio::sync::watch;

use super::Page;
use super::acts::{Fields, Notice};
use super::desk::Desk;
use super::frame::icons;
use super::live::List;
use super::look::Tab;
use crate::backend::AgentBackend;
use asks::Asks;
use choice::Choice;

/// The backend and the requests made from the page. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    backend: AgentBackend,
    asks: Asks,
}

/// The routes of the panel.
pub(super) fn router() -> Router<Page> {
    Router::new()
        .route("/ask", post(ask))
        .route("/ask/choice", get(successors))
        .route("/connection", post(connection))
}

impl Tools {
    /// A panel for this backend.
    pub(super) fn new(backend: AgentBackend) -> Self {
        Self { backend, asks: Asks::new() }
    }

    /// The signals of changes in the panel.
    pub(super) fn signals(&self) -> [watch::Receiver<u64>; 2] {
        [self.backend.version(), self.asks.changes()]
    }

    /// The panel's lists, as they are now.
    pub(super) fn parts(&self, desk: &Desk) -> Vec<List> {
        vec![self.asks.list(&desk.names), webhooks::list(&self.backend, desk.moment.zone)]
    }

    /// The complete panel. It is collapsed while a thread is open, which needs the space.
    pub(super) fn panel(desk: &Desk, lists: &[List]) -> Markup {
        let crowded = matches!(&desk.tab, Tab::Channel { thread: Some(_), .. });
        let list = |id: &str| lists.iter().find(|list| list.id == id);
        html! {
            details.tools open[!crowded] data-testid="tools" {
                summary { (icons::robot()) "Agent backend" }
                div.tools-body {
                    section {
                        h2.tools-title { "Agent" span.tools-note { "asks before it acts" } }
                        (form::render(desk))
                        @if let Some(list) = list("asks") { (list) }
                    }
                    section {
                        h2.tools-title { "Webhooks received" }
                        @if let Some(list) = list("webhooks") { (list) }
                    }
                }
            }
        }
    }
}

/// `POST /ask`: the agent sends the request that the form describes.
async fn ask(State(page): State<Page>, fields: Fields) -> Notice {
    let (Some(tools), Some(ask)) = (&page.tools, form::read(&fields)) else {
        return Notice::Impossible("There is no such call.".into());
    };
    tools.asks.ask(&tools.backend, ask);
    Notice::Done
}

/// `GET /ask/choice`: the fields that depend on the selected integration and action.
async fn successors(fields: Fields) -> Markup {
    Choice::from_fields(&fields).render()
}

/// `POST /connection`: the backend reports that the user connected the chosen integration, or disconnected it.
async fn connection(State(page): State<Page>, fields: Fields) -> Notice {
    let Some(tools) = &page.tools else { return Notice::Impossible("There is no agent backend.".into()) };
    let Some(integration) = Choice::from_fields(&fields).connectable() else {
        return Notice::Said("There is nothing to connect.".into());
    };
    let (user, api) = (fields.get("user"), tools.backend.api());
    let (reply, done) = if fields.get("connected") == "yes" {
        (api.connect_user(user, integration).await, "connected")
    } else {
        (api.disconnect_user(user, integration).await, "disconnected")
    };
    if reply.is_success() {
        return Notice::Said(format!("{integration} is {done}."));
    }
    Notice::Impossible(format!("The service answered {}: {}", reply.status, asks::fault(&reply)))
}
