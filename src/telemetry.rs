//! Logs and metrics.

use std::{io::IsTerminal as _, time::Duration};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How often measurements are aggregated into the summaries. Until then each one is kept in memory.
pub const UPKEEP: Duration = Duration::from_secs(5);

/// Starts logging to standard error: readable lines on a terminal, JSON otherwise. `RUST_LOG` filters it.
pub fn start_logging() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,hyper=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call, as in tests, keeps the first subscriber.
    let _ = if std::io::stderr().is_terminal() { builder.try_init() } else { builder.json().try_init() };
}

/// The Prometheus text of all metrics, for `/metrics`.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    // A process has one recorder, which serves every instance in it, as in tests. Concurrent calls wait until it is
    // installed.
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            let _ = metrics::set_global_recorder(recorder);
            handle
        })
        .clone()
}

/// Aggregates measurements until `stop`. Otherwise they would accumulate when no client reads `/metrics`.
pub async fn keep_up(upkeep: impl Fn(), every: Duration, stop: CancellationToken) {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = interval.tick() => upkeep(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn upkeep_is_done_again_and_again_until_the_end() {
        let (done, stop) = (AtomicU32::new(0), CancellationToken::new());
        let upkeep = || {
            if done.fetch_add(1, Ordering::Relaxed) == 2 {
                stop.cancel();
            }
        };
        keep_up(upkeep, Duration::from_millis(1), stop.clone()).await;
        assert_eq!(done.load(Ordering::Relaxed), 3);
    }
}
