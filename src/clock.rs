//! What time it is, and waiting: given to every part as a value, so that a test moves time instead of sleeping.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

/// A source of time. Cheap to clone; clones of a manual clock move together.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    /// Error of [`Clock::wall`], in microseconds; set by tests.
    error: Arc<AtomicI64>,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<watch::Sender<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { source: Source::System, error: Arc::default() }
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self { source: Source::Manual(Arc::new(watch::Sender::new(start))), error: Arc::default() }
    }

    /// The time, in whole microseconds: what Postgres can store, so that what is read back compares equal.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.source {
            Source::System => self.wall(),
            Source::Manual(time) => *time.borrow(),
        };
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// Time of the machine's own clock, even if this one is manual: for comparison with other machines' clocks.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
    pub fn wall(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::microseconds(self.error.load(Ordering::Relaxed))
    }

    /// Makes the machine's clock wrong by this much.
    pub fn set_wall_error(&self, error: TimeDelta) {
        self.error.store(error.num_microseconds().unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Moves a manual clock forward. The machine's clock can't be moved, and stays as it is.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Manual(time) = &self.source {
            time.send_modify(|now| *now += by);
        }
    }

    /// Waits until it is `at`.
    pub async fn sleep_until(&self, at: DateTime<Utc>) {
        match &self.source {
            Source::System => {
                let wait = (at - self.now()).to_std().unwrap_or(Duration::ZERO);
                tokio::time::sleep(wait).await;
            }
            Source::Manual(time) => {
                // The sender lives in `self`, so the channel can't be closed while this waits.
                let _ = time.subscribe().wait_for(|now| *now >= at).await;
            }
        }
    }

    /// Waits for this long.
    pub async fn sleep(&self, wait: TimeDelta) {
        self.sleep_until(self.now() + wait).await;
    }
}
