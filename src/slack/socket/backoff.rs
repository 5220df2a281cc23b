//! How long to wait before connecting again. Pure.

use std::time::Duration;

use super::SocketError;
use crate::slack::client::CallError;

/// The first pause after a failure.
const FIRST: Duration = Duration::from_millis(250);
/// The longest.
const LONGEST: Duration = Duration::from_secs(30);
/// The first pause after a connection that worked broke, and the longest.
const FIRST_BROKEN: Duration = Duration::from_millis(50);
const LONGEST_BROKEN: Duration = Duration::from_secs(5);
/// A connection that lived this long was a good one.
const GOOD: Duration = Duration::from_secs(2);

/// What went wrong of late.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Backoff {
    failures: u32,
    short_lives: u32,
}

impl Backoff {
    /// A connection was made.
    pub(super) fn connected(&mut self) {
        *self = Self::default();
    }

    /// None could be made. `chance` is from 0 up to 1, so that many instances don't come back at once.
    pub(super) fn failed(&mut self, error: &SocketError, chance: f64) -> Duration {
        let pause = double(FIRST, self.failures, LONGEST).mul_f64(0.5 + chance);
        self.failures = self.failures.saturating_add(1);
        match error {
            SocketError::Call(CallError::RateLimited(after)) => pause.max(*after),
            SocketError::Call(CallError::Refused(_)) => LONGEST.mul_f64(0.5 + chance),
            _ => pause,
        }
    }

    /// One that had been made broke after `life`.
    pub(super) fn broken(&mut self, life: Duration, chance: f64) -> Duration {
        self.failures = 0;
        self.short_lives = if life >= GOOD { 0 } else { self.short_lives.saturating_add(1) };
        double(FIRST_BROKEN, self.short_lives.saturating_sub(1), LONGEST_BROKEN).mul_f64(0.5 + chance)
    }
}

fn double(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute_and_are_spread() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..9).map(|_| backoff.failed(&SocketError::Silent, 0.5)).collect();
        assert_eq!(pauses[0], FIRST);
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(pauses[8], LONGEST);
        assert_eq!(backoff.failed(&SocketError::Silent, 0.0), LONGEST / 2);
        backoff.connected();
        assert_eq!(backoff.failed(&SocketError::Silent, 0.5), FIRST);
    }

    #[test]
    fn slack_says_how_long_to_wait() {
        let limited = SocketError::Call(CallError::RateLimited(Duration::from_secs(50)));
        assert_eq!(Backoff::default().failed(&limited, 0.9), Duration::from_secs(50));
        let refused = SocketError::Call(CallError::Refused("invalid_auth".to_owned()));
        assert_eq!(Backoff::default().failed(&refused, 0.5), LONGEST);
    }

    #[test]
    fn what_lived_long_is_replaced_almost_at_once() {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            assert_eq!(backoff.broken(Duration::from_mins(1), 0.5), FIRST_BROKEN);
        }
        for _ in 0..20 {
            backoff.broken(Duration::ZERO, 0.5);
        }
        assert_eq!(backoff.broken(Duration::ZERO, 0.5), LONGEST_BROKEN);
    }
}
