//! When each API key was last used. Noted in memory, and written once a minute, so that no call costs a
//! round trip or waits for a key's row.

use chrono::TimeDelta;

use super::{Service, ServiceError};
use crate::storage::tables::api_keys;

/// How often the uses are written.
pub const INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// Writes what was noted. What can't be written is kept for the next time.
#[tracing::instrument(name = "save_key_uses", skip_all)]
pub async fn save(service: &Service) -> Result<(), ServiceError> {
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
