//! The panel of the agent backend: the requests of its agents, and the webhooks that it received.

mod asks;
mod choice;
mod curl;
mod day;
mod form;
mod time;
mod tour;
mod webhooks;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use tokio::sync::watch;

use super::Page;
use super::acts::{Fields, Notice};
use super::desk::Desk;
use super::frame::icons;
use super::live::List;
use crate::ambient::TimeSkip;
use crate::backend::{AgentBackend, Ask};
use asks::Asks;
use choice::Choice;

/// The backend and the requests made from the page. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    backend: AgentBackend,
    /// Missing where the clock can't be moved.
    skip: Option<TimeSkip>,
    asks: Asks,
    /// How many days were made.
    days: Arc<AtomicUsize>,
}

/// The routes of the panel.
pub(super) fn router() -> Router<Page> {
    Router::new()
        .route("/ask", post(ask))
        .route("/ask/choice", get(successors))
        .route("/ask/curl", get(commands))
        .route("/ask/day", post(day))
        .route("/ask/day.sh", get(script))
        .route("/connection", post(connection))
        .route("/time", post(later))
}

impl Tools {
    /// A panel for this backend.
    pub(super) fn new(backend: AgentBackend, skip: Option<TimeSkip>) -> Self {
        Self { backend, skip, asks: Asks::new(), days: Arc::default() }
    }

    /// The signals of changes in the panel.
    pub(super) fn signals(&self) -> [watch::Receiver<u64>; 2] {
        [self.backend.version(), self.asks.changes()]
    }

    /// The panel's lists, as they are now.
    pub(super) fn parts(&self, desk: &Desk) -> Vec<List> {
        vec![self.asks.list(&desk.names), webhooks::list(&self.backend, desk.moment.zone)]
    }

    /// The tour, for the top of the page.
    pub(super) fn tour(&self, desk: &Desk) -> Markup {
        tour::render(desk, self.skip.is_some())
    }

    /// The complete panel. `origin`: the page's address.
    pub(super) fn panel(&self, desk: &Desk, lists: &[List], origin: &str) -> Markup {
        let list = |id: &str| lists.iter().find(|list| list.id == id);
        html! {
            aside.beside.tools #tools popover="auto" aria-labelledby="tools-title" data-testid="tools" {
                h2.tools-head #tools-title { (icons::robot()) "Agent backend" }
                div.tools-body {
                    section {
                        h3.tools-title { "Agent" span.tools-note { "asks before it acts" } }
                        (form::render(desk, &self.backend.api(), origin, self.skip.is_some()))
                        @if let Some(list) = list("asks") { (list) }
                    }
                    section {
                        h3.tools-title { "Webhooks received" }
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

/// `GET /ask/curl`: the commands that do what the form's buttons do.
async fn commands(State(page): State<Page>, fields: Fields) -> Markup {
    let Some(tools) = &page.tools else { return Markup::default() };
    curl::render(&tools.backend.api(), &page.slack.origin(), &fields, tools.skip.is_some())
}

/// `POST /ask/day`: fifty requests.
async fn day(State(page): State<Page>, fields: Fields) -> Notice {
    let Some(tools) = &page.tools else { return Notice::Impossible("There is no agent backend.".into()) };
    let asks = tools.day(fields.get("user"));
    let count = asks.len();
    for ask in asks {
        tools.asks.ask(&tools.backend, ask);
    }
    Notice::Said(format!("{count} requests of 4 agents are on their way."))
}

/// `POST /time`: puts the clock forward.
async fn later(State(page): State<Page>, fields: Fields) -> Notice {
    let skip = page.tools.as_ref().and_then(|tools| tools.skip.as_ref());
    let (Some(skip), Some(by)) = (skip, time::read(&fields)) else {
        return Notice::Impossible("The clock can't be moved by that amount.".into());
    };
    skip.skip(by);
    Notice::Said(time::AHEAD.into())
}

/// Whom a day's requests are for.
#[derive(Deserialize)]
struct DayQuery {
    user: String,
}

/// `GET /ask/day.sh?user=U…`: the same as a shell script.
async fn script(State(page): State<Page>, Query(query): Query<DayQuery>) -> String {
    let Some(tools) = &page.tools else { return String::new() };
    let api = tools.backend.api();
    tools.day(&query.user).iter().map(|ask| curl::ask(&api, ask) + " -o /dev/null\n").collect()
}

impl Tools {
    fn day(&self, user: &str) -> Vec<Ask> {
        day::requests(user, self.days.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
