//! Approvals whose rows this instance could not read. Batches that end approvals skip them for a while, so that they
//! neither block the others nor are retried constantly.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::domain::ids::ApprovalId;

/// How long an approval is skipped before it is read again. An operator may have repaired the row by then.
pub const PAUSE: TimeDelta = TimeDelta::minutes(5);

/// The skipped approvals, with the time until which each is skipped. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Unreadable(Arc<Mutex<HashMap<Uuid, DateTime<Utc>>>>);

impl Unreadable {
    /// The approvals that are skipped at this time.
    #[must_use]
    pub fn at(&self, now: DateTime<Utc>) -> Vec<Uuid> {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.retain(|_, until| now < *until);
        until.keys().copied().collect()
    }

    /// Skips these approvals for [`PAUSE`].
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
