//! The context of every check.

use std::time::Duration;

use crate::{config::ServeConfig, service::Service};

/// What the checks have in common: configuration and clients.
pub(super) struct DoctorContext {
    pub(super) config: ServeConfig,
    pub(super) service: Service,
    /// Calls Slack with the service's proxy and certificates.
    pub(super) slack: reqwest::Client,
    /// Calls the service itself, as its clients do.
    pub(super) http: reqwest::Client,
}

/// Time limit of one network request.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
