//! A hook's call that waits for the decision. Its response has begun, so every fault is an answer that denies.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::body::Bytes;
use futures::FutureExt as _;
use tokio::time::Instant;

use super::{cancelling::Cancelling, json::Json};
use crate::{
    api::approvals::waiting::Wait,
    domain::{
        api_keys::KeyScope, approvals::Approval, arguments::Arguments, ids::ApprovalId, permits::Usage,
        rejection::Rejection, text::ForeignId,
    },
    gateway::{
        approval::{self, Expected},
        formats::{Event, answer::claude, verdict::Verdict},
    },
    service::{
        Service, ServiceError,
        authenticate::{self, ApiKey, Caller},
        permits,
    },
    wire::ApprovalJson,
};

/// How often a space is sent. It keeps the connection open, and detects a client that has disconnected.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const SPACE: &[u8] = b" ";
/// The pause before the approval is read again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What is asked about.
pub(super) struct Question {
    pub(super) event: Event,
    pub(super) expected: Expected,
    /// The idempotency key of the request.
    pub(super) idempotency_key: Option<ForeignId>,
}

/// A call that waits. Dropping it cancels the approval.
pub(super) struct Deciding {
    // Dropped before `cancelling`, which looks whether a call still listens.
    pub(super) wait: Box<Wait>,
    pub(super) cancelling: Cancelling,
    pub(super) question: Question,
    pub(super) key: ApiKey,
    /// When the hook must be answered, although there is no decision.
    pub(super) until: Instant,
    /// Whether reading the approval failed.
    pub(super) unread: bool,
}

impl Question {
    /// The answer to the hook.
    pub(super) fn answer(&self, verdict: Verdict) -> Json {
        Json(claude(self.event, verdict))
    }

    /// What an approval means for the call. It is read as strictly as by a program on the agent's machine.
    pub(super) fn verdict(&self, approval: &Approval) -> Verdict {
        let json = serde_json::to_value(ApprovalJson::from(approval)).map_err(|error| error.to_string());
        let read =
            json.and_then(|json| approval::Approval::from_value(json).map_err(|error| error.to_string()));
        match read {
            Ok(approval) => Verdict::for_expected(&self.expected, &approval),
            Err(error) => {
                tracing::error!(approval = %approval.id(), error, "Could not answer a hook");
                Verdict::refuse(&format!("Countersign could not act on the decision: {error}."))
            }
        }
    }

    /// Takes the permit of a call that was approved: Claude Code runs it as soon as the hook has answered.
    pub(super) async fn permitted(
        &self,
        service: &Service,
        caller: &Caller,
        approval: ApprovalId,
        verdict: Verdict,
    ) -> Verdict {
        let Verdict::Run { edited, .. } = &verdict else { return verdict };
        let usage = Usage {
            digest: edited.as_ref().map_or(self.expected.digest(), Arguments::digest),
            key: caller.key(),
            idempotency_key: self.idempotency_key.clone(),
        };
        match permits::take(service, caller, approval, &usage).await {
            Ok(_) => verdict,
            Err(ServiceError::Rejected(rejection)) => {
                Verdict::refuse(&format!("Not permitted to run: {rejection}."))
            }
            Err(error) => {
                tracing::error!(%error, %approval, "Could not take the permit of a hook's call");
                Verdict::refuse("Countersign could not check whether the call may still run.")
            }
        }
    }
}

impl Deciding {
    /// The next part of the response's body; `None` after the last one.
    pub(super) async fn next(deciding: Option<Self>) -> Option<(Bytes, Option<Self>)> {
        let mut deciding = deciding?;
        let verdict = AssertUnwindSafe(deciding.verdict()).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("Hook panicked");
            Some(Verdict::refuse("Countersign had an internal error."))
        });
        let Some(verdict) = verdict else { return Some((Bytes::from_static(SPACE), Some(deciding))) };
        Some((deciding.question.answer(verdict).bytes(), None))
    }

    /// Waits for the end, or until it is time for the next space.
    async fn verdict(&mut self) -> Option<Verdict> {
        let now = Instant::now();
        let (until, pause) = if self.unread { (now, now) } else { (self.until, now + KEEP_ALIVE) };
        match self.wait.ended_or_paused(until, pause).await {
            Ok(None) => None,
            Ok(Some(approval)) if approval.decision.is_some() => {
                self.cancelling.disarm();
                Some(Box::pin(self.decided(&approval)).await)
            }
            Ok(Some(_)) if self.wait.is_stopping() => {
                let ended = Box::pin(self.cancelling.cancel()).await;
                Some(
                    Box::pin(
                        self.ended(ended, "Countersign is being restarted, so the request was cancelled."),
                    )
                    .await,
                )
            }
            Ok(Some(_)) if now < self.until && self.unread => {
                self.unread = false;
                None
            }
            Ok(Some(_)) => {
                let ended = Box::pin(self.cancelling.cancel()).await;
                Some(Box::pin(self.ended(ended, "No one answered in Slack before the hook's limit.")).await)
            }
            Err(error) if now >= self.until => {
                tracing::error!(%error, "Could not answer a hook");
                Some(Verdict::refuse("Countersign could not read the decision before the hook's limit."))
            }
            Err(error) => {
                tracing::warn!(%error, "Could not read the approval of a hook; reading it again");
                self.unread = true;
                tokio::time::sleep(RETRY_PAUSE).await;
                None
            }
        }
    }

    /// After an approval was given up. `why`: unless there was a decision in this moment.
    async fn ended(&self, ended: Option<Approval>, why: &str) -> Verdict {
        match ended {
            Some(approval) if matches!(self.question.verdict(&approval), Verdict::Run { .. }) => {
                self.decided(&approval).await
            }
            _ => Verdict::refuse(why),
        }
    }

    /// What the decision means. A key that was revoked while the call waited runs nothing.
    async fn decided(&self, approval: &Approval) -> Verdict {
        let verdict = self.question.verdict(approval);
        if !matches!(verdict, Verdict::Run { .. }) {
            return verdict;
        }
        let service = self.cancelling.service();
        match authenticate::authenticate(service, &self.key, KeyScope::Ask).await {
            Ok(caller) => self.question.permitted(service, &caller, approval.id(), verdict).await,
            Err(ServiceError::Rejected(Rejection::Unauthenticated)) => {
                Verdict::refuse("The API key was revoked while the request waited.")
            }
            Err(error) => {
                tracing::error!(%error, "Could not check the key of a hook again");
                Verdict::refuse("Countersign could not check the API key again.")
            }
        }
    }
}
