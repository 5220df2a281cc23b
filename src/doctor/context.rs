//! What every check needs.

use std::time::Duration;

use crate::{config::ServeConfig, service::Service};

/// What the checks need.
pub(super) struct DoctorContext {
    pub(super) config: ServeConfig,
    pub(super) service: Service,
    /// Speaks with Slack as the service does.
    pub(super) slack: reqwest::Client,
    /// Speaks with the service itself, as its callers do.
    pub(super) http: reqwest::Client,
}

/// How long whoever is asked may take.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
