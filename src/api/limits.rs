//! How many requests a second a backend may make of one instance.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use crate::{domain::ids::BackendId, service::authenticate::ApiKey};

/// Counts the backends' requests. Cheap to clone.
///
/// A key is judged in the database; here it is only known whose it was the last time, by the digest of the whole key.
/// So nobody uses up the requests of a backend whose key they don't have.
#[derive(Debug, Clone)]
pub struct Limits {
    per_second: u32,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<[u8; 32], BackendId>,
    buckets: HashMap<BackendId, Bucket>,
}

/// Requests that a backend may make now: as many as it has saved up, for a second at most.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// Takes one token, or says how many seconds it takes until there is one.
    fn take(&mut self, per_second: f64, now: Instant) -> Result<(), f64> {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.tokens = passed.mul_add(per_second, self.tokens).min(per_second.max(1.0));
        self.filled_at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            Ok(())
        } else {
            Err((1.0 - self.tokens) / per_second)
        }
    }
}

impl Limits {
    /// Lets every backend make so many requests a second.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { per_second, state: Arc::default() }
    }

    /// Counts a request with this key. Refused: how many seconds to wait, rounded up.
    pub fn admit(&self, key: &ApiKey, now: Instant) -> Result<(), u32> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(backend) = state.known.get(&key.hash()).copied() else { return Ok(()) };
        let per_second = f64::from(self.per_second);
        let bucket = state.buckets.entry(backend).or_insert(Bucket { tokens: per_second, filled_at: now });
        bucket.take(per_second, now).map_err(round_up)
    }

    /// Whether this key was found to be valid before.
    #[must_use]
    pub fn knows(&self, key: &ApiKey) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.known.contains_key(&key.hash())
    }

    /// Notes that a key is no longer valid.
    pub fn forget(&self, key: &ApiKey) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.known.remove(&key.hash());
    }

    /// Notes whose key this is: it was just found to be valid.
    pub fn learn(&self, key: &ApiKey, backend: BackendId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.known.insert(key.hash(), backend);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few seconds, never negative")]
fn round_up(seconds: f64) -> u32 {
    seconds.ceil().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::ApiKeyId;

    #[test]
    fn a_second_has_so_many_requests_and_the_next_one_as_many_again() {
        let limits = Limits::new(3);
        let key = ApiKey::new(ApiKeyId::new(Uuid::from_u128(1)), [1; 32]);
        limits.learn(&key, BackendId::new(Uuid::from_u128(2)));
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(limits.admit(&key, start), Ok(()));
        }
        assert_eq!(limits.admit(&key, start), Err(1));
        assert_eq!(limits.admit(&key, start + Duration::from_millis(340)), Ok(()));
        assert_eq!(limits.admit(&key, start + Duration::from_millis(350)), Err(1));
        let later = start + Duration::from_hours(1);
        assert_eq!((0..9).filter(|_| limits.admit(&key, later).is_ok()).count(), 3);
    }

    #[test]
    fn two_keys_of_a_backend_share_its_requests_and_a_wrong_secret_uses_up_none() {
        let limits = Limits::new(2);
        let (id, backend) = (ApiKeyId::new(Uuid::from_u128(1)), BackendId::new(Uuid::from_u128(2)));
        let (old, new, wrong) =
            (ApiKey::new(id, [1; 32]), ApiKey::new(id, [2; 32]), ApiKey::new(id, [3; 32]));
        limits.learn(&old, backend);
        limits.learn(&new, backend);
        let now = Instant::now();
        assert!((0..99).all(|_| limits.admit(&wrong, now).is_ok()));
        assert_eq!([&old, &new, &old].map(|key| limits.admit(key, now).is_ok()), [true, true, false]);
    }
}
