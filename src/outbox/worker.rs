//! The worker: claims due rows, passes each to its handler, and records the result. Permits limit the attempts of each
//! kind.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    domain::{effects::Redraw, homes::Urgency, ids::BackendId},
    heartbeat::Pulse,
    outbox::{
        Claim, Deliver, Kind, Outcome,
        listener::Wakers,
        schedule::{self, Next},
    },
    service::{Service, ServiceError},
    storage::statements::claim::{self, Attempt, Ending, Lease},
};

/// How long a claimed row is held. Longer than any attempt.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// The time limit of one attempt, including all its calls.
const LIMIT: Duration = Duration::from_secs(45);
/// The worker's longest sleep without a notification.
const POLL: Duration = Duration::from_secs(2);
/// Longest time without progress. In the worst case all permits are held by attempts that take their full time and
/// whose results can't be recorded for a while.
const STUCK: Duration = Duration::from_mins(2);
/// How often, and at what interval, the worker tries to record a result: together as long as the lease.
const NOTING_TRIES: usize = 100;
const NOTING_PAUSE: Duration = Duration::from_millis(500);
/// Pause before a row is tried again that depends on an unreadable row.
const UNREADABLE: TimeDelta = crate::service::unreadable::PAUSE;
/// Most concurrent webhooks of one backend, so that a slow endpoint can't hold all permits.
const PER_BACKEND: usize = 4;

const fn permits(kind: Kind) -> usize {
    match kind {
        Kind::Prompt => 8,
        Kind::Home | Kind::UnlockRequest | Kind::UnlockAnswer => 4,
        Kind::Webhook => 32,
    }
}

/// A worker for all kinds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Worker<D> {
    /// The use cases, the database and the clock.
    pub service: Service,
    /// Performs the deliveries.
    pub deliver: D,
    /// Wakes the worker.
    pub wakers: Wakers,
    /// Stops it: it claims nothing more, and finishes running attempts.
    pub stop: CancellationToken,
    /// The running attempts.
    pub tasks: TaskTracker,
}

/// Converts a count for the database. All counts here are small.
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The number of running attempts for each backend.
type Busy = Arc<Mutex<HashMap<BackendId, usize>>>;

impl<D: Deliver> Worker<D> {
    /// Runs one loop for each kind, until `stop`.
    pub async fn run(self) {
        futures::future::join_all(Kind::ALL.map(|kind| self.clone().work(kind))).await;
    }

    async fn work(self, kind: Kind) {
        let free = Arc::new(Semaphore::new(permits(kind)));
        let busy = Busy::default();
        let pulse = self.service.heartbeats.pulse(format!("the {} outbox worker", kind.as_str()), STUCK);
        while !self.stop.is_cancelled() {
            pulse.beat();
            // Get a permit before claiming: a claimed row's lease starts at once, so it must not wait for one.
            let permit = tokio::select! {
                () = self.stop.cancelled() => return,
                permit = free.clone().acquire_owned() => permit,
            };
            let Ok(permit) = permit else { return };
            let claims = match self.claim(kind, free.available_permits() + 1, &busy).await {
                Ok(claims) => claims,
                Err(error) => {
                    tracing::warn!(%error, kind = kind.as_str(), "Could not read the outbox; retrying");
                    Vec::new()
                }
            };
            if claims.is_empty() {
                drop(permit);
                self.rest(kind, &pulse).await;
                continue;
            }
            let mut permit = Some(permit);
            for claim in claims {
                let permit = permit.take().or_else(|| free.clone().try_acquire_owned().ok());
                self.begin(claim, permit, &busy);
            }
        }
    }

    async fn claim(&self, kind: Kind, limit: usize, busy: &Busy) -> Result<Vec<Claim>, sqlx::Error> {
        let mut db = self.service.db.acquire().await?;
        let (limit, now) = (number(limit), self.service.now());
        let lease = Lease { token: self.service.new_id(), until: now + LEASE };
        if kind != Kind::Webhook {
            return claim::claim(&mut db, kind, limit, now, lease).await;
        }
        let held: Vec<(BackendId, i64)> = {
            let busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
            busy.iter().map(|(backend, count)| (*backend, number(*count))).collect()
        };
        claim::claim_webhooks(&mut db, limit, number(PER_BACKEND), &held, now, lease).await
    }

