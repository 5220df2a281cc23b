//! What time does by itself: approvals run out, those that can't be shown any more end, silent conversations lose their
//! grants, and what is long done is
//! forgotten.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::repeats::REMEMBERED,
    heartbeat::Pulse,
    service::{Service, ServiceError, end_silent, expire, key_uses, leave},
    storage,
};

/// How often it looks, whatever the clock says.
const POLL: Duration = Duration::from_secs(1);
/// The shortest pause between two looks.
const BREATH: Duration = Duration::from_millis(50);
/// How long rows of the outbox that are done stay.
const KEPT: TimeDelta = TimeDelta::days(7);
/// How often the old ones are deleted, and silent conversations looked for.
const SWEEPING: TimeDelta = TimeDelta::hours(1);
/// How long events stay: longer than Slack repeats them.
const EVENTS_KEPT: TimeDelta = TimeDelta::days(3);
/// How long a user's last known membership is kept, to draw their Home tab while Slack does not answer.
const PROFILES_KEPT: TimeDelta = TimeDelta::days(7);
/// How often it looks for approvals that wait where the app was removed. They end when it is: this makes up for a
/// process that died in between.
const LEAVING: TimeDelta = TimeDelta::seconds(10);

/// How often it is measured how far the audit export lags.
const MEASURING: TimeDelta = TimeDelta::seconds(10);
/// Longest time without progress. Ending all that waited in one workspace is the longest step.
const STUCK: Duration = Duration::from_mins(2);

/// Keeps house until it is told to stop.
pub async fn run(service: Service, stop: CancellationToken) {
    let mut leave_at = service.now();
    let mut sweep_at = service.now();
    let mut uses_at = service.now() + key_uses::INTERVAL;
    let mut measure_at = service.now();
    let pulse = service.heartbeats.pulse("housekeeping", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        match expire::expire(&service).await {
            Ok(0) => {}
            Ok(count) => {
                metrics::counter!("countersign_expired_total").increment(count as u64);
                continue;
            }
            Err(failure) => {
                tracing::warn!(%failure, "Expiry check failed; retrying");
            }
        }
        if service.now() >= sweep_at {
            match sweep(&service, &pulse).await {
                Ok(()) => sweep_at = service.now() + SWEEPING,
                Err(failure) => {
                    tracing::warn!(%failure, "Cleanup failed; retrying");
                }
            }
        }
        pulse.beat();
        if service.now() >= measure_at {
            match measure(&service).await {
                Ok(()) => measure_at = service.now() + MEASURING,
                Err(failure) => {
                    tracing::warn!(%failure, "Could not measure how far the audit export lags");
                }
            }
        }
        if service.now() >= leave_at {
            match leave::end_all(&service).await {
                Ok(_) => leave_at = service.now() + LEAVING,
                Err(failure) => {
                    tracing::warn!(%failure, "Could not end the approvals of a removed app; retrying");
                }
            }
        }
        if service.now() >= uses_at {
            save_key_uses(&service).await;
            uses_at = service.now() + key_uses::INTERVAL;
        }
        pulse.beat();
        tokio::select! {
            () = stop.cancelled() => {}
            () = rest(&service, &pulse) => {}
        }
    }
    // Those of the last minute.
    save_key_uses(&service).await;
}

async fn save_key_uses(service: &Service) {
    if let Err(failure) = key_uses::save(service).await {
        tracing::warn!(%failure, "Could not save when API keys were last used; retrying in a minute");
    }
}

/// Says how far the audit export lags behind what is written.
#[tracing::instrument(name = "measure_audit_lag", skip_all)]
async fn measure(service: &Service) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    let horizon = storage::read_models::audit_horizon::read(&mut db).await?;
    let oldest = storage::tables::audit::oldest_withheld(&mut db, horizon).await?;
    let lag = oldest.map_or(0.0, |at| (service.now() - at).as_seconds_f64().max(0.0));
    metrics::gauge!("countersign_audit_export_lag_seconds").set(lag);
    Ok(())
}

async fn rest(service: &Service, pulse: &Pulse) {
    let next = match service.db.acquire().await {
        Ok(mut db) => {
            let except = service.unreadable.at(service.now());
            storage::tables::approvals::next_expiry(&mut db, &except).await.ok().flatten()
        }
        Err(_) => None,
    };
    pulse.rest();
    tokio::time::sleep(BREATH).await;
    let until_next = async {
        match next {
            Some(next) => service.clock.sleep_until(next).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = until_next => {}
        () = tokio::time::sleep(POLL) => {}
    }
}

#[tracing::instrument(name = "clean_up", skip_all)]
async fn sweep(service: &Service, pulse: &Pulse) -> Result<(), ServiceError> {
    while end_silent::end(service).await? > 0 {
        pulse.beat();
    }
    let mut db = service.db.acquire().await?;
    while storage::tables::outbox::prune(&mut db, service.now() - KEPT).await? == 1000 {
        pulse.beat();
    }
    while storage::tables::events::prune(&mut db, service.now() - EVENTS_KEPT).await? == 1000 {
        pulse.beat();
    }
    while storage::tables::install_states::prune(&mut db, service.now()).await? == 1000 {
        pulse.beat();
    }
    while storage::tables::repeats::prune(&mut db, service.now() - REMEMBERED).await? == 1000 {
        pulse.beat();
    }
    while storage::tables::profiles::prune(&mut db, service.now() - PROFILES_KEPT).await? == 1000 {
        pulse.beat();
    }
    Ok(())
}
