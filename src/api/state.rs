//! What the endpoints share.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{body_memory::ApiBodies, limits::Limits, unknown_keys::UnknownKeys, waiters::Waiters},
    service::{Service, directory::Directory, endings::Endings},
};

/// The largest body that is read, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// What the endpoints need. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    /// The use cases.
    pub service: Service,
    /// Finds people by email.
    pub directory: Arc<dyn Directory>,
    /// Who waits for which approval.
    pub endings: Endings,
    /// The metrics' text.
    pub metrics: PrometheusHandle,
    /// How many requests a second a backend may make.
    pub limits: Limits,
    /// Places for calls that wait.
    pub waiters: Waiters,
    /// Keys that are not known yet.
    pub strangers: UnknownKeys,
    /// The bodies that are in memory.
    pub bodies: ApiBodies,
    /// How many of those who wait may read at once.
    pub turns: Arc<Semaphore>,
    /// The service shuts down: nobody waits any longer.
    pub stop: CancellationToken,
}
