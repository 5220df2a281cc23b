//! Limits each backend's requests a second to one instance.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use crate::{domain::ids::BackendId, service::authenticate::ApiKey};

/// Counts the backends' requests. Cheap to clone.
///
/// A backend may use a second's requests at once; afterwards they refill evenly. The limiter reads the monotonic clock,
/// not [`crate::clock::Clock`]: wall time may jump, and a jump must not block a backend.
///
/// Only the database can validate a key. This only remembers which backend a key belonged to, by the digest of the
/// complete key, so a request with a wrong key never counts against a backend.
#[derive(Debug, Clone)]
pub struct Limits<C: Clock = MonotonicClock> {
    limiter: Arc<BackendLimiter<C>>,
    clock: C,
    known: Arc<Mutex<HashMap<[u8; 32], BackendId>>>,
}

type BackendLimiter<C> =
    RateLimiter<BackendId, DefaultKeyedStateStore<BackendId>, C, NoOpMiddleware<<C as Clock>::Instant>>;

impl Limits {
    /// Allows every backend this many requests a second, at least one.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self::with_clock(per_second, MonotonicClock)
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn with_clock(per_second: u32, clock: C) -> Self {
        let quota = Quota::per_second(NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN));
        let limiter = RateLimiter::hashmap_with_clock(quota, clock.clone());
        Self { limiter: Arc::new(limiter), clock, known: Arc::default() }
    }

    /// Counts a request with this key. `Err` is the time to wait in seconds, rounded up.
    pub fn admit(&self, key: &ApiKey) -> Result<(), u32> {
        let Some(backend) = self.known().get(&key.hash()).copied() else { return Ok(()) };
        self.limiter.check_key(&backend).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
        })
    }

    /// Whether this key was valid in an earlier call.
    #[must_use]
    pub fn knows(&self, key: &ApiKey) -> bool {
        self.known().contains_key(&key.hash())
    }

    /// Forgets a key that is no longer valid.
    pub fn forget(&self, key: &ApiKey) {
        self.known().remove(&key.hash());
    }

    /// Remembers the backend of a key that was just found to be valid.
    pub fn learn(&self, key: &ApiKey, backend: BackendId) {
        self.known().insert(key.hash(), backend);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<[u8; 32], BackendId>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::ApiKeyId;

    #[test]
    fn a_second_has_so_many_requests_and_the_next_one_as_many_again() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::with_clock(3, clock.clone());
        let key = ApiKey::new(ApiKeyId::new(Uuid::from_u128(1)), [1; 32]);
        limits.learn(&key, BackendId::new(Uuid::from_u128(2)));
        for _ in 0..3 {
            assert_eq!(limits.admit(&key), Ok(()));
        }
        assert_eq!(limits.admit(&key), Err(1));
        clock.advance(Duration::from_millis(340));
        assert_eq!(limits.admit(&key), Ok(()));
        clock.advance(Duration::from_millis(10));
        assert_eq!(limits.admit(&key), Err(1));
        clock.advance(Duration::from_hours(1));
        assert_eq!((0..9).filter(|_| limits.admit(&key).is_ok()).count(), 3);
    }

    #[test]
    fn the_largest_limit_refuses_nothing() {
        let limits = Limits::with_clock(u32::MAX, FakeRelativeClock::default());
        let key = ApiKey::new(ApiKeyId::new(Uuid::from_u128(1)), [1; 32]);
        limits.learn(&key, BackendId::new(Uuid::from_u128(2)));
        assert!((0..10_000).all(|_| limits.admit(&key).is_ok()));
    }

    #[test]
    fn two_keys_of_a_backend_share_its_requests_and_a_wrong_secret_uses_up_none() {
        let limits = Limits::with_clock(2, FakeRelativeClock::default());
        let (id, backend) = (ApiKeyId::new(Uuid::from_u128(1)), BackendId::new(Uuid::from_u128(2)));
        let (old, new, wrong) =
            (ApiKey::new(id, [1; 32]), ApiKey::new(id, [2; 32]), ApiKey::new(id, [3; 32]));
        limits.learn(&old, backend);
        limits.learn(&new, backend);
        assert!((0..99).all(|_| limits.admit(&wrong).is_ok()));
        assert_eq!([&old, &new, &old].map(|key| limits.admit(key).is_ok()), [true, true, false]);
    }
}
