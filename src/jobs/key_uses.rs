//! Saves when each API key was last used, and which agents asked.

use tokio_util::sync::CancellationToken;

use crate::{
    jobs::periodic::{self, STUCK},
    service::{Service, agents_seen, key_uses},
};

/// Saves the times every minute until `stop`, and once more after it.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the saving of key uses", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        save(&service).await;
        // A failure is not urgent: the times stay in memory for the next run.
        periodic::rest(&service, &pulse, &stop, key_uses::INTERVAL, true).await;
    }
    // The uses since the last interval would otherwise be lost.
    save(&service).await;
}

async fn save(service: &Service) {
    if let Err(failure) = agents_seen::save(service).await
        && !service.logged_outage(&failure)
    {
        tracing::warn!(%failure, "Could not save which agents asked; retrying in a minute");
    }
    if let Err(failure) = key_uses::save(service).await
        && !service.logged_outage(&failure)
    {
        tracing::warn!(%failure, "Could not save when API keys were last used; retrying in a minute");
    }
}
