//! The state that the endpoints share.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{body_memory::ApiBodies, limits::Limits, unknown_keys::UnknownKeys, waiters::Waiters},
    service::{Service, ask_queue::AskQueue, directory::Directory, endings::Endings, signing::SigningKeys},
};

/// The largest body that is read, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// The state of the endpoints. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    /// The use cases.
    pub service: Service,
    /// Finds users by email address.
    pub directory: Arc<dyn Directory>,
    /// The keys that sign receipts.
    pub signing: Arc<dyn SigningKeys>,
    /// Who signs receipts: the service's address.
    pub issuer: Arc<str>,
    /// The requests for approvals that wait for a transaction.
    pub asks: AskQueue,
    /// Wakes calls that wait for an approval's end.
    pub endings: Endings,
    /// The metrics for `/metrics`.
    pub metrics: PrometheusHandle,
    /// Limits each backend's requests a second.
    pub limits: Limits,
    /// Limits the calls that wait or stream.
    pub waiters: Waiters,
    /// Limits look-ups of unknown keys.
    pub unknown_keys: UnknownKeys,
    /// Limits the bodies in memory.
    pub bodies: ApiBodies,
    /// Cancelled at shutdown; waiting calls then return.
    pub stop: CancellationToken,
}
