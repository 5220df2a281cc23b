//! Abandoned approvals: pending ones that are cancelled because no caller listens any longer.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{approvals::Approval, ids::ApprovalId, text::Prose};

/// How often an instance reports who listens.
pub const REPORT_EVERY: TimeDelta = TimeDelta::seconds(2);
/// How much later than asked an approval is abandoned, so that one late report cancels nothing.
const GRACE: TimeDelta = TimeDelta::seconds(4);
/// The longest time that callers get to come back after reports could not be read.
const LONGEST_RETURN: TimeDelta = TimeDelta::minutes(1);
/// After so long without a look at the reports, it is unknown whether they could be written.
const GAP: TimeDelta = TimeDelta::seconds(5);

/// A pending approval that is abandoned without a caller that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listened {
    /// The approval.
    pub approval: ApprovalId,
    /// How long no caller may listen.
    pub abandon_after: TimeDelta,
    /// When it was asked. Its caller listens at that moment.
    pub asked_at: DateTime<Utc>,
    /// When a caller was last known to listen. `None`: never since it was asked.
    pub heard_at: Option<DateTime<Utc>>,
}

impl Listened {
    /// An approval that was just asked.
    #[must_use]
    pub const fn new(approval: &Approval, abandon_after: TimeDelta) -> Self {
        let Approval { request, .. } = approval;
        Self { approval: request.id, abandon_after, asked_at: request.created_at, heard_at: None }
    }

    /// When the approval is abandoned unless a caller listens until then. `watched_since`: from [`Watch::look`].
    #[must_use]
    pub fn abandoned_at(&self, watched_since: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let heard = self.heard_at.map_or(self.asked_at, |heard| heard.max(self.asked_at));
        let silent = heard + self.abandon_after;
        let returned = watched_since.map(|since| since + self.abandon_after.min(LONGEST_RETURN));
        returned.map_or(silent, |returned| returned.max(silent)) + GRACE
    }

    /// The decision's reason, which the backend reads.
    #[must_use]
    pub fn why(&self) -> Prose {
        Prose::from_stored(format!("no caller listened for {} s", self.abandon_after.num_seconds()))
    }
}

/// Since when reports have been read without a break. While the database was away, the service was stopped, its machine
/// slept or its clock jumped, callers could not listen, or instances could not report them.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    since: DateTime<Utc>,
    last: DateTime<Utc>,
}

impl Watch {
    /// A watch that begins now.
    #[must_use]
    pub const fn new(now: DateTime<Utc>) -> Self {
        Self { since: now, last: now }
    }

    /// The time since which reports have been read, for a look at this time.
    pub fn look(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        if now < self.last || now - self.last > GAP {
            self.since = now;
        }
        self.since
    }

    /// Notes that the look at this time succeeded.
    pub const fn succeeded(&mut self, now: DateTime<Utc>) {
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    fn listened(after: i64, heard: Option<i64>) -> Listened {
        Listened {
            approval: ApprovalId::new(Uuid::from_u128(1)),
            abandon_after: TimeDelta::seconds(after),
            asked_at: at(0),
            heard_at: heard.map(at),
        }
    }

    #[test]
    fn the_time_runs_from_the_last_caller() {
        assert_eq!(listened(30, None).abandoned_at(None), at(34));
        assert_eq!(listened(30, Some(100)).abandoned_at(Some(at(-1000))), at(134));
        // Of an instance whose clock is behind.
        assert_eq!(listened(30, Some(-2)).abandoned_at(None), at(34));
        assert_eq!(listened(30, None).why().as_str(), "no caller listened for 30 s");
    }

    #[test]
    fn callers_can_come_back_after_a_break() {
        assert_eq!(listened(30, Some(10)).abandoned_at(Some(at(500))), at(534));
        assert_eq!(listened(86_400, Some(10)).abandoned_at(Some(at(500))), at(86_414));
        assert_eq!(listened(86_400, Some(10)).abandoned_at(Some(at(86_405))), at(86_469));
    }

    #[test]
    fn a_watch_begins_again_after_a_break_or_a_jump_of_the_clock() {
        let mut watch = Watch::new(at(0));
        let mut look = |seconds, succeeds| {
            let since = watch.look(at(seconds));
            if succeeds {
                watch.succeeded(at(seconds));
            }
            since
        };
        assert_eq!(look(2, true), at(0));
        assert_eq!(look(7, true), at(0));
        assert_eq!(look(9, false), at(0), "one failed");
        assert_eq!(look(11, true), at(0));
        assert_eq!(look(13, false), at(0));
        assert_eq!(look(17, false), at(17));
        assert_eq!(look(60, true), at(60), "the database came back");
        assert_eq!(look(62, true), at(60));
        assert_eq!(look(3600, true), at(3600), "a jump forward");
        assert_eq!(look(64, true), at(64), "a jump back");
        assert_eq!(look(66, true), at(64));
    }
}
