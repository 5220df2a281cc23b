//! What every handler needs.

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    service::Service,
    slack::{
        inbound::payload::Payload,
        outbound::ephemeral::{Ephemeral, ReplyTo},
        web_api::{client::Client, users::People},
    },
};

/// What every handler needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The use cases.
    pub service: Service,
    /// Slack's Web API.
    pub client: Client,
    /// Who a user is.
    pub people: Arc<People>,
    /// Sends ephemeral replies.
    pub ephemeral: Ephemeral,
    /// Work that the response to a click doesn't wait for. A shutdown does.
    pub background: TaskTracker,
    /// Cancelled when the service shuts down.
    pub stop: CancellationToken,
}

impl Context {
    /// Tells the user who sent the payload something that only they see, without the response waiting for it.
    pub fn reply_privately(&self, payload: &Payload, sentence: String) {
        let Some(reply_to) = reply_to(payload) else {
            tracing::warn!("Ephemeral reply not sent: the payload names no user");
            return;
        };
        self.ephemeral.send(reply_to, sentence);
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
