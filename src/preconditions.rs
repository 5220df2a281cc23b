//! The preconditions of an instance. If one is not met, the instance does not start; if one fails later, the instance
//! stops working until it is met again.
//!
//! Every time that is stored and compared (expiry, a grant's end, a key's revocation) comes from the instance that
//! writes it. An instance with a wrong clock would therefore end approvals early or honour what was revoked. Postgres'
//! clock is the reference that all instances share.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    service::{Service, ServiceError},
    storage::{self, NOT_MIGRATED},
};

/// The reason given until Postgres has answered once.
pub const NOT_YET: &str = "Postgres has not answered yet.";
/// Largest difference between this machine's clock and Postgres'.
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(5);
/// How often the clocks are compared.
const EVERY: TimeDelta = TimeDelta::minutes(1);
/// How often everything is checked while a precondition is not met.
const AGAIN: Duration = Duration::from_secs(1);
/// How long the same unmet precondition is not logged again.
const LOG_AGAIN: Duration = Duration::from_mins(1);
/// Longest duration of one check, before `/readyz` reports it as stuck.
const STUCK: Duration = Duration::from_mins(1);

/// The precondition that is not met.
#[derive(Debug, thiserror::Error)]
pub enum Unmet {
    /// The clocks differ.
    #[error(
        "This machine's clock is {} s {} Postgres'. Synchronise both (NTP): they may differ by 5 s at most.",
        .ahead.num_seconds().abs(), if *.ahead > TimeDelta::zero() { "ahead of" } else { "behind" }
    )]
    Clock {
        /// How far this machine's clock is ahead.
        ahead: TimeDelta,
    },
    /// Transactions of one connection run in several sessions.
    #[error(
        "DATABASE_URL leads to a connection pooler that gives every transaction another session (PgBouncer: pool_mode = transaction or statement), where notifications and prepared statements are lost. Use pool_mode = session, or connect to Postgres directly."
    )]
    TransactionPooling,
    /// The schema is missing, or older than this program.
    #[error("{NOT_MIGRATED}")]
    NotMigrated,
    /// The check failed.
    #[error("{0}")]
    Unknown(#[from] ServiceError),
}

impl Unmet {
    /// Whether an instance may start, and wait until this is met: no setting of this machine has to change for that.
    #[must_use]
    pub const fn may_be_waited_for(&self) -> bool {
        matches!(self, Self::NotMigrated | Self::Unknown(_))
    }

    /// Why this instance refuses requests. Any client can read it, so it names neither hosts nor users.
    #[must_use]
    pub fn for_clients(&self) -> String {
        match self {
            Self::Unknown(_) => NOT_YET.to_owned(),
            unmet => unmet.to_string(),
        }
    }

    /// Logs it, once for all loops that it stops.
    pub fn log(&self) {
        match self {
            Self::NotMigrated => tracing::error!("{NOT_MIGRATED}"),
            Self::Unknown(failure) => tracing::error!(%failure, "Could not use Postgres yet; retrying"),
            unmet => tracing::error!(%unmet, "Instance suspended"),
        }
    }
}

/// How far this machine's clock is ahead of Postgres', and the possible error of that measurement.
pub async fn clock_offset(service: &Service) -> Result<(TimeDelta, TimeDelta), ServiceError> {
    let mut db = service.db.acquire_for_checks().await?;
    let (sent_at, sent) = (service.clock.wall(), tokio::time::Instant::now());
    let theirs = storage::time(&mut db).await?;
    // Postgres read its clock at some point between sending and receiving: take the middle, and half the time as the
    // error.
    let half = TimeDelta::from_std(sent.elapsed() / 2).unwrap_or(TimeDelta::MAX);
    Ok((sent_at + half - theirs, half))
}

async fn check_clock(service: &Service) -> Result<(), Unmet> {
    let (ahead, uncertainty) = clock_offset(service).await?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of an offset that fits")]
    metrics::gauge!("countersign_clock_offset_seconds").set(ahead.num_milliseconds() as f64 / 1000.0);
    if ahead.abs() > TOLERANCE + uncertainty { Err(Unmet::Clock { ahead }) } else { Ok(()) }
}

/// Checks everything.
pub async fn check(service: &Service) -> Result<(), Unmet> {
    if service.db.shares_sessions().await.map_err(ServiceError::from)? {
        return Err(Unmet::TransactionPooling);
    }
    check_clock(service).await?;
    let mut db = service.db.acquire_for_checks().await.map_err(ServiceError::from)?;
    let is_migrated = storage::is_migrated(&mut db).await.map_err(ServiceError::from)?;
    if is_migrated { Ok(()) } else { Err(Unmet::NotMigrated) }
}

/// Repeats the checks until `stop`. `unmet`: what was not met at the start. It was logged.
pub async fn watch(service: Service, unmet: Option<Unmet>, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the clock check", STUCK);
    let mut met = unmet.is_none();
    let mut logged = unmet.map(|unmet| (unmet.to_string(), Instant::now()));
    loop {
        pulse.rest();
        tokio::select! {
            () = stop.cancelled() => return,
            () = service.clock.sleep(EVERY), if met => {}
            () = tokio::time::sleep(AGAIN), if !met => {}
        }
        pulse.beat();
        // A pooler can't appear while an instance runs, so a working one only checks the clock.
        let checked = if met { check_clock(&service).await } else { check(&service).await };
        match checked {
            Ok(()) if !met => {
                met = true;
                logged = None;
                let _ = service.db.resume();
                tracing::info!("Instance ready: Postgres answers and the clocks agree");
            }
            Ok(()) => {}
            // Without the database nothing works anyway, so the last result stands.
            Err(Unmet::Unknown(failure)) if met => {
                tracing::warn!(%failure, "Clock check failed");
            }
            Err(unmet) => {
                service.db.suspend(unmet.for_clients());
                let reason = unmet.to_string();
                let known =
                    logged.as_ref().is_some_and(|(last, at)| *last == reason && at.elapsed() < LOG_AGAIN);
                if !known {
                    unmet.log();
                    logged = Some((reason, Instant::now()));
                }
                met = false;
            }
        }
    }
}
