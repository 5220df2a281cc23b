//! Replaces tokens before they expire, so that calls rarely wait for an exchange.

use std::time::Duration;

use chrono::TimeDelta;
use futures::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use crate::{
    service::{Service, tokens},
    slack::web_api::tokens::TokenStore,
};

/// How long before its expiry a token is replaced.
const EARLY: TimeDelta = TimeDelta::hours(1);
/// The pause between two runs.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// How many tokens are exchanged concurrently.
const AT_ONCE: usize = 4;
/// Longest time without progress. One exchange takes less.
const STUCK: Duration = Duration::from_mins(2);

/// Replaces tokens until `stop`.
pub async fn run(service: Service, store: TokenStore, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the token refresh", STUCK);
    loop {
        pulse.beat();
        let until = service.now() + EARLY;
        match tokens::due(&service, until).await {
            Ok(due) => {
                let (store, pulse) = (&store, &pulse);
                let refresh = async |slack_id: String| {
                    if !stop.is_cancelled() {
                        store.refresh_early(&slack_id, until).await;
                        pulse.beat();
                    }
                };
                stream::iter(due).for_each_concurrent(AT_ONCE, refresh).await;
            }
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not read which tokens expire soon; retrying in a minute");
                }
            }
        }
        pulse.rest();
        tokio::select! {
            () = stop.cancelled() => break,
            () = service.clock.sleep(PAUSE) => {}
        }
    }
    pulse.finish();
}
