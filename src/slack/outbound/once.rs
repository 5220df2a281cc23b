//! Posts a message at most once: it is not tried again unless Slack certainly did not post it.

use chrono::TimeDelta;

use crate::{
    domain::{ids::UserId, prompts::Prompt},
    outbox::Claim,
    slack::{
        view::message::Message,
        web_api::{
            client::{Client, PATIENT},
            error::{CallError, Reason, Refusal},
        },
    },
};

/// How often a message that waits for the end of quiet hours looks whether they were changed.
pub(super) const QUIET_CHECK: TimeDelta = TimeDelta::minutes(10);

/// What became of the message.
pub(super) enum Sent {
    /// It is posted, there.
    Yes(Prompt),
    /// It may be posted. It must not be tried again.
    Perhaps,
    /// It is not posted, and may be tried again.
    No(CallError),
    /// It is not posted, and Slack would refuse it again.
    Never(Refusal),
}

/// Posts the message to a user's direct messages. If Slack refuses its blocks, it is posted as plain text: a bug in a
/// view must not hide that something waits.
pub(super) async fn post(
    client: &Client,
    slack_id: &str,
    user: &UserId,
    message: &Message,
    claim: &Claim,
) -> Sent {
    let mut body = message.to_post();
    body["channel"] = user.as_str().into();
    let mut answer = client.post_message(slack_id, &body, claim.has_waited(), PATIENT).await;
    if let Err(CallError::Refused(Refusal { reason: Reason::Content, code })) = answer {
        tracing::error!(
            kind = claim.kind.as_str(),
            code,
            "Slack refused a message's blocks; posted as plain text"
        );
        let mut plain = Message { text: message.text.clone(), blocks: Vec::new() }.to_post();
        plain["channel"] = user.as_str().into();
        answer = client.post_message(slack_id, &plain, true, PATIENT).await;
    }
    match answer {
        Ok(answer) => {
            let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
            Sent::Yes(Prompt { channel: text("channel"), ts: text("ts") })
        }
        Err(CallError::Refused(refusal)) => Sent::Never(refusal),
        // These are found out before Slack would post anything.
        Err(
            error @ (CallError::RateLimited(_)
            | CallError::MissingScope(_)
            | CallError::NoToken
            | CallError::Unreadable(_)
            | CallError::NotReplaced(_)),
        ) => Sent::No(error),
        Err(error @ (CallError::Passing(_) | CallError::Unreachable(_))) => {
            tracing::warn!(kind = claim.kind.as_str(), user = %user, %error, "Message not confirmed by Slack; it is not repeated");
            metrics::counter!("countersign_unconfirmed_messages_total", "kind" => claim.kind.as_str())
                .increment(1);
            Sent::Perhaps
        }
    }
}
