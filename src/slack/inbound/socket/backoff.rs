//! How long to wait before connecting again. Pure.

use std::time::Duration;

use chrono::TimeDelta;

use crate::slack::{inbound::socket::error::SocketError, web_api::error::CallError};

/// The first pause after a failure.
const FIRST: Duration = Duration::from_millis(250);
/// The first pause after a connection that worked broke.
const FIRST_BROKEN: Duration = Duration::from_millis(50);
/// The longest pause, and the only one where trying again soon can't help.
const LONGEST: Duration = Duration::from_secs(30);
/// A connection that lived this long was a good one.
const GOOD: TimeDelta = TimeDelta::seconds(2);

/// What went wrong of late. `chance`, wherever it is taken, is from 0 up to 1, so that many instances don't come back at
/// once.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// No connection could be made.
    pub(super) fn failed(&mut self, error: &SocketError, chance: f64) -> Duration {
        let pause = self.next(FIRST, chance);
        match error {
            SocketError::Call(CallError::RateLimited(after)) => pause.max(*after),
            SocketError::Call(CallError::Refused(_) | CallError::MissingScope(_)) | SocketError::TooMany => {
                Self::long(chance)
            }
            _ => pause,
        }
    }

    /// One that had been made broke after `life`.
    pub(super) fn broken(&mut self, life: TimeDelta, chance: f64) -> Duration {
        self.judge(life);
        self.next(FIRST_BROKEN, chance)
    }

    /// Slack asked one to go after `life`: one that lived long is replaced at once.
    pub(super) fn asked_to_go(&mut self, life: TimeDelta, chance: f64) -> Duration {
        self.judge(life);
        if life >= GOOD { Duration::ZERO } else { self.next(FIRST_BROKEN, chance) }
    }

    /// Slack ended one because there are too many: another would only push out a third.
    pub(super) fn too_many(&mut self, chance: f64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        Self::long(chance)
    }

    /// Only a connection that lived long shows that what was wrong is over.
    fn judge(&mut self, life: TimeDelta) {
        if life >= GOOD {
            self.failures = 0;
        }
    }

    fn next(&mut self, first: Duration, chance: f64) -> Duration {
        let pause = first.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        pause.mul_f64(0.5 + chance)
    }

    fn long(chance: f64) -> Duration {
        LONGEST.mul_f64(0.5 + chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::web_api::error::refusal;

    const LONG: TimeDelta = TimeDelta::minutes(1);

    #[test]
    fn pauses_grow_to_half_a_minute_and_are_spread() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..9).map(|_| backoff.failed(&SocketError::Silent, 0.5)).collect();
        assert_eq!(pauses[0], FIRST);
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(pauses[8], LONGEST);
        assert_eq!(backoff.failed(&SocketError::Silent, 0.0), LONGEST / 2);
        backoff.asked_to_go(LONG, 0.5);
        assert_eq!(backoff.failed(&SocketError::Silent, 0.5), FIRST);
    }

    #[test]
    fn slack_says_how_long_to_wait() {
        let limited = SocketError::Call(CallError::RateLimited(Duration::from_secs(50)));
        assert_eq!(Backoff::default().failed(&limited, 0.9), Duration::from_secs(50));
        let refused =
            SocketError::Call(CallError::Refused(refusal("apps.connections.open", "invalid_auth").unwrap()));
        assert_eq!(Backoff::default().failed(&refused, 0.5), LONGEST);
        assert_eq!(Backoff::default().failed(&SocketError::TooMany, 0.5), LONGEST);
        assert_eq!(Backoff::default().too_many(0.5), LONGEST);
    }

    #[test]
    fn what_lived_long_is_replaced_almost_at_once() {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            assert_eq!(backoff.asked_to_go(LONG, 0.5), Duration::ZERO);
            assert_eq!(backoff.broken(LONG, 0.5), FIRST_BROKEN);
        }
    }

    #[test]
    fn what_lived_shortly_counts_as_a_failure_however_it_ended() {
        for end in [Backoff::broken, Backoff::asked_to_go] {
            let mut backoff = Backoff::default();
            for _ in 0..20 {
                end(&mut backoff, TimeDelta::zero(), 0.5);
            }
            assert_eq!(end(&mut backoff, TimeDelta::zero(), 0.5), LONGEST);
            // That one could be made again is no sign yet.
            assert_eq!(backoff.failed(&SocketError::Silent, 0.5), LONGEST);
        }
    }
}
