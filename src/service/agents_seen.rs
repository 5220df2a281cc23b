//! Saving the agents that asked, once a minute, so that an ask costs no statement for it.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Service, ServiceError, agent_log::MOST};
use crate::{domain::ids::BackendId, storage::tables::agents};

/// Saves the agents that asked. If that fails, they are kept for the next time.
#[tracing::instrument(name = "save_agents_seen", skip_all)]
pub async fn save(service: &Service) -> Result<(), ServiceError> {
    let seen = service.agents_seen.take();
    if seen.is_empty() {
        return Ok(());
    }
    let written = async {
        let mut db = service.db.acquire().await?;
        let ids: Vec<Uuid> = seen.iter().map(|_| service.new_id()).collect();
        agents::note(&mut db, &seen, &ids).await?;
        let backends: BTreeSet<BackendId> = seen.iter().map(|agent| agent.backend).collect();
        for backend in backends {
            agents::trim(&mut db, backend, i64::try_from(MOST).unwrap_or(i64::MAX)).await?;
        }
        Ok::<_, sqlx::Error>(())
    };
    written.await.map_err(|error| {
        service.agents_seen.give_back(seen);
        error.into()
    })
}
