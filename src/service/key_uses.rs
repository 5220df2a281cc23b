//! When each API key was last used. Kept in memory and saved once a minute, so that calls neither cost a round trip for
//! it nor wait for a key's row.

use chrono::TimeDelta;

use super::{Service, ServiceError};
use crate::storage::tables::api_keys;

/// How often uses are saved.
pub const INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// Saves the recorded uses. If that fails, they are kept for the next time.
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
