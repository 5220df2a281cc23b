//! How fast Slack may be called: about one message a second and channel with short bursts, and no call of a limited
//! method before its `Retry-After` has passed (<https://docs.slack.dev/apis/web-api/rate-limits>).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// A channel takes this many messages at once before it is paced.
const BURST: i32 = 4;
/// Then one in this time.
const PACE: TimeDelta = TimeDelta::seconds(1);
/// Channels that were silent are forgotten once there are this many.
const CAPACITY: usize = 10_000;

/// Limits calls. Each instance has its own; Slack's 429 corrects their sum.
#[derive(Debug, Default)]
pub struct RateLimiter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    channels: HashMap<String, Channel>,
    /// Until when Slack wants no calls of a method for a caller: a workspace, or a token whose workspace is not known.
    blocked: HashMap<(String, String), DateTime<Utc>>,
}

#[derive(Debug)]
struct Channel {
    /// When the last message would have been sent at an even pace.
    even: DateTime<Utc>,
    /// The last moment that was given to a message that had to wait.
    last_turn: DateTime<Utc>,
}

impl RateLimiter {
    /// Asks to send a message to a channel now. `Err`: it must wait this long, and then it is its turn: whoever waits is
    /// given a moment of their own, so that what waits for one channel doesn't come back all at once, again and again.
    /// `in_turn`: it has waited already, and goes before those that have not.
    pub fn admit(&self, channel: &str, in_turn: bool, now: DateTime<Utc>) -> Result<(), TimeDelta> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.channels.len() >= CAPACITY {
            state.channels.retain(|_, channel| channel.even > now || channel.last_turn > now);
        }
        let channel =
            state.channels.entry(channel.to_owned()).or_insert(Channel { even: now, last_turn: now });
        let next = channel.even.max(now) + PACE;
        let ahead = next - now - PACE * BURST;
        let others_wait = channel.last_turn > now;
        if ahead <= TimeDelta::zero() && (in_turn || !others_wait) {
            channel.even = next;
            return Ok(());
        }
        if in_turn {
            return Err(ahead);
        }
        channel.last_turn = if others_wait { channel.last_turn + PACE } else { now + ahead };
        Err(channel.last_turn - now)
    }

    /// Whether a method may be called now. `Err`: it is limited for this much longer.
    pub fn check(&self, caller: &str, method: &str, now: DateTime<Utc>) -> Result<(), Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (caller.to_owned(), method.to_owned());
        match state.blocked.get(&key) {
            Some(until) if *until > now => Err((*until - now).to_std().unwrap_or_default()),
            Some(_) => {
                state.blocked.remove(&key);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Slack limits a method for this long from `now`. Of two that say so the longer holds.
    pub fn block(&self, caller: &str, method: &str, wait: Duration, now: DateTime<Utc>) {
        let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        let until = now.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.blocked.len() >= CAPACITY {
            state.blocked.retain(|_, until| *until > now);
        }
        let blocked = state.blocked.entry((caller.to_owned(), method.to_owned())).or_insert(until);
        *blocked = until.max(*blocked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_out_at_once_and_the_rest_one_a_second() {
        let limiter = RateLimiter::default();
        let start = DateTime::from_timestamp(0, 0).unwrap();
        assert!((0..4).all(|_| limiter.admit("D1", false, start).is_ok()));
        assert_eq!(limiter.admit("D1", false, start), Err(TimeDelta::seconds(1)));
        assert!(limiter.admit("D2", false, start).is_ok());
        assert!(limiter.admit("D1", true, start + TimeDelta::seconds(1)).is_ok());
        assert_eq!(limiter.admit("D1", false, start + TimeDelta::seconds(1)), Err(TimeDelta::seconds(1)));
    }

    #[test]
    fn whoever_waits_has_a_turn_and_nobody_goes_before_them() {
        let limiter = RateLimiter::default();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let turns: Vec<_> = (0..10).map(|_| limiter.admit("C1", false, at(0))).collect();
        assert!(turns[..4].iter().all(Result::is_ok));
        for (number, turn) in turns[4..].iter().enumerate() {
            assert_eq!(*turn, Err(TimeDelta::seconds(i64::try_from(number).unwrap() + 1)));
        }
        for second in 1..=6 {
            // One that has just come doesn't take the moment of one that waits for it, and waits behind the last.
            assert_eq!(limiter.admit("C1", false, at(second)), Err(TimeDelta::seconds(6)));
            assert_eq!(limiter.admit("C1", true, at(second)), Ok(()), "{second}");
        }
        assert_eq!(limiter.admit("C1", true, at(6)), Err(TimeDelta::seconds(1)), "no faster than the pace");
        assert!((7..=12).all(|second| limiter.admit("C1", true, at(second)).is_ok()));
        assert!(limiter.admit("C1", false, at(13)).is_ok(), "nobody waits any more");
    }

    #[test]
    fn a_limited_method_opens_again() {
        let limiter = RateLimiter::default();
        let start = DateTime::from_timestamp(0, 0).unwrap();
        let wait = Duration::from_secs(30);
        limiter.block("T1", "chat.update", wait, start);
        limiter.block("T1", "chat.update", Duration::from_secs(1), start);
        assert_eq!(limiter.check("T1", "chat.update", start), Err(wait));
        assert!(limiter.check("T1", "chat.postMessage", start).is_ok());
        assert!(limiter.check("T2", "chat.update", start).is_ok());
        assert!(limiter.check("T1", "chat.update", start + TimeDelta::seconds(30)).is_ok());
    }

    #[test]
    fn no_wait_is_too_long_to_add() {
        let limiter = RateLimiter::default();
        let start = DateTime::from_timestamp(0, 0).unwrap();
        limiter.block("T1", "users.info", Duration::MAX, start);
        assert!(limiter.check("T1", "users.info", start).is_err());
    }
}
