//! The uses of API keys that are not written yet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

use crate::domain::ids::ApiKeyId;

/// Uses that are not written yet. Cheap to clone. It has an entry for each key that was found to be valid since the last
/// writing, so its size is bounded by the keys that there are.
#[derive(Debug, Clone, Default)]
pub struct KeyUses(Arc<Mutex<HashMap<ApiKeyId, DateTime<Utc>>>>);

impl KeyUses {
    /// Notes that a key was used.
    pub(super) fn note(&self, key: ApiKeyId, at: DateTime<Utc>) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = uses.entry(key).or_insert(at);
        *last = at.max(*last);
    }

    pub(super) fn take(&self) -> Vec<(ApiKeyId, DateTime<Utc>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}
