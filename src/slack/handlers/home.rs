//! Somebody opens the app's Home tab.

use crate::{
    domain::{ids::UserId, rejection::Rejection},
    service::{ServiceError, homes},
    slack::{
        handlers::context::Context,
        inbound::{payload::Payload, response::Response},
    },
};

/// The event that says so (<https://docs.slack.dev/reference/events/app_home_opened>).
pub const OPENED: &str = "app_home_opened";

/// Has the Home tab drawn, now and after every change. It is answered once that is written down; an event that could
/// not be is sent again by Slack, and one that comes twice is drawn once more.
pub async fn opened(context: &Context, payload: &Payload) -> Response {
    let user = payload.text("/event/user").and_then(UserId::parse);
    let (Some("home"), Some(workspace), Some(user)) = (payload.text("/event/tab"), payload.workspace(), user)
    else {
        return Response::Taken;
    };
    match homes::open(&context.service, workspace, &user).await {
        Ok(()) | Err(ServiceError::Rejected(Rejection::WorkspaceRemoved)) => Response::Taken,
        Err(failure) => {
            tracing::error!(%failure, "Could not open a Home tab; Slack will resend the event");
            Response::Failed
        }
    }
}
