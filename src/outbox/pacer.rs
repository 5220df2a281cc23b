//! How fast Slack may be called: about one message a second and channel with short bursts, and nothing at all while
//! `Retry-After` asks to wait (<https://docs.slack.dev/apis/web-api/rate-limits>).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// A channel takes this many messages at once before it is paced.
const BURST: i32 = 4;
/// Then one in this time.
const PACE: TimeDelta = TimeDelta::seconds(1);
/// Channels that were silent are forgotten once there are this many.
const CAPACITY: usize = 10_000;

/// Keeps the pace. Each instance has its own; Slack's 429 corrects their sum.
#[derive(Debug, Default)]
pub struct Pacer(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When a channel's last message would have been sent at an even pace.
    channels: HashMap<String, DateTime<Utc>>,
    /// Until when Slack wants no calls of a method in a workspace.
    blocked: HashMap<(String, &'static str), DateTime<Utc>>,
}

impl Pacer {
    /// Asks to send a message to a channel now. `Err`: it must wait this long.
    pub fn admit(&self, channel: &str, now: DateTime<Utc>) -> Result<(), TimeDelta> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.channels.len() >= CAPACITY {
            state.channels.retain(|_, even| *even > now);
        }
        let even = state.channels.entry(channel.to_owned()).or_insert(now);
        let next = (*even).max(now) + PACE;
        let ahead = next - now - PACE * BURST;
        if ahead > TimeDelta::zero() {
            return Err(ahead);
        }
        *even = next;
        Ok(())
    }

    /// Whether a method may be called in a workspace now. `Err`: it must wait this long.
    pub fn is_open(
        &self,
        workspace: &str,
        method: &'static str,
        now: DateTime<Utc>,
    ) -> Result<(), TimeDelta> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (workspace.to_owned(), method);
        match state.blocked.get(&key) {
            Some(until) if *until > now => Err(*until - now),
            Some(_) => {
                state.blocked.remove(&key);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Slack asked not to call a method in a workspace until then.
    pub fn block(&self, workspace: &str, method: &'static str, until: DateTime<Utc>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.blocked.insert((workspace.to_owned(), method), until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_out_at_once_and_the_rest_one_a_second() {
        let pacer = Pacer::default();
        let start = DateTime::from_timestamp(0, 0).unwrap();
        assert!((0..4).all(|_| pacer.admit("D1", start).is_ok()));
        assert_eq!(pacer.admit("D1", start), Err(TimeDelta::seconds(1)));
        assert!(pacer.admit("D2", start).is_ok());
        assert!(pacer.admit("D1", start + TimeDelta::seconds(1)).is_ok());
        assert_eq!(pacer.admit("D1", start + TimeDelta::seconds(1)), Err(TimeDelta::seconds(1)));
    }

    #[test]
    fn a_blocked_method_opens_again() {
        let pacer = Pacer::default();
        let start = DateTime::from_timestamp(0, 0).unwrap();
        pacer.block("T1", "chat.update", start + TimeDelta::seconds(30));
        assert_eq!(pacer.is_open("T1", "chat.update", start), Err(TimeDelta::seconds(30)));
        assert!(pacer.is_open("T1", "chat.postMessage", start).is_ok());
        assert!(pacer.is_open("T1", "chat.update", start + TimeDelta::seconds(30)).is_ok());
    }
}
