//! The approvals that this instance could not read. What ends approvals in batches leaves them out for a while, so that
//! they neither hold up the others nor are tried all the time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::domain::ids::ApprovalId;

/// How long until one is read again: an operator may have repaired it.
pub const PAUSE: TimeDelta = TimeDelta::minutes(5);

/// Which they are, and until when they are left out. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Unreadable(Arc<Mutex<HashMap<Uuid, DateTime<Utc>>>>);

impl Unreadable {
    /// Those that are left out at this time.
    #[must_use]
    pub fn at(&self, now: DateTime<Utc>) -> Vec<Uuid> {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.retain(|_, until| now < *until);
        until.keys().copied().collect()
    }

    /// Leaves these out from now on, for [`PAUSE`].
    pub fn leave_out(&self, approvals: &[ApprovalId], now: DateTime<Utc>) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.extend(approvals.iter().map(|id| (id.uuid(), now + PAUSE)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_approval_is_left_out_for_five_minutes() {
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let (unreadable, id) = (Unreadable::default(), Uuid::from_u128(1));
        unreadable.leave_out(&[ApprovalId::new(id)], now);
        assert_eq!(unreadable.at(now + TimeDelta::seconds(299)), [id]);
        assert!(unreadable.at(now + PAUSE).is_empty());
    }
}
