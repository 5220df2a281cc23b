//! When a user is reminded of a request that waits.
//!
//! A request is due at two thirds of its time. The message names the user's other requests too that are past half of
//! their time or expire before the next message could come, so that many requests make few messages. No request is
//! named twice.

use chrono::{DateTime, TimeDelta, Utc};

/// A request that expires sooner than this after it was made has no reminder: its prompt is news enough.
pub const SHORTEST: TimeDelta = TimeDelta::minutes(10);
/// The shortest time between two reminders of one user.
pub const PAUSE: TimeDelta = TimeDelta::minutes(30);

/// The time that a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

impl Lifetime {
    fn whole(self) -> TimeDelta {
        self.expires_at - self.created_at
    }

    /// When the user is reminded. `None`: never, because the request is too short.
    #[must_use]
    pub fn reminder_due_at(self) -> Option<DateTime<Utc>> {
        (self.whole() >= SHORTEST).then(|| self.created_at + self.whole() * 2 / 3)
    }

    /// Whether the request is a reason to remind the user now.
    #[must_use]
    pub fn is_due(self, now: DateTime<Utc>) -> bool {
        now < self.expires_at && self.reminder_due_at().is_some_and(|due| due <= now)
    }

    /// Whether a reminder that another request is the reason of names this one as well.
    #[must_use]
    pub fn joins(self, now: DateTime<Utc>) -> bool {
        let is_late = now - self.created_at >= self.whole() / 2 || self.expires_at - now <= PAUSE;
        self.whole() >= SHORTEST && now < self.expires_at && is_late
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minutes(created: i64, expires: i64) -> Lifetime {
        let at = |minute| DateTime::from_timestamp(minute * 60, 0).unwrap();
        Lifetime { created_at: at(created), expires_at: at(expires) }
    }

    #[test]
    fn a_reminder_is_due_at_two_thirds() {
        let usual = minutes(0, 30);
        assert_eq!(usual.reminder_due_at(), Some(usual.created_at + TimeDelta::minutes(20)));
        assert_eq!(minutes(0, 9).reminder_due_at(), None);
        assert!(!usual.is_due(usual.expires_at) && !usual.joins(usual.expires_at));
        let week = minutes(0, 7 * 24 * 60);
        let at = |hours| week.created_at + TimeDelta::hours(hours);
        assert!(!week.joins(at(83)) && week.joins(at(84)) && !week.is_due(at(111)) && week.is_due(at(112)));
    }

    proptest! {
        #[test]
        fn it_is_due_within_the_time_and_what_is_due_joins(
            whole in 10..=604_800_i64,
            now in 0..=604_800_i64,
        ) {
            let at = |second| DateTime::from_timestamp(second, 0).unwrap();
            let lifetime = Lifetime { created_at: at(0), expires_at: at(whole) };
            if let Some(due) = lifetime.reminder_due_at() {
                prop_assert!(due > lifetime.created_at && due < lifetime.expires_at);
                prop_assert_eq!(lifetime.is_due(at(now)), at(now) >= due && now < whole);
            }
            prop_assert!(!lifetime.is_due(at(now)) || lifetime.joins(at(now)));
        }
    }
}
