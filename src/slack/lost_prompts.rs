//! Messages whose post Slack did not answer: they stand in Slack, with their buttons, and the service does not know
//! where. Each post carries metadata that says what it shows; where the app may read that
//! (`metadata.message:read`), Slack tells where each of them is
//! (<https://docs.slack.dev/reference/events/message_metadata_posted>).

use serde_json::{Value, json};

use super::{Slack, events::Handled, payload::Payload};
use crate::{
    domain::ids::{ApprovalId, UnlockRequestId, UserId},
    service::{
        Failure,
        events::Event,
        lost_prompts::{self, Lost},
    },
};

/// Slack's type of the event.
pub const POSTED: &str = "message_metadata_posted";
/// Our type of metadata: what the app subscribes to.
pub const EVENT_TYPE: &str = "countersign_prompt";

/// What a prompt carries. Everybody in the workspace may read it, so it holds ids alone.
#[must_use]
pub fn prompt(approval: ApprovalId) -> Value {
    metadata(&json!({ "approval": approval.to_string() }))
}

/// What an admin's message about a request to unlock an action carries.
#[must_use]
pub fn unlock_request(request: UnlockRequestId, admin: &UserId) -> Value {
    metadata(&json!({ "unlock_request": request.to_string(), "admin": admin.as_str() }))
}

fn metadata(payload: &Value) -> Value {
    json!({ "event_type": EVENT_TYPE, "event_payload": payload })
}

/// What has to be kept of such an event, if it is about a message of this app's own: other apps may post what they like.
pub(super) fn content(payload: &Payload) -> Option<Value> {
    let event = &payload.value()["event"];
    let own = event["app_id"].is_string() && event["app_id"] == payload.value()["api_app_id"];
    let metadata = &event["metadata"];
    (own && metadata["event_type"] == EVENT_TYPE).then(|| {
        json!({
            "channel": event["channel_id"],
            "ts": event["message_ts"],
            "shows": metadata["event_payload"],
        })
    })
}

/// Looks whether the service knows the message by now, and adopts it if it doesn't.
pub(super) async fn find(slack: &Slack, event: &Event) -> Result<Handled, Failure> {
    let Some(lost) = event.content.as_ref().and_then(read) else { return Ok(Handled::Yes) };
    if lost_prompts::adopt(&slack.service, &event.workspace, &lost).await? {
        tracing::warn!(workspace = event.workspace, "Unconfirmed message found");
        metrics::counter!("countersign_lost_prompts_found_total").increment(1);
    }
    Ok(Handled::Yes)
}

fn read(content: &Value) -> Option<Lost> {
    let text = |name: &str| content[name].as_str().map(str::to_owned);
    let (channel, ts, shows) = (text("channel")?, text("ts")?, &content["shows"]);
    if let Some(approval) = shows["approval"].as_str() {
        return Some(Lost::Prompt { approval: approval.parse().ok()?, channel, ts });
    }
    let request = shows["unlock_request"].as_str()?.parse().ok()?;
    let admin = shows["admin"].as_str().and_then(UserId::parse)?;
    Some(Lost::UnlockRequest { request, admin, channel, ts })
}
