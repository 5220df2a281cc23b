//! Sends a message that shows an approval: with its blocks, or as plain text if Slack refuses these. A bug in a view must
//! not hide an approval.

use serde_json::Value;

use crate::{
    domain::{arguments::Digest, ids::ApprovalId, prompts::Prompt},
    slack::{
        view::message::Message,
        web_api::{
            client::{Client, PATIENT},
            error::{CallError, Reason, Refusal},
        },
    },
};

pub(super) const POST: &str = "chat.postMessage";
const UPDATE: &str = "chat.update";

/// The body of a call that sends the message.
pub(super) fn body(method: &str, channel: &str, message: &Message) -> Value {
    let mut body = if method == UPDATE { message.to_update() } else { message.to_post() };
    body["channel"] = channel.into();
    body
}

/// Sends messages that show an approval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) client: &'a Client,
    pub(super) slack_id: &'a str,
    pub(super) approval: ApprovalId,
    /// Posts go ahead of others at the rate limit.
    pub(super) in_turn: bool,
}

impl Sender<'_> {
    /// Posts a message with this body. Returns where it is, and the digest of what it shows.
    pub(super) async fn post(
        &self,
        body: Value,
        message: &Message,
        plain: impl FnOnce() -> Message,
    ) -> Result<(Prompt, Digest), CallError> {
        let (answer, shown) =
            match self.client.post_message(self.slack_id, &body, self.in_turn, PATIENT).await {
                Err(CallError::Refused(refusal)) if refusal.reason == Reason::Content => {
                    let plain = plain();
                    (self.send_plain(POST, &body, &refusal, &plain).await?, plain.digest())
                }
                answer => (answer?, message.digest()),
            };
        let text = |key: &str| answer[key].as_str().or(body[key].as_str()).unwrap_or_default().to_owned();
        Ok((Prompt { channel: text("channel"), ts: text("ts") }, shown))
    }

    /// Updates a message. Returns the digest of what it shows.
    pub(super) async fn update(
        &self,
        prompt: &Prompt,
        message: &Message,
        plain: impl FnOnce() -> Message,
    ) -> Result<Digest, CallError> {
        let mut body = body(UPDATE, &prompt.channel, message);
        body["ts"] = prompt.ts.as_str().into();
        match self.client.post(self.slack_id, UPDATE, &body, PATIENT).await {
            Err(CallError::Refused(refusal)) if refusal.reason == Reason::Content => {
                let plain = plain();
                self.send_plain(UPDATE, &body, &refusal, &plain).await.map(|_| plain.digest())
            }
            answer => answer.map(|_| message.digest()),
        }
    }

    async fn send_plain(
        &self,
        method: &str,
        refused: &Value,
        refusal: &Refusal,
        plain: &Message,
    ) -> Result<Value, CallError> {
        tracing::error!(approval = %self.approval, code = refusal.code, "Slack refused a prompt's blocks; posted as plain text");
        let mut plain = body(method, refused["channel"].as_str().unwrap_or_default(), plain);
        for place in ["ts", "thread_ts"] {
            if let Some(ts) = refused.get(place) {
                plain[place] = ts.clone();
            }
        }
        if let Some(metadata) = refused.get("metadata").filter(|_| !refusal.code.contains("metadata")) {
            plain["metadata"] = metadata.clone();
        }
        self.client.post(self.slack_id, method, &plain, PATIENT).await
    }
}
