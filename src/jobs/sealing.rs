//! Seals the audit: numbers and hashes committed entries, signs a checkpoint, and copies it all to a directory.

use std::{path::PathBuf, sync::Arc};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    heartbeat::Pulse,
    jobs::{
        log_export::{self, ExportError},
        periodic::{self, STUCK},
    },
    service::{Service, sealing, signing::SigningKeys},
};

const INTERVAL: TimeDelta = TimeDelta::seconds(3);

/// What the job needs.
#[derive(Debug)]
pub struct Sealing {
    /// The use cases.
    pub service: Service,
    /// The keys that sign checkpoints.
    pub keys: Arc<dyn SigningKeys>,
    /// The service's address, which names the log.
    pub address: Arc<str>,
    /// Where the log is copied to.
    pub directory: Option<PathBuf>,
}

/// Seals every 3 seconds until `stop`.
pub async fn run(job: Sealing, stop: CancellationToken) {
    let pulse = job.service.heartbeats.pulse("the sealing of the audit", STUCK);
    // The last failure that was logged: a directory that can't be written to may stay so for hours.
    let mut logged = String::new();
    while !stop.is_cancelled() {
        pulse.beat();
        let round = job.round(&pulse, &stop).await;
        metrics::gauge!("countersign_audit_log_failing").set(if round.is_ok() { 0.0 } else { 1.0 });
        match round {
            Ok(()) => logged.clear(),
            Err(ExportError::Service(failure)) if job.service.logged_outage(&failure) => {}
            Err(failure) => {
                let text = failure.to_string();
                if text != logged {
                    tracing::error!(failure = text, "Could not seal the audit; retrying");
                    logged = text;
                }
            }
        }
        periodic::rest(&job.service, &pulse, &stop, INTERVAL, true).await;
    }
}

impl Sealing {
    async fn round(&self, pulse: &Pulse, stop: &CancellationToken) -> Result<(), ExportError> {
        let service = &self.service;
        while sealing::seal(service, &self.address).await?.is_behind && !stop.is_cancelled() {
            pulse.beat();
        }
        let Some(origin) = sealing::origin(service).await? else { return Ok(()) };
        let Some(directory) = &self.directory else {
            sealing::sign(service, &*self.keys).await?;
            return Ok(());
        };
        let last = sealing::last_checkpoint(service).await?;
        let target = match log_export::open(service, directory, last.as_ref(), &origin).await {
            Ok(target) => target,
            // Another instance with the same directory compares, signs and copies.
            Err(ExportError::Write(crate::log_files::write::WriteError::Busy(_))) => return Ok(()),
            Err(failure) => return Err(failure),
        };
        sealing::sign(service, &*self.keys).await?;
        if let Some(last) = sealing::last_checkpoint(service).await?
            && !target.has(&last)
        {
            log_export::write(service, &target, &last, Vec::new()).await?;
        }
        Ok(())
    }
}
