//! Limits the calls of one instance that wait for a decision or stream, because each holds a connection.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::problem::{Kind, Problem};
use crate::domain::callers::OwnApprovals;

/// `Retry-After` of a refused call, in seconds.
const RETRY_AFTER: u32 = 5;

/// The places for waiting calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Waiters {
    per_backend: usize,
    most: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    all: usize,
    by_party: HashMap<OwnApprovals, usize>,
}

/// A place, which is free again when this is dropped.
#[derive(Debug)]
pub struct Waiting {
    waiters: Waiters,
    party: OwnApprovals,
}

impl Waiters {
    /// This many places for each backend, and `most` for all of them together.
    #[must_use]
    pub fn new(per_backend: u32, most: usize) -> Self {
        let per_backend = usize::try_from(per_backend).unwrap_or(usize::MAX).min(most);
        Self { per_backend, most, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a call of this backend, or of the user that a key of it is bound to: one user's calls must not
    /// take the places of others.
    pub fn enter(&self, party: &OwnApprovals) -> Result<Waiting, Problem> {
        let mut state = self.state();
        if state.by_party.get(party).is_some_and(|count| *count >= self.per_backend) {
            return Err(Problem::new(Kind::TooManyWaiting).after(RETRY_AFTER));
        }
        if state.all >= self.most {
            // Other backends hold the places, so this is not the backend's fault.
            return Err(Problem::new(Kind::Unavailable).after(RETRY_AFTER));
        }
        state.all += 1;
        *state.by_party.entry(party.clone()).or_default() += 1;
        drop(state);
        Ok(Waiting { waiters: self.clone(), party: party.clone() })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.waiters.state();
        state.all -= 1;
        if let Some(count) = state.by_party.get_mut(&self.party) {
            *count -= 1;
            if *count == 0 {
                state.by_party.remove(&self.party);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::BackendId;

    fn backend(number: u128) -> OwnApprovals {
        OwnApprovals::of_backend(BackendId::new(Uuid::from_u128(number)))
    }

    #[test]
    fn a_backend_has_its_places_and_all_have_theirs() {
        let waiters = Waiters::new(2, 3);
        let [one, other] = [1, 2].map(backend);
        let first = waiters.enter(&one).unwrap();
        let second = waiters.enter(&one).unwrap();
        assert!(waiters.enter(&one).is_err());
        let third = waiters.enter(&other).unwrap();
        assert!(waiters.enter(&other).is_err(), "three wait in all");
        drop(first);
        assert!(waiters.enter(&other).is_ok());
        drop((second, third));
        let state = waiters.state();
        assert_eq!((state.all, state.by_party.len()), (0, 0));
    }

    #[test]
    fn a_backend_never_has_more_places_than_there_are() {
        let waiters = Waiters::new(1000, 1);
        let _place = waiters.enter(&backend(0)).unwrap();
        assert_eq!(waiters.per_backend, 1);
    }
}
