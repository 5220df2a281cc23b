//! Handlers for Slack's interactions, commands and events. Each one parses the payload, calls one use case, and
//! responds once that has committed.

pub mod command;
pub mod context;
pub mod events;
pub mod home;
pub mod interactions;
mod modals;
pub mod time_limit;
pub mod unconfirmed_posts;
mod unconfirmed_revocation;

use crate::slack::{
    handlers::context::Context,
    inbound::{dispatch::Handlers, payload::Payload, response::Response},
};

impl Handlers for Context {
    async fn interaction(&self, payload: &Payload) -> Response {
        interactions::handle(self, payload).await
    }

    async fn command(&self, payload: &Payload) -> Response {
        command::handle(self, payload).await
    }

    async fn event(&self, payload: &Payload) -> Response {
        if payload.text("/event/type") == Some(home::OPENED) {
            home::opened(self, payload).await
        } else {
            events::receive(self, payload).await
        }
    }
}
