//! Uses of API keys that are not saved yet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

use crate::domain::ids::ApiKeyId;

/// Uses of API keys that are not saved yet. Cheap to clone. The log has one entry for each valid key that was used
/// since the last save, so its size is bounded by the number of keys.
#[derive(Debug, Clone, Default)]
pub struct KeyUses(Arc<Mutex<HashMap<ApiKeyId, DateTime<Utc>>>>);

impl KeyUses {
    /// Records that a key was used.
    pub(super) fn note(&self, key: ApiKeyId, at: DateTime<Utc>) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = uses.entry(key).or_insert(at);
        *last = at.max(*last);
    }

    pub(super) fn take(&self) -> Vec<(ApiKeyId, DateTime<Utc>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}
