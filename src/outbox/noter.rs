//! Records the results of attempts, many in one transaction. Attempts that end while one is under way form the next.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::Instant,
};
use tokio_util::task::TaskTracker;

use crate::{
    domain::{
        effects::Redraw,
        homes::Urgency,
        ids::{BackendId, DeliveryId, WorkspaceId},
    },
    heartbeat::Pulse,
    outbox::{Claim, Kind, listener::Wakers},
    service::{ErrorClass, Service, ServiceError, classify},
    storage::statements::finish::{self, Attempt, Ending},
};

/// The most attempts that one transaction records.
const MOST: usize = 256;
/// Pause before the database is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the Home tab's time of the last delivery is updated while all goes well.
const SHOWN: TimeDelta = TimeDelta::minutes(1);

/// An attempt that ended, and is to be recorded.
#[derive(Debug)]
pub(super) struct Ended {
    /// The row.
    pub(super) claim: Claim,
    /// How the attempt ended.
    pub(super) attempt: Attempt,
    /// When the lease has expired, so that there is nothing left to record.
    pub(super) until: Instant,
    /// Held until the result is recorded, so that a slow database slows down claims.
    pub(super) _permit: Option<OwnedSemaphorePermit>,
}

/// Where attempts are sent to be recorded. The noter ends once all of these are dropped.
pub(super) type Notes = mpsc::UnboundedSender<Ended>;

/// Records what [`Notes`] receive.
#[derive(Debug)]
pub(super) struct Noter {
    service: Service,
    wakers: Wakers,
    tasks: TaskTracker,
    news: HomeNews,
    /// The Home tabs to update with the next batch.
    homes: HashMap<WorkspaceId, Urgency>,
}

impl Noter {
    /// Starts a noter. It runs until all [`Notes`] are dropped and everything they sent is recorded.
    pub(super) fn start(service: &Service, wakers: &Wakers, tasks: &TaskTracker, pulse: Pulse) -> Notes {
        let (notes, ended) = mpsc::unbounded_channel();
        let this = Self {
            service: service.clone(),
            wakers: wakers.clone(),
            tasks: tasks.clone(),
            news: HomeNews::default(),
            homes: HashMap::new(),
        };
        tasks.spawn(this.run(ended, pulse));
        notes
    }

    async fn run(mut self, mut ended: mpsc::UnboundedReceiver<Ended>, pulse: Pulse) {
        let mut batch = Vec::new();
        loop {
            pulse.rest();
            let begun = batch.len();
            if batch.is_empty() && ended.recv_many(&mut batch, MOST).await == 0 {
                return pulse.finish();
            }
            while batch.len() < MOST
                && let Ok(more) = ended.try_recv()
            {
                batch.push(more);
            }
            self.news.add(&batch[begun..], self.service.now(), &mut self.homes);
            pulse.beat();
            batch = self.note(batch).await;
            if !batch.is_empty() {
                tokio::time::sleep(PAUSE).await;
                batch.retain(Ended::is_leased);
            }
        }
    }

    /// Records a batch. Returns the attempts to try again: all of them, if the database is unavailable.
    async fn note(&mut self, batch: Vec<Ended>) -> Vec<Ended> {
        match finish_all(&self.service, &batch, &self.homes).await {
            Ok(finished) => {
                self.homes.clear();
                let mut kinds = Kind::ALL.map(|kind| (kind, false));
                for ended in batch {
                    if let Some((_, wake)) = kinds.iter_mut().find(|(kind, _)| *kind == ended.claim.kind) {
                        *wake = true;
                    }
                    if !finished.contains(&ended.claim.id) {
                        // Either the lease is lost, or another transaction has locked the row.
                        self.note_alone(ended);
                    }
                }
                // The next rows of the same queues may be due.
                for (kind, _) in kinds.into_iter().filter(|(_, wake)| *wake) {
                    self.wakers.for_kind(kind).notify_one();
                }
                Vec::new()
            }
            Err(failure) if is_unavailable(&failure) => {
                if !self.service.logged_outage(&failure) {
                    tracing::warn!(attempts = batch.len(), %failure, "Could not record attempts; retrying");
                }
                batch
            }
            Err(failure) => {
                tracing::warn!(attempts = batch.len(), %failure, "Could not record attempts together; recording each \
                    separately");
                self.homes.clear();
                for ended in batch {
                    self.note_alone(ended);
                }
                Vec::new()
            }
        }
    }

