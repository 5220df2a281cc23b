//! The one entry point for payloads, over HTTP or Socket Mode: a payload in, a response out.

use crate::slack::inbound::{payload::Payload, response::Response};

/// Handles payloads that are already verified to come from Slack.
pub trait Handlers: Clone + Send + Sync + 'static {
    /// A user clicked a button or menu, or submitted a modal.
    fn interaction(&self, payload: &Payload) -> impl Future<Output = Response> + Send;
    /// A user typed a slash command.
    fn command(&self, payload: &Payload) -> impl Future<Output = Response> + Send;
    /// An event in a workspace, such as an uninstalled app.
    fn event(&self, payload: &Payload) -> impl Future<Output = Response> + Send;
}

/// The kind of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A user clicked a button or menu, or submitted a modal.
    Interaction,
    /// An event in a workspace, such as an uninstalled app.
    Event,
    /// A user typed a slash command.
    Command,
}

/// Has a payload handled.
#[tracing::instrument(name = "slack_request", skip_all, fields(
    ?kind,
    workspace = payload.workspace(),
    user = payload.acting_user().map(|acting_user| tracing::field::display(acting_user.user)),
))]
pub async fn dispatch(handlers: &impl Handlers, kind: Kind, payload: &Payload) -> Response {
    match kind {
        Kind::Interaction => handlers.interaction(payload).await,
        Kind::Event => handlers.event(payload).await,
        Kind::Command => handlers.command(payload).await,
    }
}
