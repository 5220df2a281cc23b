//! The agents that asked, kept in memory until they are saved.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::domain::{approvals::Request, ids::BackendId, pauses::SeenAgent};

/// The most agents of a backend that are kept, in memory and in the database.
pub(super) const MOST: usize = 1_000;

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

    /// Takes what is to be saved.
    pub(super) fn take(&self) -> Vec<SeenAgent> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.drain().flat_map(|(_, own)| own.into_values()).collect()
    }

    /// Keeps agents that could not be saved, for the next time.
    pub(super) fn give_back(&self, agents: Vec<SeenAgent>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for agent in agents {
            let own = seen.entry(agent.backend).or_default();
            if own.len() < MOST {
                own.entry(agent.agent.as_str().to_owned()).or_insert(agent);
            }
        }
    }
}
