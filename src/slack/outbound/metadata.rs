//! The metadata that each message carries, so that one whose post Slack did not confirm can be found again
//! (<https://docs.slack.dev/messaging/message-metadata>).

use serde_json::{Value, json};

use crate::domain::ids::{ApprovalId, UnlockRequestId, UserId};

/// Our type of metadata: what the app subscribes to.
pub const EVENT_TYPE: &str = "countersign_prompt";

/// What a prompt carries. Everyone in the workspace may read it, so it holds ids only.
#[must_use]
pub fn prompt(approval: ApprovalId) -> Value {
    metadata(&json!({ "approval": approval.to_string() }))
}

/// What an admin's message about an unlock request carries.
#[must_use]
pub fn unlock_request(request: UnlockRequestId, admin: &UserId) -> Value {
    metadata(&json!({ "unlock_request": request.to_string(), "admin": admin.as_str() }))
}

fn metadata(payload: &Value) -> Value {
    json!({ "event_type": EVENT_TYPE, "event_payload": payload })
}
