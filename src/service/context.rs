//! What every use case needs.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    clock::Clock,
    entropy::Entropy,
    heartbeat::Heartbeats,
    seal::Sealer,
    service::{key_use_log::KeyUses, unreadable::Unreadable},
    storage::Db,
};

/// What every use case needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Service {
    /// The database.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// Where ids and secrets come from.
    pub entropy: Entropy,
    /// Seals secrets at rest.
    pub sealer: Arc<Sealer>,
    /// How many approvals of a backend may be pending.
    pub most_pending: u32,
    /// When API keys were last used, to be written soon.
    pub key_uses: KeyUses,
    /// What its loops say of their progress.
    pub heartbeats: Heartbeats,
    /// Approvals that batches leave out.
    pub unreadable: Unreadable,
}

impl Service {
    /// The time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.entropy.uuid(self.clock.now())
    }
}
