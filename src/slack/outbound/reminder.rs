//! Reminds users of requests that wait, in their direct messages, and updates the messages once the requests ended.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    domain::{
        ids::{ApprovalId, UserId},
        outcome::Outcome as Ending,
        people::PersonKind,
        prompts::Prompt,
    },
    outbox::{Claim, Outcome},
    service::{Service, ServiceError, notifications, reminders, show},
    slack::{
        outbound::once::{self, QUIET_CHECK, Sent},
        view::{
            history::Address,
            message::Message,
            reminder::{self, Ended, NAMED, Reminder},
        },
        web_api::{
            addresses::Addresses,
            client::{Client, PATIENT},
            error::{CallError, Reason, Refusal},
            users::People,
        },
    },
};

const UPDATE: &str = "chat.update";
/// Sends and updates reminders.
#[derive(Debug, Clone)]
pub struct ReminderRenderer {
    /// Posts and updates the messages.
    pub client: Client,
    /// Looks up what the user is in the workspace.
    pub people: Arc<People>,
    /// Where the workspaces' messages are.
    pub addresses: Addresses,
}

impl ReminderRenderer {
    /// Brings the user's reminders up to date, and sends one if it is due.
    pub async fn render(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        let Some(user) = &claim.user else { return Ok(Outcome::done()) };
        let Some(slack_id) = show::installed(service, claim.workspace).await? else {
            return Ok(Outcome::done());
        };
        // What can't be updated now must not keep new requests from being named.
        let left = self.update_open(service, claim, user, &slack_id).await?;
        let sent = self.send(service, claim, user, &slack_id).await?;
        Ok(left.unwrap_or(sent))
    }

    async fn send(
        &self,
        service: &Service,
        claim: &Claim,
        user: &UserId,
        slack_id: &str,
    ) -> Result<Outcome, ServiceError> {
        let preferences = notifications::find_in(service, claim.workspace, user).await?;
        if !preferences.reminders {
            return Ok(Outcome::done());
        }
        // This row waits, so that the job queues no other.
        if let Some(until) = preferences.quiet_until(service.now()) {
            return Ok(Outcome::Wait((until - service.now()).min(QUIET_CHECK)));
        }
        let due = reminders::due(service, claim.workspace, user).await?;
        if due.is_empty() {
            return Ok(Outcome::done());
        }
        match self.people.profile(slack_id, user).await {
            Ok(profile) if profile.kind == PersonKind::Member => {}
            // They can no longer decide. Their requests count as named, so that they aren't looked at again.
            Ok(_) => {
                reminders::take(service, (claim.workspace, user), &due).await?;
                return Ok(Outcome::done());
            }
            Err(error) if error.is_unknown_user() => {
                reminders::take(service, (claim.workspace, user), &due).await?;
                return Ok(Outcome::done());
            }
            Err(error) => return Ok(error.into()),
        }
        let (key, named) = reminders::take(service, (claim.workspace, user), &due).await?;
        if named.is_empty() {
            reminders::give_back(service, key).await?;
            return Ok(Outcome::done());
        }
        let message = self.message(service, slack_id, &named, &named).await?;
        match once::post(&self.client, slack_id, user, &message, claim).await {
            Sent::Yes(prompt) => {
                reminders::posted(service, key, &prompt).await?;
                metrics::counter!("countersign_reminders_total").increment(1);
                Ok(Outcome::done())
            }
            Sent::Perhaps => Ok(Outcome::done()),
            Sent::No(error) => {
                reminders::give_back(service, key).await?;
                Ok(error.into())
            }
            Sent::Never(refusal) => Ok(refusal.into()),
        }
    }

    /// Updates the user's messages. `Some`: one of them could not be updated now.
    async fn update_open(
        &self,
        service: &Service,
        claim: &Claim,
        user: &UserId,
        slack_id: &str,
    ) -> Result<Option<Outcome>, ServiceError> {
        let mut left = None;
        for open in reminders::open(service, claim.workspace, user).await? {
            let pending = reminders::pending(service, &open.approvals).await?;
            if pending.len() == open.waiting {
                continue;
            }
            let message = self.message(service, slack_id, &pending, &open.approvals).await?;
            match self.update(slack_id, &open.message, &message).await {
                Ok(()) => reminders::shown(service, open.id, pending.len()).await?,
                // It was deleted, or can no longer be changed.
                Err(CallError::Refused(Refusal { reason: Reason::Message, .. })) => {
                    self.close(service, open.id).await?;
                }
                Err(error) => left = left.or(Some(error.into())),
            }
        }
        Ok(left)
    }

    async fn close(&self, service: &Service, key: Uuid) -> Result<(), ServiceError> {
        reminders::shown(service, key, 0).await
    }

    async fn update(&self, slack_id: &str, place: &Prompt, message: &Message) -> Result<(), CallError> {
        let mut body = message.to_update();
        body["channel"] = place.channel.as_str().into();
        body["ts"] = place.ts.as_str().into();
        let mut answer = self.client.post(slack_id, UPDATE, &body, PATIENT).await;
        if let Err(CallError::Refused(Refusal { reason: Reason::Content, code })) = answer {
            tracing::error!(code, "Slack refused a reminder's blocks; updated as plain text");
            body["blocks"] = serde_json::json!([]);
            answer = self.client.post(slack_id, UPDATE, &body, PATIENT).await;
        }
        answer.map(|_| ())
    }

    /// The message that names these pending requests, out of all that it was sent for.
    async fn message(
        &self,
        service: &Service,
        slack_id: &str,
        pending: &[ApprovalId],
        all: &[ApprovalId],
    ) -> Result<Message, ServiceError> {
        let first = &pending[..pending.len().min(NAMED)];
        let named = if first.is_empty() { Vec::new() } else { reminders::named(service, first).await? };
        let address = if named.iter().any(|named| named.prompt.is_some()) {
            self.addresses.find(slack_id).await
        } else {
            None
        };
        let address: Address<'_> = address.as_deref();
        let lines: Vec<_> = named.iter().map(|named| (&named.approval, named.prompt.as_ref())).collect();
        let ended = if pending.is_empty() { ended(service, all).await? } else { Ended::default() };
        let (waiting, of) = (pending.len(), all.len());
        Ok(reminder::message(&Reminder { lines: &lines, waiting, of, ended, address }))
    }
}

/// How these requests ended.
async fn ended(service: &Service, approvals: &[ApprovalId]) -> Result<Ended, ServiceError> {
    let mut ended = Ended::default();
    for (outcome, count) in reminders::ended(service, approvals).await? {
        *match outcome {
            Ending::Expired => &mut ended.expired,
            Ending::Approved => &mut ended.approved,
            Ending::Denied => &mut ended.denied,
            Ending::Cancelled | Ending::Undeliverable => &mut ended.cancelled,
        } += count;
    }
    Ok(ended)
}
