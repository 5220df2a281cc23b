//! Showing admins who asks for an action to be unlocked, and telling those who asked of the answer.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Outcome;
use crate::{
    domain::ids::UserId,
    service::{Failure, Service},
    slack::{
        client::{CallError, Client, PATIENT},
        pacer::Pacer,
        people::People,
        view::{prompt::Message, unlocking},
    },
    storage::{
        self,
        claims::Claim,
        unlock_requests::{self, Posted},
    },
};

const POST: &str = "chat.postMessage";
const UPDATE: &str = "chat.update";

/// Draws requests to unlock actions.
#[derive(Debug, Clone)]
pub struct UnlockDrawer {
    /// Slack's Web API.
    pub client: Client,
    /// Who is an admin.
    pub people: Arc<People>,
    /// How fast Slack may be called.
    pub pacer: Arc<Pacer>,
}

impl UnlockDrawer {
    /// Makes each admin's message show the request as it is: a first post while it is open, a change afterwards.
    pub async fn draw(&self, service: &Service, claim: &Claim) -> Result<Outcome, Failure> {
        let Some(request) = claim.unlock_request else { return Ok(Outcome::done()) };
        let mut db = service.db.acquire().await?;
        let Some(line) = unlock_requests::line(&mut db, request, service.now()).await? else {
            return Ok(Outcome::done());
        };
        let posted = unlock_requests::messages(&mut db, request).await?;
        let known = storage::homes::admins(&mut db, claim.workspace).await?;
        let workspace = storage::workspaces::find(&mut db, claim.workspace).await?;
        drop(db);
        let Some(slack_id) = workspace.filter(|workspace| !workspace.removed).map(|found| found.slack_id)
        else {
            return Ok(Outcome::done());
        };
        let message = unlocking::message(&line);
        let mut trouble = None;
        for old in &posted {
            let mut body = body(&old.channel, &message);
            body["ts"] = old.ts.as_str().into();
            match self.call(service, claim, &slack_id, UPDATE, &body).await {
                // The message is gone: the Home tab has the request.
                Ok(_) | Err(CallError::Refused(_)) => {}
                Err(error) => trouble = Some(error),
            }
        }
        if line.answered.is_none() {
            let (admins, missing) = self.admins(&slack_id, known).await;
            trouble = trouble.or(missing);
            for admin in admins {
                if posted.iter().any(|old| old.user == admin) {
                    continue;
                }
                match self.call(service, claim, &slack_id, POST, &body(admin.as_str(), &message)).await {
                    Ok(answer) => {
                        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
                        let posted = Posted { user: admin, channel: text("channel"), ts: text("ts") };
                        let mut db = service.db.acquire().await?;
                        unlock_requests::remember(&mut db, request, &posted, service.now()).await?;
                    }
                    Err(CallError::Refused(code)) => {
                        tracing::warn!(%admin, code, "An admin can't be told that an action is to be unlocked");
                    }
                    Err(error) => trouble = Some(error),
                }
            }
        }
        Ok(trouble.map_or_else(Outcome::done, later))
    }

    /// Tells one who asked of the answer.
    pub async fn tell(&self, service: &Service, claim: &Claim) -> Result<Outcome, Failure> {
        let Some((request, user)) = claim.unlock_request.zip(claim.user.as_ref()) else {
            return Ok(Outcome::done());
        };
        let mut db = service.db.acquire().await?;
        let line = unlock_requests::line(&mut db, request, service.now()).await?;
        let workspace = storage::workspaces::find(&mut db, claim.workspace).await?;
        drop(db);
        let slack_id = workspace.filter(|workspace| !workspace.removed).map(|found| found.slack_id);
        let Some((line, slack_id)) = line.zip(slack_id) else { return Ok(Outcome::done()) };
        let Some(answered) = &line.answered else { return Ok(Outcome::done()) };
        let message = unlocking::answer(&line, answered);
        match self.call(service, claim, &slack_id, POST, &body(user.as_str(), &message)).await {
            Ok(_) => Ok(Outcome::done()),
            Err(CallError::Refused(code)) => {
                Ok(Outcome::Hopeless { why: format!("Slack says {code}"), status: None })
            }
            Err(error) => Ok(later(error)),
        }
    }

    /// Everybody who may answer: Slack's admins, those who are appointed, those who saw the admins' Home tab lately; and
    /// why that may not be everybody yet.
    async fn admins(&self, slack_id: &str, known: Vec<UserId>) -> (Vec<UserId>, Option<CallError>) {
        let mut missing = None;
        let mut admins = match self.people.admins(slack_id).await {
            Ok(admins) => admins,
            Err(error) => {
                tracing::warn!(%error, "Slack's list of admins can't be read: those who are known are told");
                // What Slack refuses, it refuses the next time as well.
                missing = Some(error).filter(|error| !matches!(error, CallError::Refused(_)));
                self.people.appointed().to_vec()
            }
        };
        for admin in known {
            if admins.contains(&admin) {
                continue;
            }
            match self.people.rights(slack_id, &admin).await {
                Ok(now) if now.is_admin => admins.push(admin),
                Ok(_) | Err(CallError::Refused(_)) => {}
                Err(error) => missing = Some(error),
            }
        }
        if admins.is_empty() && missing.is_none() {
            tracing::warn!(
                "Nobody can be told that an action is to be unlocked: the workspace has no admin that is known"
            );
        }
        (admins, missing)
    }

    async fn call(
        &self,
        service: &Service,
        claim: &Claim,
        slack_id: &str,
        method: &'static str,
        body: &Value,
    ) -> Result<Value, CallError> {
        let now = service.now();
        let open = self.pacer.is_open(slack_id, method, now).and_then(|()| {
            let channel = body["channel"].as_str().unwrap_or_default();
            if method == POST { self.pacer.admit(channel, claim.has_waited(), now) } else { Ok(()) }
        });
        if let Err(pause) = open {
            return Err(CallError::RateLimited(pause.to_std().unwrap_or_default()));
        }
        let answer = self.client.post(slack_id, method, body, PATIENT).await;
        if let Err(CallError::RateLimited(after)) = &answer {
            let pause = TimeDelta::from_std(*after).unwrap_or(TimeDelta::seconds(30));
            self.pacer.block(slack_id, method, service.now() + pause);
        }
        answer
    }
}

fn body(channel: &str, message: &Message) -> Value {
    let mut body = message.to_json();
    body["channel"] = channel.into();
    body["unfurl_links"] = json!(false);
    body["unfurl_media"] = json!(false);
    body
}

fn later(error: CallError) -> Outcome {
    match error {
        CallError::RateLimited(after) => {
            Outcome::Wait(TimeDelta::from_std(after).unwrap_or(TimeDelta::seconds(30)))
        }
        error => Outcome::Failed { why: error.to_string(), status: None, after: None },
    }
}
