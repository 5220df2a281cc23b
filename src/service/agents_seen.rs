//! The agents that ask. Kept in memory and saved once a minute, so that an ask costs no statement for it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use uuid::Uuid;

use super::{Service, ServiceError};
use crate::{
    domain::{approvals::Request, ids::BackendId, pauses::SeenAgent},
    storage::tables::agents,
};

/// The most agents of a backend that are kept, in memory and in the database.
const MOST: usize = 1_000;

/// Agents that asked since the last save, of each backend by the backend's id for them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct AgentsSeen(Arc<Mutex<HashMap<BackendId, HashMap<String, SeenAgent>>>>);

impl AgentsSeen {
    /// Records that an agent asked.
    pub(super) fn note(&self, request: &Request) {
        let id = request.agent.id.as_str();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = seen.entry(request.backend).or_default();
        if let Some(known) = own.get_mut(id) {
            known.asked_at = known.asked_at.max(request.created_at);
            return;
        }
        if own.len() < MOST {
            own.insert(id.to_owned(), SeenAgent::new(request));
        }
    }

    fn take(&self) -> Vec<SeenAgent> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.drain().flat_map(|(_, own)| own.into_values()).collect()
    }

    fn give_back(&self, agents: Vec<SeenAgent>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for agent in agents {
            let own = seen.entry(agent.backend).or_default();
            if own.len() < MOST {
                own.entry(agent.agent.as_str().to_owned()).or_insert(agent);
            }
        }
    }
}

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
