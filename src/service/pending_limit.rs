//! The limit of pending approvals of a backend, and what is known of their number.
//!
//! Counting them reads an index entry of each, thousands while a backend has a backlog, and every transaction of requests
//! would do so. A backend below half of its limit is therefore counted once a second, and in between the requests that
//! this instance judged are added.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::ids::{ApiKeyId, BackendId};

/// For how long a count is good.
const RECENT: TimeDelta = TimeDelta::seconds(1);

/// The limit, and the latest counts. Cheap to clone; clones share the counts.
#[derive(Debug, Clone)]
pub struct PendingLimit {
    most: u32,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    /// The backends of the API keys that have asked.
    backends: HashMap<ApiKeyId, BackendId>,
    counted: HashMap<BackendId, Counted>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    at: DateTime<Utc>,
    pending: i64,
}

/// How many approvals of the backends with a request in a transaction were pending before it.
#[derive(Debug)]
pub(super) enum Pending {
    /// As counted within the last second.
    Recent(HashMap<BackendId, i64>),
    /// The transaction has to count them.
    Unknown,
}

impl PendingLimit {
    /// At most this many approvals of a backend may be pending.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self { most, counts: Arc::default() }
    }

    pub(super) fn most(&self) -> i64 {
        i64::from(self.most)
    }

    /// What is known for the backends of these keys.
    pub(super) fn pending(&self, keys: impl Iterator<Item = ApiKeyId>, now: DateTime<Utc>) -> Pending {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recent = HashMap::new();
        for key in keys {
            let counted = counts.backends.get(&key).and_then(|id| Some((*id, *counts.counted.get(id)?)));
            match counted {
                // A clock that was set back makes a count look as if it were of the future.
                Some((backend, Counted { at, pending }))
                    if pending <= self.most() / 2 && at <= now && now < at + RECENT =>
                {
                    recent.insert(backend, pending);
                }
                _ => return Pending::Unknown,
            }
        }
        Pending::Recent(recent)
    }

    /// Notes what a transaction counted, for the backend of a key, and how many it added.
    pub(super) fn counted(&self, key: ApiKeyId, backend: BackendId, pending: i64, now: DateTime<Utc>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.backends.insert(key, backend);
        counts.counted.insert(backend, Counted { at: now, pending });
    }

    /// Notes how many pending approvals a transaction added, whose number was known.
    pub(super) fn added(&self, backend: BackendId, more: i64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = counts.counted.get_mut(&backend) {
            counted.pending += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_count_is_good_for_a_second_below_half_of_the_limit() {
        let limit = PendingLimit::new(10);
        let (key, backend) = (ApiKeyId::new(Uuid::from_u128(1)), BackendId::new(Uuid::from_u128(2)));
        let start = DateTime::UNIX_EPOCH;
        let known = |milliseconds| match limit
            .pending([key, key].into_iter(), start + TimeDelta::milliseconds(milliseconds))
        {
            Pending::Recent(recent) => Some(recent[&backend]),
            Pending::Unknown => None,
        };
        assert_eq!(known(0), None, "never counted");
        limit.counted(key, backend, 3, start);
        assert_eq!((known(-1), known(0), known(999), known(1000)), (None, Some(3), Some(3), None));
        limit.added(backend, 2);
        assert_eq!(known(999), Some(5));
        limit.added(backend, 1);
        assert_eq!(known(999), None, "above half of the limit");
    }
}
