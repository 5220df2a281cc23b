//! The worker: claims due rows, passes each to its handler, and has the results recorded. Permits limit the attempts of
//! each kind, and shares those to each receiver of webhooks.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    domain::ids::BackendId,
    heartbeat::Pulse,
    outbox::{
        Claim, Deliver, Kind, Outcome,
        listener::Wakers,
        noter::{Ended, Noter, Notes},
        receivers::{InFlight, Pace, Receivers},
        schedule::{self, Next},
    },
    service::{Service, ServiceError},
    storage::{
        self,
        statements::{
            claim::{self, ClaimedWebhooks, Lease},
            finish::{Attempt, Ending},
        },
    },
};

/// How long a claimed row is held. Longer than any attempt.
const LEASE: Duration = Duration::from_mins(1);
/// The time limit of one attempt, including all its calls.
const LIMIT: Duration = Duration::from_secs(45);
/// The worker's longest sleep without a notification.
const POLL: Duration = Duration::from_secs(2);
/// Longest time without progress. In the worst case all permits are held by attempts that take their full time and
/// whose results can't be recorded for a while.
const STUCK: Duration = Duration::from_mins(2);
/// Pause after an internal error.
const INTERNAL: TimeDelta = TimeDelta::seconds(2);
/// Pause before a row is tried again that depends on an unreadable row.
const UNREADABLE: TimeDelta = crate::service::unreadable::PAUSE;
/// The most callbacks of one claim: the host of all of them may be the same, and have little room.
const MOST_CALLBACKS: usize = 8;
/// The most rows of one claim, so that its statements stay short.
const MOST: usize = 128;

