//! Messages whose post Slack did not confirm. They are visible in Slack, with their buttons, but the service does not
//! know where. Each post carries metadata that says what it shows. If the app may read metadata
//! (`metadata.message:read`), Slack sends an event that says where the message is
//! (<https://docs.slack.dev/reference/events/message_metadata_posted>).

use serde_json::{Value, json};

use crate::{
    domain::ids::UserId,
    service::{
        ServiceError,
        events::Event,
        lost_prompts::{self, Lost},
    },
    slack::{handlers::context::Context, inbound::payload::Payload, outbound::metadata::EVENT_TYPE},
};

/// Slack's type of the event.
pub const POSTED: &str = "message_metadata_posted";
/// The fields of such an event to store, if it is about one of this app's messages. Other apps may post metadata too.
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

/// Checks whether the service already knows the message, and adopts it if it doesn't.
pub(super) async fn find(context: &Context, event: &Event) -> Result<(), ServiceError> {
    let Some(lost) = event.content.as_ref().and_then(read) else { return Ok(()) };
    if lost_prompts::adopt(&context.service, &event.workspace, &lost).await? {
        tracing::warn!(workspace = event.workspace, "Unconfirmed message found");
        metrics::counter!("countersign_lost_prompts_found_total").increment(1);
    }
    Ok(())
}

fn read(content: &Value) -> Option<Lost> {
    let text = |name: &str| content[name].as_str().map(str::to_owned);
    let (channel, ts, shows) = (text("channel")?, text("ts")?, &content["shows"]);
    if let Some(approval) = shows["approval"].as_str() {
        return Some(Lost::Prompt { approval: approval.parse().ok()?, approver: None, channel, ts });
    }
    if let Some(approval) = shows["approver_of"].as_str() {
        let approver = shows["approver"].as_str().and_then(UserId::parse);
        return Some(Lost::Prompt {
            approval: approval.parse().ok()?,
            approver: Some(approver?),
            channel,
            ts,
        });
    }
    let request = shows["unlock_request"].as_str()?.parse().ok()?;
    let admin = shows["admin"].as_str().and_then(UserId::parse)?;
    Some(Lost::UnlockRequest { request, admin, channel, ts })
}
