//! The limits of pending approvals, and what is known of their number. A backend has one limit, and so has each user with
//! keys that are bound to them: otherwise one user could exhaust the backend's for all others.
//!
//! Counting them reads an index entry of each, thousands while a backend has a backlog, and every transaction of requests
//! would do so. A caller below half of its limit is therefore counted once a second, and in between the requests that this
//! instance judged are added.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::{callers::OwnApprovals, ids::ApiKeyId},
    storage::statements::create_approval::MostPending,
};

/// For how long a count is good.
const RECENT: TimeDelta = TimeDelta::seconds(1);

/// The limits, and the latest counts. Cheap to clone; clones share the counts.
#[derive(Debug, Clone)]
pub struct PendingLimit {
    most: MostPending,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    /// What counts together with the approvals of the API keys that have asked.
    keys: HashMap<ApiKeyId, OwnApprovals>,
    counted: HashMap<OwnApprovals, Counted>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    at: DateTime<Utc>,
    pending: i64,
}

/// How many approvals that count together with a request of a transaction were pending before it.
#[derive(Debug)]
pub(super) enum Pending {
    /// As counted within the last second.
    Recent(HashMap<OwnApprovals, i64>),
    /// The transaction has to count them.
    Unknown,
}

impl PendingLimit {
    /// At most this many approvals of a backend may be pending, and of a user with bound keys.
    #[must_use]
    pub fn new(of_backend: u32, of_user: u32) -> Self {
        let most = MostPending { of_backend: of_backend.into(), of_user: of_user.into() };
        Self { most, counts: Arc::default() }
    }

    pub(super) const fn most(&self) -> MostPending {
        self.most
    }

    pub(super) const fn most_for(&self, own: &OwnApprovals) -> i64 {
        if own.user().is_some() { self.most.of_user } else { self.most.of_backend }
    }

    /// What is known for these keys.
    pub(super) fn pending(&self, keys: impl Iterator<Item = ApiKeyId>, now: DateTime<Utc>) -> Pending {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recent = HashMap::new();
        for key in keys {
            let counted = counts.keys.get(&key).and_then(|own| Some((own, *counts.counted.get(own)?)));
            match counted {
                // A clock that was set back makes a count look as if it were of the future.
                Some((own, Counted { at, pending }))
                    if pending <= self.most_for(own) / 2 && at <= now && now < at + RECENT =>
                {
                    recent.insert(own.clone(), pending);
                }
                _ => return Pending::Unknown,
            }
        }
        Pending::Recent(recent)
    }

    /// Notes what a transaction counted for a key, with what it added.
    pub(super) fn counted(&self, key: ApiKeyId, own: &OwnApprovals, pending: i64, now: DateTime<Utc>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.keys.insert(key, own.clone());
        counts.counted.insert(own.clone(), Counted { at: now, pending });
    }

    /// Notes how many pending approvals a transaction added, whose number was known.
    pub(super) fn added(&self, own: &OwnApprovals, more: i64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = counts.counted.get_mut(own) {
            counted.pending += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::BackendId;

    #[test]
    fn a_count_is_good_for_a_second_below_half_of_the_limit() {
        let limit = PendingLimit::new(10, 1);
        let key = ApiKeyId::new(Uuid::from_u128(1));
        let own = OwnApprovals::of_backend(BackendId::new(Uuid::from_u128(2)));
        let start = DateTime::UNIX_EPOCH;
        let known = |milliseconds| match limit
            .pending([key, key].into_iter(), start + TimeDelta::milliseconds(milliseconds))
        {
            Pending::Recent(recent) => Some(recent[&own]),
            Pending::Unknown => None,
        };
        assert_eq!(known(0), None, "never counted");
        limit.counted(key, &own, 3, start);
        assert_eq!((known(-1), known(0), known(999), known(1000)), (None, Some(3), Some(3), None));
        limit.added(&own, 2);
        assert_eq!(known(999), Some(5));
        limit.added(&own, 1);
        assert_eq!(known(999), None, "above half of the limit");
    }
}