/// How many attempts of a kind may be in progress or wait for their result to be recorded.
const fn permits(kind: Kind) -> usize {
    match kind {
        Kind::Prompt => 8,
        Kind::SharedPrompt | Kind::Home | Kind::UnlockRequest | Kind::UnlockAnswer => 4,
        // No one waits for them, and they use the rate limit of the prompts.
        Kind::Revocation | Kind::Delegation | Kind::Misuse | Kind::Reminder | Kind::Digest => 2,
        // Eight times the share of one receiver.
        Kind::Webhook => 256,
        Kind::Callback => 64,
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

/// The rows of one claim.
struct Claimed {
    claims: Vec<Claim>,
    /// When the claim was made.
    at: DateTime<Utc>,
    /// When its lease has expired.
    until: Instant,
    /// Whether another claim may find more at once.
    more: bool,
}

impl<D: Deliver> Worker<D> {
    /// Runs one loop for each kind, until `stop`.
    pub async fn run(self) {
        let pulse = self.service.heartbeats.pulse("the recording of deliveries", STUCK);
        let notes = Noter::start(&self.service, &self.wakers, &self.tasks, pulse);
        let loops = Kind::ALL.map(|kind| self.clone().work(kind, notes.clone()));
        drop(notes);
        futures::future::join_all(loops).await;
    }

    async fn work(self, kind: Kind, notes: Notes) {
        let free = Arc::new(Semaphore::new(permits(kind)));
        let receivers = Receivers::default();
        let pulse = self.service.heartbeats.pulse(format!("the {} outbox worker", kind.as_str()), STUCK);
        while !self.stop.is_cancelled() {
            pulse.beat();
            // Get a permit before claiming: a claimed row's lease starts at once, so it must not wait for one.
            let permit = tokio::select! {
                () = self.stop.cancelled() => return,
                permit = free.clone().acquire_owned() => permit,
            };
            let Ok(permit) = permit else { return };
            let claimed = self.claim(kind, free.available_permits() + 1, &receivers).await;
            let claimed = claimed.unwrap_or_else(|error| {
                if !self.service.db.log_outage(&error) {
                    tracing::warn!(
                        error = storage::explain(&error),
                        kind = kind.as_str(),
                        "Could not read the outbox; retrying"
                    );
                }
                Claimed { claims: Vec::new(), at: self.service.now(), until: Instant::now(), more: false }
            });
            let (at, more) = (claimed.at, claimed.more);
            if claimed.claims.is_empty() {
                drop(permit);
            } else {
                let permits = std::iter::once(Some(permit))
                    .chain(std::iter::repeat_with(|| free.clone().try_acquire_owned().ok()));
                self.begin(claimed, permits, &receivers, &notes);
            }
            if !more {
                self.rest(kind, at, &pulse).await;
            }
        }
    }

    async fn claim(&self, kind: Kind, free: usize, receivers: &Receivers) -> Result<Claimed, sqlx::Error> {
        let mut db = self.service.db.acquire_with_kept_plans().await?;
        let (limit, at, until) = (free.min(MOST), self.service.now(), Instant::now() + LEASE);
        let lease = Lease { token: self.service.new_id(), until: at + LEASE };
        if kind == Kind::Callback {
            let rooms = receivers.rooms(free);
            let full: Vec<_> =
                rooms.listed.iter().filter(|(_, room)| **room == 0).map(|(receiver, _)| *receiver).collect();
            let limit = limit.min(MOST_CALLBACKS);
            let claims = claim::claim_callbacks(&mut db, number(limit), &full, at, lease).await?;
            let more = receivers.note_claim(&by_receiver(&claims), &rooms, limit) || !claims.is_empty();
            return Ok(Claimed { claims, at, until, more });
        }
        if kind != Kind::Webhook {
            let claims = claim::claim(&mut db, kind, number(limit), at, lease).await?;
            let more = !claims.is_empty();
            return Ok(Claimed { claims, at, until, more });
        }
        let rooms = receivers.rooms(free);
        let listed: Vec<_> =
            rooms.listed.iter().map(|(backend, room)| (BackendId::new(*backend), number(*room))).collect();
        let ClaimedWebhooks { claims, most } =
            claim::claim_webhooks(&mut db, number(limit), number(rooms.other), &listed, at, lease).await?;
        let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(limit);
        let more = receivers.note_claim(&by_receiver(&claims), &rooms, most) || claims.len() == limit;
        Ok(Claimed { claims, at, until, more })
    }

    /// Sleeps until a row is due, a notification arrives, or the poll interval is over. `at` is when rows were last
    /// claimed.
    async fn rest(&self, kind: Kind, at: DateTime<Utc>, pulse: &Pulse) {
        // Only rows due after the claim count. Those that were due but were not claimed wait for another attempt to end,
        // which wakes this loop.
        let due = match self.service.db.acquire_with_kept_plans().await {
            Ok(mut db) => claim::next_due(&mut db, kind, at).await.ok().flatten(),
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

    /// Prepares the rows of a claim together, and then delivers each in a task of its own.
    fn begin(
        &self,
        Claimed { claims, until, .. }: Claimed,
        permits: impl Iterator<Item = Option<OwnedSemaphorePermit>>,
        receivers: &Receivers,
        notes: &Notes,
    ) {
        let held: Vec<Held> = permits
            .zip(&claims)
            .map(|(permit, claim)| Held {
                permit,
                in_flight: claim.receiver.map(|receiver| receivers.begin(receiver)),
                until,
            })
            .collect();
        let (worker, notes) = (self.clone(), notes.clone());
        self.tasks.spawn(async move {
            let prepared = worker.deliver.prepare(&worker.service, &claims);
            let prepared = match AssertUnwindSafe(prepared).catch_unwind().await {
                Ok(Ok(prepared)) => prepared.into_iter().map(Some).collect(),
                Ok(Err(failure)) => {
                    if !worker.service.logged_outage(&failure) {
                    tracing::warn!(deliveries = claims.len(), %failure, "Could not read what to deliver; retrying");
                    }
                    claims.iter().map(|_| None).collect::<Vec<_>>()
                }
                Err(_) => {
                    // As a crash: the leases expire.
                    tracing::error!(deliveries = claims.len(), "Handler panicked");
                    return;
                }
            };
            for ((claim, prepared), held) in claims.into_iter().zip(prepared).zip(held) {
                worker.tasks.spawn(worker.clone().attempt(claim, prepared, held, notes.clone()));
            }
        });
    }

    /// Makes one attempt, and has the result recorded. `prepared` is `None` if what to deliver could not be read.
    async fn attempt(
        self,
        claim: Claim,
        prepared: Option<Result<D::Prepared, ServiceError>>,
        Held { permit, in_flight, until }: Held,
        notes: Notes,
    ) {
        let begun = Instant::now();
        // A panic is handled like a crash: the lease expires, and any worker may claim the row.
        let ended = AssertUnwindSafe(self.deliver_one(&claim, prepared)).catch_unwind().await;
        let pace = ended.as_ref().ok().and_then(|(outcome, _)| Pace::for_outcome(outcome, begun.elapsed()));
        if in_flight.is_some_and(|in_flight| in_flight.end(pace)) {
            self.wakers.for_kind(claim.kind).notify_one();
        }
        match ended {
            Ok((_, attempt)) => {
                // Fails only if the noter is gone, in which case the lease expires.
                let _ = notes.send(Ended { claim, attempt, until, _permit: permit });
            }
            Err(_) => {
                tracing::error!(delivery = %claim.id, kind = claim.kind.as_str(), "Handler panicked");
            }
        }
    }

    #[tracing::instrument(name = "deliver", skip_all, fields(
        delivery = %claim.id,
        kind = claim.kind.as_str(),
        workspace = %claim.workspace,
        approval = claim.approval.map(tracing::field::display),
        backend = claim.backend.map(tracing::field::display),
        user = claim.user.as_ref().map(tracing::field::display),
    ))]
    async fn deliver_one(
        &self,
        claim: &Claim,
        prepared: Option<Result<D::Prepared, ServiceError>>,
    ) -> (Outcome, Attempt) {
        let started_at = self.service.now();
        let delivered = async {
            match prepared {
                Some(prepared) => self.deliver.deliver(&self.service, claim, prepared?).await,
                None => Ok(Outcome::Wait(INTERNAL)),
            }
        };
        let outcome = match tokio::time::timeout(LIMIT, delivered).await {
            Ok(Ok(outcome)) => outcome,
            // An internal error must not use up the attempts of the receiver.
            Ok(Err(failure)) => {
                log_failure(claim, &failure);
                Outcome::Wait(if failure.corrupt_row().is_some() { UNREADABLE } else { INTERNAL })
            }
            Err(_) => Outcome::Failed { why: "timed out after 45 s".to_owned(), status: None, after: None },
        };
        let now = self.service.now();
        let next = schedule::next(claim.kind, claim.attempts, &outcome, self.service.entropy.fraction());
        let attempt = note(&outcome, next, started_at, now);
        log(claim, &attempt, outcome.slack_code());
        (outcome, attempt)
    }
}

/// What a row in progress holds.
struct Held {
    permit: Option<OwnedSemaphorePermit>,
    in_flight: Option<InFlight>,
    until: Instant,
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

/// How many rows were claimed for each receiver.
fn by_receiver(claims: &[Claim]) -> HashMap<Uuid, usize> {
    let mut taken = HashMap::new();
    for receiver in claims.iter().filter_map(|claim| claim.receiver) {
        *taken.entry(receiver).or_default() += 1;
    }
    taken
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
