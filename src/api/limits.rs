//! Limits the requests a second to one instance, of each backend and of each user with a bound key.

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

use crate::{
    domain::{
        callers::OwnApprovals,
        ids::{UserId, WorkspaceId},
    },
    service::authenticate::{AdminKey, ApiKey},
};

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Party {
    /// A backend's, or those of a user with bound keys.
    Caller(OwnApprovals),
    /// Those with the admin keys of a workspace.
    Admins(WorkspaceId),
}

/// A key of any kind, by the digest of its secret half.
pub trait PresentedKey {
    /// The digest.
    fn digest(&self) -> [u8; 32];
}

impl PresentedKey for ApiKey {
    fn digest(&self) -> [u8; 32] {
        self.hash()
    }
}

impl PresentedKey for AdminKey {
    fn digest(&self) -> [u8; 32] {
        self.hash()
    }
}

/// Counts the requests of backends, and of users with bound keys and of admin keys apart from them. Cheap to clone.
///
/// A backend may use a second's requests at once; afterwards they refill evenly. The limiter reads the monotonic clock,
/// not [`crate::clock::Clock`]: wall time may jump, and a jump must not block a backend.
///
/// Only the database can validate a key. This only remembers whose a key was, by the digest of the
/// complete key, so a request with a wrong key never counts against a backend.
#[derive(Debug, Clone)]
pub struct Limits<C: Clock = MonotonicClock> {
    limiter: Arc<PartyLimiter<C>>,
    clock: C,
    known: Arc<Mutex<HashMap<[u8; 32], Party>>>,
}

type PartyLimiter<C> =
    RateLimiter<Party, DefaultKeyedStateStore<Party>, C, NoOpMiddleware<<C as Clock>::Instant>>;

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
    pub fn admit(&self, key: &impl PresentedKey) -> Result<(), u32> {
        let Some(party) = self.known().get(&key.digest()).cloned() else { return Ok(()) };
        self.limiter.check_key(&party).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
        })
    }

    /// Whether this key was valid in an earlier call.
    #[must_use]
    pub fn knows(&self, key: &impl PresentedKey) -> bool {
        self.known().contains_key(&key.digest())
    }

    /// Forgets a key that is no longer valid.
    pub fn forget(&self, key: &impl PresentedKey) {
        self.known().remove(&key.digest());
    }

    /// The user that a key is bound to, if it was valid in an earlier call. A key is never bound to another one later.
    #[must_use]
    pub fn bound_user(&self, key: &impl PresentedKey) -> Option<UserId> {
        self.known().get(&key.digest()).and_then(|party| match party {
            Party::Caller(own) => own.user().cloned(),
            Party::Admins(_) => None,
        })
    }

    /// Remembers whose a key is that was just found to be valid.
    pub fn learn(&self, key: &impl PresentedKey, party: Party) {
        self.known().insert(key.digest(), party);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<[u8; 32], Party>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::{ApiKeyId, BackendId};

    #[test]
    fn a_second_has_so_many_requests_and_the_next_one_as_many_again() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::with_clock(3, clock.clone());
        let key = ApiKey::new(ApiKeyId::new(Uuid::from_u128(1)), [1; 32]);
        limits.learn(&key, Party::Caller(OwnApprovals::of_backend(BackendId::new(Uuid::from_u128(2)))));
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
        limits.learn(&key, Party::Caller(OwnApprovals::of_backend(BackendId::new(Uuid::from_u128(2)))));
        assert!((0..10_000).all(|_| limits.admit(&key).is_ok()));
    }

    #[test]
    fn two_keys_of_a_backend_share_its_requests_and_a_wrong_secret_uses_up_none() {
        let limits = Limits::with_clock(2, FakeRelativeClock::default());
        let (id, backend) = (ApiKeyId::new(Uuid::from_u128(1)), BackendId::new(Uuid::from_u128(2)));
        let (old, new, wrong) =
            (ApiKey::new(id, [1; 32]), ApiKey::new(id, [2; 32]), ApiKey::new(id, [3; 32]));
        limits.learn(&old, Party::Caller(OwnApprovals::of_backend(backend)));
        limits.learn(&new, Party::Caller(OwnApprovals::of_backend(backend)));
        assert!((0..99).all(|_| limits.admit(&wrong).is_ok()));
        assert_eq!([&old, &new, &old].map(|key| limits.admit(key).is_ok()), [true, true, false]);
    }
}
