//! The connections of one process.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::Connection as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

use crate::storage::db::{
    connect_error::ConnectError, error_class::ErrorClass, hosts::Hosts, limits::Limits, plans::Plans,
};

/// How long a connection may be idle before the pool checks that it still works.
const RESTED: Duration = Duration::from_secs(1);
/// How long that check may take. It leaves time to open another connection.
const PING: Duration = Duration::from_millis(500);
/// How long an unused connection stays open.
const IDLE: Duration = Duration::from_mins(10);
/// How old a connection becomes, so that a server's memory for it is freed and load moves to new hosts.
const OLDEST: Duration = Duration::from_mins(30);
/// How long those who hold connections may take to give them back when the pool is closed.
const CLOSING: Duration = Duration::from_secs(5);
/// How long an outage is not logged again.
const LOG_AGAIN: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) hosts: Hosts,
    pub(super) limits: Limits,
    size: u32,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    /// When one was last lost: whichever was used last before has to prove that it works.
    distrusted_at: Mutex<Option<Instant>>,
    suspended: Mutex<Option<String>>,
    refuses_writes: AtomicBool,
    /// When an outage was last logged.
    outage_logged_at: Mutex<Option<Instant>>,
}

/// An open connection.
pub(super) struct Live {
    pub(super) raw: sqlx::PgConnection,
    /// How its session plans.
    pub(super) plans: Plans,
    pub(super) opened_at: Instant,
}

struct Idle {
    live: Live,
    since: Instant,
}

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idle").field("since", &self.since).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(super) fn new(hosts: Hosts, size: u32, limits: Limits) -> Self {
        Self {
            hosts,
            limits,
            size,
            permits: Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(1))),
            idle: Mutex::default(),
            distrusted_at: Mutex::default(),
            suspended: Mutex::default(),
            refuses_writes: AtomicBool::new(false),
            outage_logged_at: Mutex::default(),
        }
    }

    /// A connection that works, or a new one: if possible one whose session plans like this.
    pub(super) async fn get(&self, plans: Plans) -> Result<(Live, OwnedSemaphorePermit), ConnectError> {
        let deadline = Instant::now() + self.limits.acquire;
        let all_in_use = || ConnectError::AllInUse { size: self.size };
        let permit = timeout_at(deadline, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| all_in_use())?
            .map_err(|_| ConnectError::Suspended("The connections to Postgres are closed.".to_owned()))?;
        while let Some(Idle { mut live, since }) = self.pop(plans) {
            let distrusted = lock(&self.distrusted_at).is_some_and(|at| since <= at);
            if !distrusted && since.elapsed() < RESTED {
                return Ok((live, permit));
            }
            match timeout(PING, live.raw.ping()).await {
                Ok(Ok(())) => return Ok((live, permit)),
                // The server closed it.
                Ok(Err(_)) => self.distrust(),
                // A connection that is silent was most likely dropped on the way, and the others with it. There is no
                // time to ask each.
                Err(_) => self.clear(),
            }
        }
        // Boxed: seldom needed, and large, and part of every use case's future.
        let raw = Box::pin(self.connect(deadline)).await?;
        Ok((Live { raw, plans: Plans::default(), opened_at: Instant::now() }, permit))
    }

    /// Opens one, trying again while the server starts or is full for a moment. What it said last is the reason.
    async fn connect(&self, deadline: Instant) -> Result<sqlx::PgConnection, ConnectError> {
        let mut pause = Duration::from_millis(10);
        loop {
            let error = match self.hosts.connect(self.limits, deadline).await {
                Ok(raw) => return Ok(raw),
                Err(error) => error,
            };
            if !error.may_pass_soon() || Instant::now() + pause >= deadline {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(300));
        }
    }

    /// The connection that was used last, so that those which are not needed grow old. Preferably one whose session plans
    /// like this, because to change that takes a round trip.
    fn pop(&self, plans: Plans) -> Option<Idle> {
        let mut idle = lock(&self.idle);
        idle.retain(|one| one.since.elapsed() < IDLE && one.live.opened_at.elapsed() < OLDEST);
        let alike = idle.iter().rposition(|one| one.live.plans == plans);
        alike.map(|place| idle.remove(place)).or_else(|| idle.pop())
    }

    /// Takes one back.
    pub(super) fn put(&self, live: Live) {
        if !self.permits.is_closed() {
            lock(&self.idle).push(Idle { live, since: Instant::now() });
        }
    }

    /// Has every connection that is idle now prove that it works.
    pub(super) fn distrust(&self) {
        *lock(&self.distrusted_at) = Some(Instant::now());
    }

    /// Closes every idle connection.
    pub(super) fn clear(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        drop(idle);
    }

    /// A write was refused.
    pub(super) fn note_refused_write(&self, class: ErrorClass) {
        if !self.refuses_writes.swap(true, Ordering::Relaxed) {
            tracing::error!(?class, "Postgres accepts no writes; not ready until it does");
        }
    }

    pub(super) fn refuses_writes(&self) -> bool {
        self.refuses_writes.load(Ordering::Relaxed)
    }

    /// A write was seen to succeed.
    pub(super) fn note_write(&self) {
        self.refuses_writes.store(false, Ordering::Relaxed);
    }

    /// Logs that Postgres can't be used, once a minute for everything that notices.
    pub(super) fn log_outage(&self, reason: &str) {
        let mut logged_at = lock(&self.outage_logged_at);
        if logged_at.is_none_or(|at| at.elapsed() >= LOG_AGAIN) {
            *logged_at = Some(Instant::now());
            tracing::error!(reason, "Could not use Postgres; retrying");
        }
    }

    pub(super) fn suspend(&self, why: String) {
        *lock(&self.suspended) = Some(why);
    }

    pub(super) fn resume(&self) -> bool {
        lock(&self.suspended).take().is_some()
    }

    pub(super) fn suspension(&self) -> Option<String> {
        lock(&self.suspended).clone()
    }

    /// Closes all connections, once those who hold them have given them back.
    pub(super) async fn close(&self) {
        let _ = timeout(CLOSING, self.permits.acquire_many(self.size)).await;
        self.permits.close();
        let idle = std::mem::take(&mut *lock(&self.idle));
        for Idle { live, .. } in idle {
            let _ = timeout(PING, live.raw.close()).await;
        }
    }
}
