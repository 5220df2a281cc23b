//! The context that every use case gets.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    clock::Clock,
    entropy::Entropy,
    heartbeat::Heartbeats,
    seal::Sealer,
    service::{
        agent_log::AgentsSeen, error::ServiceError, key_use_log::KeyUses, listeners::Listeners,
        pending_limit::PendingLimit, policy_cache::Policies, unreadable::Unreadable,
    },
    storage::Db,
};

/// The context that every use case gets. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Service {
    /// The database.
    pub db: Db,
    /// The source of the current time.
    pub clock: Clock,
    /// The source of ids and secrets.
    pub entropy: Entropy,
    /// Encrypts secrets for storage.
    pub sealer: Arc<Sealer>,
    /// The limit of pending approvals of a backend.
    pub pending_limit: PendingLimit,
    /// The latest uses of API keys, which are saved once a minute.
    pub key_uses: KeyUses,
    /// The agents that asked, which are saved once a minute.
    pub agents_seen: AgentsSeen,
    /// The calls that listen to approvals, which are reported every two seconds.
    pub listeners: Listeners,
    /// The progress that background loops report.
    pub heartbeats: Heartbeats,
    /// Approvals that batches skip because their rows can't be read.
    pub unreadable: Unreadable,
    /// The compiled rules.
    pub policies: Policies,
}

impl Service {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.entropy.uuid(self.clock.now())
    }

    /// Whether the failure says only that Postgres can't be used now, which is logged for all loops together: see
    /// [`Db::log_outage`].
    #[must_use]
    pub fn logged_outage(&self, failure: &ServiceError) -> bool {
        matches!(failure, ServiceError::Database(error) if self.db.log_outage(error))
    }
}
