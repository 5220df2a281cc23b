//! Where everything goes that Slack sends, by HTTP or by Socket Mode: a payload in, a response out.

use crate::slack::inbound::{payload::Payload, response::Response};

/// What handles payloads. They are known to be Slack's.
pub trait Handlers: Clone + Send + Sync + 'static {
    /// A user used a button, a menu or a modal.
    fn interaction(&self, payload: &Payload) -> impl Future<Output = Response> + Send;
    /// A user typed a slash command.
    fn command(&self, payload: &Payload) -> impl Future<Output = Response> + Send;
    /// Something happened in a workspace.
    fn event(&self, payload: &Payload) -> impl Future<Output = Response> + Send;
}

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A user used a button, a menu or a modal.
    Interaction,
    /// Something happened in a workspace.
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
