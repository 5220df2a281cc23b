//! The requests that the load sends, as bytes.

use std::sync::atomic::{AtomicU64, Ordering};

use sandbox::slack::names;
use serde_json::json;

/// How many people there are, each with a grant.
pub(crate) const USERS: usize = 100;
/// How many of them the asks are for, unless a scenario says otherwise; `ask.sql` has the same number.
pub(crate) const ASKING: usize = 64;
pub(crate) const INTEGRATION: &str = "postgres";
/// The action that the grants are for, unlocked.
pub(crate) const ACTION: &str = "list_schemas";
/// Another unlocked action.
pub(crate) const OTHER_ACTION: &str = "list_objects";
/// An action that is locked.
pub(crate) const LOCKED_ACTION: &str = "explain_query";

/// The id of the user with this number.
pub(crate) fn user(number: usize) -> String {
    format!("U0LOAD{number:03}")
}

/// A request for an approval, of an everyday size, whose user and conversation are overwritten in place.
#[derive(Clone)]
pub(crate) struct Ask {
    bytes: Vec<u8>,
    user: usize,
    conversation: usize,
}

impl Ask {
    pub(crate) fn new(key: &str, action: &str) -> Self {
        let body = json!({
            "user": user(0),
            "agent": { "id": "atlas", "name": "Atlas" },
            "conversation": { "id": "run-0000000000000000", "title": "Nightly report" },
            "integration": INTEGRATION,
            "action": action,
            "arguments": { "sql": "SELECT region, sum(amount) FROM orders WHERE placed_at > now() - interval '1 day' GROUP BY 1" },
            "reason": "The nightly report needs yesterday's orders",
        })
        .to_string();
        let bytes = format!(
            "POST /v1/approvals HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes();
        let after = |text: &str| {
            bytes.windows(text.len()).position(|part| part == text.as_bytes()).unwrap() + text.len()
        };
        Self { user: after("U0LOAD"), conversation: after("run-"), bytes }
    }

    /// The request of this user, in a conversation of its own.
    pub(crate) fn for_user(&mut self, user: usize) -> &[u8] {
        static CONVERSATION: AtomicU64 = AtomicU64::new(0);
        let conversation = CONVERSATION.fetch_add(1, Ordering::Relaxed);
        self.bytes[self.user..self.user + 3].copy_from_slice(format!("{user:03}").as_bytes());
        self.bytes[self.conversation..self.conversation + 16]
            .copy_from_slice(format!("{conversation:016x}").as_bytes());
        &self.bytes
    }
}

/// A click as Slack sends it, signed. `value` is set for a button, `option` for an item of the overflow menu.
pub(crate) fn click(secret: &str, user: &str, action: &serde_json::Value) -> Vec<u8> {
    let payload = json!({
        "type": "block_actions", "team": { "id": names::TEAM }, "user": { "id": user }, "actions": [action],
    });
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish();
    let timestamp = chrono::Utc::now().timestamp();
    let signature = sandbox::slack::sign(secret, timestamp, body.as_bytes());
    format!(
        "POST /slack/interactivity HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-www-form-urlencoded\r\nx-slack-request-timestamp: {timestamp}\r\nx-slack-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// *Approve* on a prompt.
pub(crate) fn approve(secret: &str, user: &str, approval: &str) -> Vec<u8> {
    click(secret, user, &json!({ "action_id": "approve", "value": approval }))
}

/// *Auto-approve always* on a prompt.
pub(crate) fn approve_always(secret: &str, user: &str, approval: &str) -> Vec<u8> {
    let option = json!({ "value": format!("always:{approval}") });
    click(secret, user, &json!({ "action_id": "approve_more", "selected_option": option }))
}
