//! How long to wait before connecting again. Pure.

use std::time::Duration;

use chrono::TimeDelta;

use crate::slack::{inbound::socket::error::SocketError, web_api::error::CallError};

/// The first pause after a failed attempt.
const FIRST: Duration = Duration::from_millis(250);
/// The first pause after a working connection broke.
const FIRST_BROKEN: Duration = Duration::from_millis(50);
/// The longest pause. It is used at once after errors that a quick retry can't fix.
const LONGEST: Duration = Duration::from_secs(30);
/// A connection that lived this long counts as working.
const GOOD: TimeDelta = TimeDelta::seconds(2);

/// The recent failures. `chance`, in every method, is a random number from 0 up to 1; it spreads the attempts of many
/// instances.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// An attempt to connect failed.
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

    /// A connection broke after `life`.
    pub(super) fn broken(&mut self, life: TimeDelta, chance: f64) -> Duration {
        self.judge(life);
        self.next(FIRST_BROKEN, chance)
    }

    /// Slack asked the client to reconnect after `life`. A connection that lived long is replaced at once.
    pub(super) fn asked_to_go(&mut self, life: TimeDelta, chance: f64) -> Duration {
        self.judge(life);
        if life >= GOOD { Duration::ZERO } else { self.next(FIRST_BROKEN, chance) }
    }

    /// Slack closed a connection because the app has too many. Connecting at once would only make Slack close another.
    pub(super) fn too_many(&mut self, chance: f64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        Self::long(chance)
    }

    /// Resets the failures after a connection that lived long. A shorter one proves nothing.
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
            // A connection that was made but did not live long doesn't end the backoff.
            assert_eq!(backoff.failed(&SocketError::Silent, 0.5), LONGEST);
        }
    }
}
