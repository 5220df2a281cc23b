//! Shows unlock requests to admins, and tells the users who asked about the answer.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    domain::ids::UserId,
    outbox::{Claim, Outcome},
    service::{
        Service, ServiceError,
        show::{self, Posted, UnlockContext},
    },
    slack::{
        outbound::metadata,
        view::{message::Message, unlocking},
        web_api::{
            client::{Client, PATIENT},
            error::CallError,
            users::People,
        },
    },
};

const POST: &str = "chat.postMessage";
const UPDATE: &str = "chat.update";

/// Renders unlock requests.
#[derive(Debug, Clone)]
pub struct UnlockRequestRenderer {
    /// Posts and updates the messages.
    pub client: Client,
    /// Finds the admins.
    pub people: Arc<People>,
}

impl UnlockRequestRenderer {
    /// Makes each admin's message show the current request: posts it while the request is open, and updates it
    /// afterwards.
    pub async fn render(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        let Some(request) = claim.unlock_request else { return Ok(Outcome::done()) };
        let Some(context) = show::unlock_request(service, claim.workspace, request).await? else {
            return Ok(Outcome::done());
        };
        let UnlockContext { line, posted, known_admins, slack_id } = context;
        let message = unlocking::message(&line);
        let mut last_error = None;
        for old in &posted {
            let mut body = body(UPDATE, &old.channel, &message);
            body["ts"] = old.ts.as_str().into();
            match self.client.post(&slack_id, UPDATE, &body, PATIENT).await {
                // The admin's message was deleted. The Home tab still shows the request.
                Ok(_) | Err(CallError::Refused(_)) => {}
                Err(error) => last_error = Some(error),
            }
        }
        if line.answered.is_none() {
            let (admins, missing) = self.admins(&slack_id, known_admins).await;
            last_error = last_error.or(missing);
            for admin in admins {
                if posted.iter().any(|old| old.user == admin) {
                    continue;
                }
                let mut body = body(POST, admin.as_str(), &message);
                body["metadata"] = metadata::unlock_request(request, &admin);
                match self.client.post_message(&slack_id, &body, claim.has_waited(), PATIENT).await {
                    Ok(answer) => {
                        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
                        let posted = Posted { user: admin, channel: text("channel"), ts: text("ts") };
                        show::remember_unlock_message(service, request, &posted).await?;
                    }
                    Err(CallError::Refused(refusal)) => {
                        tracing::warn!(%admin, code = refusal.code, "Could not send an unlock request to an \
                            admin");
                    }
                    Err(error) => last_error = Some(error),
                }
            }
        }
        Ok(last_error.map_or_else(Outcome::done, Outcome::from))
    }

    /// Tells one user who asked about the answer.
    pub async fn tell(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        let Some((request, user)) = claim.unlock_request.zip(claim.user.as_ref()) else {
            return Ok(Outcome::done());
        };
        let Some(context) = show::unlock_request(service, claim.workspace, request).await? else {
            return Ok(Outcome::done());
        };
        let UnlockContext { line, slack_id, .. } = context;
        let Some(answered) = &line.answered else { return Ok(Outcome::done()) };
        let body = body(POST, user.as_str(), &unlocking::answer(&line, answered));
        match self.client.post_message(&slack_id, &body, claim.has_waited(), PATIENT).await {
            Ok(_) => Ok(Outcome::done()),
            Err(CallError::Refused(refusal)) => Ok(refusal.into()),
            Err(error) => Ok(error.into()),
        }
    }

    /// Everyone who may answer: Slack's admins, the configured admins, and those who recently opened the admins' Home
    /// tab. The error says why the list may be incomplete.
    async fn admins(&self, slack_id: &str, mut known: Vec<UserId>) -> (Vec<UserId>, Option<CallError>) {
        let mut missing = None;
        let mut admins = match self.people.admins(slack_id).await {
            Ok(admins) => admins,
            Err(error) => {
                tracing::warn!(%error, "Could not read Slack's list of admins; notifying the known admins");
                // Slack would refuse the same call again, so this is not worth a retry.
                missing = Some(error).filter(|error| !matches!(error, CallError::Refused(_)));
                Vec::new()
            }
        };
        known.extend(self.people.configured_admins(slack_id));
        for admin in known {
            if admins.contains(&admin) {
                continue;
            }
            match self.people.rights(slack_id, &admin).await {
                Ok(now) if now.is_admin => admins.push(admin),
                Ok(_) => {}
                Err(error) if error.is_unknown_user() => {}
                Err(error) => missing = Some(error),
            }
        }
        if admins.is_empty() && missing.is_none() {
            tracing::warn!("Unlock request not sent: no admin of the workspace is known");
        }
        (admins, missing)
    }
}

fn body(method: &str, channel: &str, message: &Message) -> Value {
    let mut body = if method == UPDATE { message.to_update() } else { message.to_post() };
    body["channel"] = channel.into();
    body
}