    /// Sleeps until a row is due, a notification arrives, or the poll interval is over.
    async fn rest(&self, kind: Kind, pulse: &Pulse) {
        // Only rows due in the future count. Those that are due but were not claimed wait for another attempt to end,
        // which wakes this loop.
        let due = match self.service.db.acquire().await {
            Ok(mut db) => claim::next_due(&mut db, kind, self.service.now()).await.ok().flatten(),
            Err(_) => None,
        };
        pulse.rest();
        let until_due = async {
            match due {
                Some(due) => self.service.clock.sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.wakers.for_kind(kind).notified() => {}
            () = until_due => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }

    fn begin(&self, claim: Claim, permit: Option<OwnedSemaphorePermit>, busy: &Busy) {
        let worker = self.clone();
        let busy = busy.clone();
        if let Some(backend) = claim.backend {
            *busy.lock().unwrap_or_else(PoisonError::into_inner).entry(backend).or_default() += 1;
        }
        self.tasks.spawn(async move {
            // A panic is handled like a crash: the lease expires, and any worker may claim the row.
            let attempt = tokio::spawn({
                let (worker, claim) = (worker.clone(), claim.clone());
                async move { worker.attempt(&claim).await }
            });
            if attempt.await.is_err() {
                tracing::error!(delivery = %claim.id, kind = claim.kind.as_str(), "Handler panicked");
            }
            if let Some(backend) = claim.backend {
                let mut busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(count) = busy.get_mut(&backend) {
                    *count -= 1;
                    if *count == 0 {
                        busy.remove(&backend);
                    }
                }
            }
            drop(permit);
            // The next row of the same queue, or of a backend that was at its limit, may be due.
            worker.wakers.for_kind(claim.kind).notify_one();
        });
    }

    #[tracing::instrument(name = "deliver", skip_all, fields(
        delivery = %claim.id,
        kind = claim.kind.as_str(),
        workspace = %claim.workspace,
        approval = claim.approval.map(tracing::field::display),
        backend = claim.backend.map(tracing::field::display),
        user = claim.user.as_ref().map(tracing::field::display),
    ))]
    async fn attempt(&self, claim: &Claim) {
        let started_at = self.service.now();
        let delivered = self.deliver.deliver(&self.service, claim);
        let outcome = match tokio::time::timeout(LIMIT, delivered).await {
            Ok(Ok(outcome)) => outcome,
            // An internal error must not use up the attempts of the receiver.
            Ok(Err(failure)) => {
                log_failure(claim, &failure);
                Outcome::Wait(if failure.corrupt_row().is_some() {
                    UNREADABLE
                } else {
                    TimeDelta::seconds(2)
                })
            }
            Err(_) => Outcome::Failed { why: "timed out after 45 s".to_owned(), status: None, after: None },
        };
        let now = self.service.now();
        let next = schedule::next(claim.kind, claim.attempts, &outcome, self.service.entropy.fraction());
        let attempt = note(&outcome, next, started_at, now);
        log(claim, &attempt, outcome.slack_code());
        self.finish(claim, &attempt).await;
    }

    /// Records the result. If it may change whether a backend's webhooks arrive, the admins' Home tabs are updated.
    async fn note(&self, claim: &Claim, attempt: &Attempt) -> Result<bool, ServiceError> {
        let now = self.service.now();
        if claim.kind != Kind::Webhook {
            let mut db = self.service.db.acquire().await?;
            return Ok(claim::finish(&mut db, claim, attempt, now).await?);
        }
        let mut work = self.service.begin().await?;
        let held = claim::finish(&mut work, claim, attempt, now).await?;
        // Repeated successes or failures change little on the Home tab and may be frequent, so they are not urgent.
        let news = match attempt.ending {
            Ending::Done => claim.attempts > 0,
            Ending::Later { .. } => claim.attempts == 0,
            Ending::Dead => true,
        };
        let urgency = if news { Urgency::Now } else { Urgency::Soon };
        work.redraw(Redraw::admins_homes(claim.workspace, urgency));
        work.commit().await?;
        Ok(held)
    }

    /// Records the result. While the database is unavailable, this is retried until the lease ends.
    async fn finish(&self, claim: &Claim, attempt: &Attempt) {
        for _ in 0..NOTING_TRIES {
            match self.note(claim, attempt).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!(delivery = %claim.id, kind = claim.kind.as_str(), "Lease lost; another \
                        worker has taken over");
                    return;
                }
                Err(failure) => {
                    tracing::warn!(delivery = %claim.id, %failure, "Could not record an attempt; retrying");
                }
            }
            tokio::time::sleep(NOTING_PAUSE).await;
        }
    }
}

fn note(outcome: &Outcome, next: Next, started_at: DateTime<Utc>, now: DateTime<Utc>) -> Attempt {
    let ending = match next {
        Next::Done => Ending::Done,
        Next::After { pause, counts } => Ending::Later { at: now + pause, counts },
        Next::Dead => Ending::Dead,
    };
    let (status, detail) = match outcome {
        Outcome::Done { status, detail } => (*status, detail.clone()),
        Outcome::Failed { why, status, .. } | Outcome::Hopeless { why, status } => {
            (*status, Some(why.clone()))
        }
        Outcome::NotTaken { why, .. } | Outcome::Refused { why, .. } => (None, Some(why.clone())),
        Outcome::Wait(_) => (None, None),
    };
    Attempt {
        ending,
        started_at,
        took_ms: (now - started_at).num_milliseconds(),
        http_status: status.map(i32::from),
        detail,
    }
}

fn log_failure(claim: &Claim, failure: &ServiceError) {
    tracing::warn!(delivery = %claim.id, kind = claim.kind.as_str(), %failure, "Internal error during delivery");
}

/// One complete log line for each attempt. It leaves the response out, which may contain what users wrote.
fn log(claim: &Claim, attempt: &Attempt, code: Option<&str>) {
    let kind = claim.kind.as_str();
    let (ending, level_is_warn) = match attempt.ending {
        Ending::Done => ("done", false),
        Ending::Later { counts, .. } => ("later", counts),
        Ending::Dead => ("dead", true),
    };
    metrics::counter!("countersign_outbox_attempts_total", "kind" => kind, "ending" => ending).increment(1);
    let (delivery, status, took_ms) = (claim.id, attempt.http_status, attempt.took_ms);
    let approval = claim.approval.map(tracing::field::display);
    let tries = claim.attempts + 1;
    if level_is_warn {
        tracing::warn!(%delivery, kind, approval, ending, code, tries, status, took_ms, "Delivery attempt failed");
    } else {
        tracing::info!(%delivery, kind, approval, ending, tries, status, took_ms, "Delivery attempt ended");
    }
}
