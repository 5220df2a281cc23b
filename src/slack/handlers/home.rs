//! A user opens the app's Home tab.

use crate::{
    domain::{ids::UserId, rejection::Rejection},
    service::{ServiceError, homes},
    slack::{
        handlers::context::Context,
        inbound::{payload::Payload, response::Response},
    },
};

/// Slack's event for it (<https://docs.slack.dev/reference/events/app_home_opened>).
pub const OPENED: &str = "app_home_opened";

/// Requests a render of the Home tab, now and after every change. The event is acknowledged once the request is stored.
/// Slack repeats an event that could not be stored; a duplicate only causes another render.
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
