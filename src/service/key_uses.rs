//! When each API key was last used. Noted in memory, and written once a minute, so that no call costs a
//! round trip or waits for a key's row.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Failure, Service};
use crate::{domain::ids::ApiKeyId, storage::api_keys};

/// How often the uses are written.
pub const INTERVAL: TimeDelta = TimeDelta::minutes(1);

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

    fn take(&self) -> Vec<(ApiKeyId, DateTime<Utc>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}

/// Writes what was noted. What can't be written is kept for the next time.
#[tracing::instrument(name = "save_key_uses", skip_all)]
pub async fn save(service: &Service) -> Result<(), Failure> {
    let uses = service.key_uses.take();
    if uses.is_empty() {
        return Ok(());
    }
    let written = async {
        let mut db = service.db.acquire().await?;
        api_keys::note_uses(&mut db, &uses).await
    };
    written.await.map_err(|error| {
        for (key, at) in uses {
            service.key_uses.note(key, at);
        }
        error.into()
    })
}
