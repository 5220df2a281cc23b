//! Limits how fast Slack is called: about one message a second and channel, with short bursts, and no call of a limited
//! method before its `Retry-After` has passed (<https://docs.slack.dev/apis/web-api/rate-limits>).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// How many messages a channel accepts at once before they are spaced out.
const BURST: i32 = 4;
/// The interval after that.
const PACE: TimeDelta = TimeDelta::seconds(1);
/// Idle channels are forgotten once the map has this many.
const CAPACITY: usize = 10_000;

/// Limits calls. Each instance has its own limiter; Slack's 429 responses correct their sum.
#[derive(Debug, Default)]
pub struct RateLimiter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    channels: HashMap<String, Channel>,
    /// When a limited method may be called again, per caller: a workspace, or a token of an unknown workspace.
    blocked: HashMap<(String, String), DateTime<Utc>>,
}

#[derive(Debug)]
struct Channel {
    /// When the last message would have been sent at an even pace.
    even: DateTime<Utc>,
    /// The latest slot that was given to a waiting message.
    last_turn: DateTime<Utc>,
}

impl RateLimiter {
    /// Asks to send a message to a channel now. `Err` says how long it must wait. Each waiting message gets its own
    /// slot, so that those of one channel don't retry all at once. `in_turn`: the message has waited already, and goes
    /// ahead of those that have not.
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

    /// Whether a method may be called now. `Err` says how long it is still limited.
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

    /// Blocks a method for this long from `now`. A longer block that exists stays.
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
            // A new message does not take the slot of a waiting one, and queues behind the last.
            assert_eq!(limiter.admit("C1", false, at(second)), Err(TimeDelta::seconds(6)));
            assert_eq!(limiter.admit("C1", true, at(second)), Ok(()), "{second}");
        }
        assert_eq!(limiter.admit("C1", true, at(6)), Err(TimeDelta::seconds(1)), "no faster than the pace");
        assert!((7..=12).all(|second| limiter.admit("C1", true, at(second)).is_ok()));
        assert!(limiter.admit("C1", false, at(13)).is_ok(), "no message waits");
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
