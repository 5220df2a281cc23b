//! The metadata of each message, by which the service finds one whose post Slack did not confirm
//! (<https://docs.slack.dev/messaging/message-metadata>).

use serde_json::{Value, json};

use crate::domain::ids::{ApprovalId, UnlockRequestId, UserId};

/// The type of our metadata, which the app subscribes to.
pub const EVENT_TYPE: &str = "countersign_prompt";

/// A prompt's metadata. Everyone in the workspace may read it, so it contains only ids.
#[must_use]
pub fn prompt(approval: ApprovalId) -> Value {
    metadata(&json!({ "approval": approval.to_string() }))
}

/// The metadata of the message to a person who may decide an approval beside its user. It contains only ids. Earlier
/// versions don't know it, and leave such messages alone.
#[must_use]
pub fn approver(approval: ApprovalId, approver: &UserId) -> Value {
    metadata(&json!({ "approver_of": approval.to_string(), "approver": approver.as_str() }))
}

/// The metadata of an admin's message about an unlock request. It contains only ids.
#[must_use]
pub fn unlock_request(request: UnlockRequestId, admin: &UserId) -> Value {
    metadata(&json!({ "unlock_request": request.to_string(), "admin": admin.as_str() }))
}

fn metadata(payload: &Value) -> Value {
    json!({ "event_type": EVENT_TYPE, "event_payload": payload })
}
