//! Figures that show who approves so much that they may no longer look.

use crate::domain::{catalog::Lock, ids::UserId, risk::Impact};

/// An approval within this many seconds of its prompt is quick: too quick to have read much.
pub const QUICK_SECONDS: i64 = 3;
/// Manual approvals a day from which on a person is said to approve much.
const MANY_A_DAY: f64 = 20.0;
/// The percentage of quick approvals from which on it is worth a word.
const MANY_QUICK: u64 = 25;
/// The fewest approvals that a percentage is given for.
const FEWEST: u64 = 10;

/// The action that a person approves most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrequentAction {
    /// Integration and action: `salesforce.create_record`.
    pub path: String,
    /// How many of the approvals that were looked at are for it.
    pub count: u64,
    /// Whether users may auto-approve it.
    pub lock: Lock,
    /// What its backend declares about its effect.
    pub impact: Impact,
}

/// What a person approved manually.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonFigures {
    /// The person.
    pub user: UserId,
    /// How many requests they approved in the last 7 days.
    pub last_week: u64,
    /// How many in the last 30 days.
    pub last_month: u64,
    /// Whether they approved more than was counted.
    pub is_more: bool,
    /// How many of the newest approvals were looked at whose prompt's time is known.
    pub timed: u64,
    /// How many of those came within [`QUICK_SECONDS`] of the prompt.
    pub quick: u64,
    /// How many of the newest approvals were looked at.
    pub sampled: u64,
    /// The action that they approve most.
    pub most: Option<FrequentAction>,
}

/// What could help a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Unlock the action, so that they can auto-approve it.
    Unlock,
    /// Let them know that they can auto-approve it: it is unlocked.
    AutoApprove,
    /// Confirm the changed description, which pauses its grants.
    Confirm,
    /// The action should be asked about, so look at what agents do.
    Review,
}

impl Advice {
    /// Every advice.
    pub const ALL: [Self; 4] = [Self::Unlock, Self::AutoApprove, Self::Confirm, Self::Review];

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unlock => "unlock",
            Self::AutoApprove => "auto_approve",
            Self::Confirm => "confirm",
            Self::Review => "review",
        }
    }
}

impl PersonFigures {
    /// Approvals a day in the last 7 days.
    #[must_use]
    pub fn a_day(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "it is shown rounded")]
        let week = self.last_week as f64;
        week / 7.0
    }

    /// The percentage of quick approvals, if there are enough to tell.
    #[must_use]
    pub const fn quick_percent(&self) -> Option<u64> {
        if self.timed < FEWEST { None } else { Some(self.quick * 100 / self.timed) }
    }

    /// Whether the person approves so much, or so quickly, that something should be changed.
    #[must_use]
    pub fn is_tiring(&self) -> bool {
        self.a_day() >= MANY_A_DAY || self.quick_percent().is_some_and(|percent| percent >= MANY_QUICK)
    }

    /// What could help. `None`: nothing has to.
    #[must_use]
    pub fn advice(&self) -> Option<Advice> {
        let most = self.most.as_ref().filter(|_| self.is_tiring())?;
        Some(match most.lock {
            Lock::Changed(_) => Advice::Confirm,
            Lock::Unlocked(_) => Advice::AutoApprove,
            Lock::Locked if !most.impact.is_destructive() => Advice::Unlock,
            Lock::Locked | Lock::Retired | Lock::Ruled => Advice::Review,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::UnlockedFor;

    fn figures(week: u64, timed: u64, quick: u64, lock: Lock, impact: Impact) -> PersonFigures {
        let most = FrequentAction { path: "github.create_issue".to_owned(), count: timed, lock, impact };
        PersonFigures {
            user: UserId::parse("U0ALICE").unwrap(),
            last_week: week,
            last_month: week,
            is_more: false,
            timed,
            quick,
            sampled: timed,
            most: Some(most),
        }
    }

    #[test]
    fn who_approves_little_and_slowly_gets_no_advice() {
        let calm = figures(20, 20, 2, Lock::Locked, Impact::ReadOnly);
        assert_eq!((calm.is_tiring(), calm.advice(), calm.quick_percent()), (false, None, Some(10)));
        // Too few to tell.
        let few = figures(3, 3, 3, Lock::Locked, Impact::ReadOnly);
        assert_eq!((few.quick_percent(), few.advice()), (None, None));
    }

    #[test]
    fn advice_depends_on_the_action() {
        let advice = |lock, impact| figures(427, 200, 80, lock, impact).advice().unwrap();
        assert_eq!(advice(Lock::Locked, Impact::ReadOnly), Advice::Unlock);
        assert_eq!(advice(Lock::Locked, Impact::Undeclared), Advice::Unlock);
        assert_eq!(advice(Lock::Locked, Impact::DESTRUCTIVE), Advice::Review);
        assert_eq!(advice(Lock::Unlocked(UnlockedFor::Always), Impact::ReadOnly), Advice::AutoApprove);
        assert_eq!(advice(Lock::Changed(UnlockedFor::Always), Impact::ReadOnly), Advice::Confirm);
        assert_eq!(advice(Lock::Retired, Impact::ReadOnly), Advice::Review);
    }

    #[test]
    fn a_day_is_a_seventh_of_a_week() {
        assert!((figures(427, 200, 80, Lock::Locked, Impact::ReadOnly).a_day() - 61.0).abs() < 0.001);
    }
}