    /// Records one attempt on its own, until its lease has expired.
    fn note_alone(&self, ended: Ended) {
        let (service, wakers) = (self.service.clone(), self.wakers.clone());
        self.tasks.spawn(async move {
            let (delivery, kind) = (ended.claim.id, ended.claim.kind);
            while ended.is_leased() {
                match finish_one(&service, &ended).await {
                    Ok(true) => return wakers.for_kind(kind).notify_one(),
                    Ok(false) => {
                        tracing::warn!(%delivery, kind = kind.as_str(), "Lease lost; another worker has taken over");
                        return;
                    }
                    Err(failure) if service.logged_outage(&failure) => {}
                    Err(failure) => {
                        tracing::warn!(%delivery, %failure, "Could not record an attempt; retrying");
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}

impl Ended {
    fn is_leased(&self) -> bool {
        let leased = Instant::now() < self.until;
        if !leased {
            tracing::warn!(delivery = %self.claim.id, kind = self.claim.kind.as_str(), "Could not record an attempt \
                before its lease expired; it will be repeated");
        }
        leased
    }
}

/// Whether nothing can be recorded at the moment, whatever it is.
fn is_unavailable(failure: &ServiceError) -> bool {
    let (ServiceError::Database(error) | ServiceError::Unclear(error)) = failure else { return false };
    matches!(classify(error), ErrorClass::Unreachable | ErrorClass::ReadOnly | ErrorClass::Full)
}

async fn finish_all(
    service: &Service,
    batch: &[Ended],
    homes: &HashMap<WorkspaceId, Urgency>,
) -> Result<HashSet<DeliveryId>, ServiceError> {
    let pairs: Vec<(&Claim, &Attempt)> = batch.iter().map(|ended| (&ended.claim, &ended.attempt)).collect();
    let now = service.now();
    if homes.is_empty() {
        let mut db = service.db.acquire_with_kept_plans().await?;
        return Ok(finish::finish_all(&mut db, &pairs, now).await?);
    }
    let mut work = service.begin_with_kept_plans().await?;
    let finished = finish::finish_all(&mut work, &pairs, now).await?;
    for (workspace, urgency) in homes {
        work.redraw(Redraw::admins_homes(*workspace, *urgency));
    }
    work.commit().await?;
    Ok(finished)
}

/// Records one attempt. This is rare, so the Home tabs are updated in any case.
async fn finish_one(service: &Service, Ended { claim, attempt, .. }: &Ended) -> Result<bool, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let held = finish::finish(&mut work, claim, attempt, now).await?;
    if claim.kind == Kind::Webhook {
        work.redraw(Redraw::admins_homes(claim.workspace, Urgency::Soon));
    }
    work.commit().await?;
    Ok(held)
}

/// What the admins' Home tabs were last told about each endpoint by this instance.
#[derive(Debug, Default)]
struct HomeNews(HashMap<BackendId, Told>);

#[derive(Debug, Clone, Copy)]
struct Told {
    works: bool,
    at: DateTime<Utc>,
}

impl HomeNews {
    /// Adds the workspaces whose admins' Home tabs change by these attempts, and how soon to update them.
    fn add(&mut self, batch: &[Ended], now: DateTime<Utc>, homes: &mut HashMap<WorkspaceId, Urgency>) {
        for Ended { claim, attempt, .. } in batch {
            // A callback says nothing about the endpoint.
            let backend = claim.backend.filter(|_| claim.kind == Kind::Webhook);
            let news = backend.and_then(|backend| self.note(backend, &attempt.ending, claim.attempts, now));
            if let Some(urgency) = news
                && homes.get(&claim.workspace) != Some(&Urgency::Now)
            {
                homes.insert(claim.workspace, urgency);
            }
        }
    }

    /// How soon the Home tabs must show how an attempt ended, after `tries` earlier ones. They show whether the endpoint
    /// works, how many deliveries are retried or given up, and when the last one succeeded. At once if the endpoint
    /// begins to fail, recovers, or a delivery is given up; within seconds if the number changes; the time of the last
    /// delivery once a minute.
    fn note(
        &mut self,
        backend: BackendId,
        ending: &Ending,
        tries: i32,
        now: DateTime<Utc>,
    ) -> Option<Urgency> {
        let (works, counted) = match ending {
            Ending::Later { counts: false, .. } => return None,
            Ending::Later { counts: true, .. } => (false, tries == 0),
            Ending::Dead => (false, true),
            Ending::Done => (true, tries > 0),
        };
        let told = self.0.get(&backend);
        let changed = told.map_or(!works || counted, |told| told.works != works);
        let urgency = if changed || matches!(ending, Ending::Dead) {
            Urgency::Now
        } else if counted || (works && told.is_none_or(|told| now - told.at >= SHOWN)) {
            Urgency::Soon
        } else {
            return None;
        };
        self.0.insert(backend, Told { works, at: now });
        Some(urgency)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn home_tabs_change_with_the_health_and_the_counts_of_an_endpoint() {
        let (mut news, backend) = (HomeNews::default(), BackendId::new(Uuid::from_u128(1)));
        let start = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (done, dead) = (Ending::Done, Ending::Dead);
        let later = |counts| Ending::Later { at: start, counts };
        let mut told = |seconds, ending: &Ending, tries| {
            news.note(backend, ending, tries, start + TimeDelta::seconds(seconds))
        };
        assert_eq!(told(0, &done, 0), Some(Urgency::Soon), "the first delivery");
        assert_eq!(told(1, &done, 0), None);
        assert_eq!(told(59, &done, 0), None);
        assert_eq!(told(60, &done, 0), Some(Urgency::Soon), "the time of the last delivery");
        assert_eq!(told(61, &later(false), 0), None, "an internal error");
        assert_eq!(told(61, &later(true), 0), Some(Urgency::Now), "it begins to fail");
        assert_eq!(told(62, &later(true), 0), Some(Urgency::Soon), "one more is retried");
        assert_eq!(told(63, &later(true), 1), None, "as many are");
        assert_eq!(told(64, &dead, 7), Some(Urgency::Now));
        assert_eq!(told(65, &done, 1), Some(Urgency::Now), "it recovers");
        assert_eq!(told(66, &done, 1), Some(Urgency::Soon), "one less is retried");
        assert_eq!(told(67, &done, 0), None);
    }
}
