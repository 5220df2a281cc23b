//! The context that every handler gets.

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    service::Service,
    slack::{
        inbound::payload::Payload,
        outbound::ephemeral::{Ephemeral, ReplyTo},
        view::lists::plain,
        web_api::{addresses::Addresses, client::Client, users::People},
    },
};

/// The context that every handler gets. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The use cases, on one database pool.
    pub service: Service,
    /// Calls Slack's Web API.
    pub client: Client,
    /// Looks users up in Slack, with a cache.
    pub people: Arc<People>,
    /// Where the workspaces' messages are.
    pub addresses: Addresses,
    /// Sends ephemeral replies.
    pub ephemeral: Ephemeral,
    /// Work that continues after the response to a click. A shutdown waits for it.
    pub background: TaskTracker,
    /// Cancelled when the service shuts down.
    pub stop: CancellationToken,
}

impl Context {
    /// Sends an ephemeral reply to the user who sent the payload, in the background.
    pub fn reply_privately(&self, payload: &Payload, sentence: String) {
        if let Some(reply_to) = self.reply_to(payload) {
            self.ephemeral.send(reply_to, plain(sentence));
        }
    }

    /// Where the user who sent the payload gets replies.
    pub fn reply_to(&self, payload: &Payload) -> Option<ReplyTo> {
        let reply_to = reply_to(payload);
        if reply_to.is_none() {
            tracing::warn!("Ephemeral reply not sent: the payload names no user");
        }
        reply_to
    }
}

fn reply_to(payload: &Payload) -> Option<ReplyTo> {
    if let Some(url) = payload.response_url() {
        let thread = payload.thread().map(str::to_owned);
        return Some(ReplyTo::ResponseUrl { url: url.to_owned(), thread });
    }
    let (workspace, acting_user) = payload.workspace().zip(payload.acting_user())?;
    Some(ReplyTo::DirectMessage { workspace: workspace.to_owned(), user: acting_user.user })
}
