//! How many webhooks are sent to each receiver at once: many to one that answers fast, few to one that is slow or fails.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use crate::outbox::Outcome;

/// A response within this time is fast: with 32 requests at once, the receiver takes at least 128 webhooks a second.
const FAST: Duration = Duration::from_millis(250);
/// A response after this time is slow.
const SLOW: Duration = Duration::from_secs(1);

/// How a receiver did with one webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It accepted the webhook at once.
    Fast,
    /// It accepted the webhook within a second.
    Moderate,
    /// It took longer, did not answer, or refused the webhook.
    Slow,
}

impl Pace {
    /// The pace of an attempt. `None` if the attempt says nothing about the receiver.
    #[must_use]
    pub fn for_outcome(outcome: &Outcome, took: Duration) -> Option<Self> {
        match outcome {
            Outcome::Done { .. } if took <= FAST => Some(Self::Fast),
            Outcome::Done { .. } if took <= SLOW => Some(Self::Moderate),
            Outcome::Done { .. } | Outcome::Failed { .. } | Outcome::Hopeless { .. } => Some(Self::Slow),
            Outcome::Wait(_) | Outcome::NotTaken { .. } | Outcome::Refused { .. } => None,
        }
    }
}

/// How many webhooks a receiver is sent at once. Grows by one with each fast response, and is halved by each slow or
/// failed one, as TCP does with its window: a receiver that recovers gets more step by step, and one that stops answering
/// is down to the least after a few attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(usize);

impl Share {
    /// The share of a receiver that nothing is known about.
    pub const INITIAL: Self = Self(4);
    /// The largest share.
    pub const MOST: usize = 32;
    /// The smallest share. More than one, so that one request that hangs does not hold up all others.
    pub const LEAST: usize = 2;

    /// The share after a response.
    #[must_use]
    pub fn after(self, pace: Pace) -> Self {
        match pace {
            Pace::Fast => Self((self.0 + 1).min(Self::MOST)),
            Pace::Moderate => self,
            Pace::Slow => Self((self.0 / 2).max(Self::LEAST)),
        }
    }

    /// How many more webhooks the receiver may be sent, if `free` permits are left for all receivers. None may take more
    /// than an eighth of them, so receivers that stop answering never hold all permits.
    #[must_use]
    pub fn room(self, in_flight: usize, free: usize) -> usize {
        self.0.saturating_sub(in_flight).min((free / 8).max(Self::LEAST))
    }
}

/// What is known about one receiver.
#[derive(Debug)]
struct Receiver {
    share: Share,
    in_flight: usize,
    /// Whether the last claim gave it all that it had room for, so that more may wait.
    full: bool,
}

impl Default for Receiver {
    fn default() -> Self {
        Self { share: Share::INITIAL, in_flight: 0, full: false }
    }
}

/// All receivers that this instance sent webhooks to, by the ids of their backends, or of the hosts of callbacks. Cheap to
/// clone.
#[derive(Debug, Clone, Default)]
pub struct Receivers(Arc<Mutex<HashMap<Uuid, Receiver>>>);

/// How many webhooks one claim may take for each receiver.
#[derive(Debug)]
pub struct Rooms {
    /// The room of a receiver that is not listed.
    pub other: usize,
    /// The room of each receiver whose room differs from that.
    pub listed: HashMap<Uuid, usize>,
}

impl Rooms {
    fn get(&self, backend: Uuid) -> usize {
        self.listed.get(&backend).copied().unwrap_or(self.other)
    }
}

impl Receivers {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Receiver>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room of each receiver, if `free` permits are left for all of them.
    #[must_use]
    pub fn rooms(&self, free: usize) -> Rooms {
        let other = Share::INITIAL.room(0, free);
        let room = |receiver: &Receiver| receiver.share.room(receiver.in_flight, free);
        let all = self.lock();
        let listed = all.iter().map(|(backend, receiver)| (*backend, room(receiver)));
        Rooms { other, listed: listed.filter(|(_, room)| *room != other).collect() }
    }

    /// Notes what a claim took for each receiver, at most `most` rows. `true` if it left room that `most` did not let it
    /// use: then more may be claimed at once.
    #[must_use]
    pub fn note_claim(&self, taken: &HashMap<Uuid, usize>, rooms: &Rooms, most: usize) -> bool {
        let (mut all, mut more) = (self.lock(), false);
        for backend in taken.keys() {
            all.entry(*backend).or_default();
        }
        for (backend, receiver) in all.iter_mut() {
            let (count, room) = (taken.get(backend).copied().unwrap_or_default(), rooms.get(*backend));
            let could = room.min(most);
            // Without any room, the claim tells nothing new about the receiver.
            if room > 0 {
                receiver.full = count >= could;
                more |= receiver.full && room > count;
            }
        }
        more
    }

    /// Counts a webhook as in flight until the value is dropped.
    #[must_use]
    pub fn begin(&self, backend: Uuid) -> InFlight {
        self.lock().entry(backend).or_default().in_flight += 1;
        InFlight { receivers: self.clone(), backend, pace: None }
    }
}

/// A webhook that is being sent. Dropping it makes room for the next one.
#[derive(Debug)]
pub struct InFlight {
    receivers: Receivers,
    backend: Uuid,
    pace: Option<Pace>,
}

impl InFlight {
    /// Ends it. `true` if more may wait for this receiver.
    #[must_use]
    pub fn end(mut self, pace: Option<Pace>) -> bool {
        self.pace = pace;
        let receivers = self.receivers.clone();
        let backend = self.backend;
        drop(self);
        receivers.lock().get(&backend).is_some_and(|receiver| receiver.full)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut all = self.receivers.lock();
        if let Some(receiver) = all.get_mut(&self.backend) {
            receiver.in_flight = receiver.in_flight.saturating_sub(1);
            if let Some(pace) = self.pace {
                receiver.share = receiver.share.after(pace);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(mut share: Share, paces: impl IntoIterator<Item = Pace>) -> usize {
        for pace in paces {
            share = share.after(pace);
        }
        share.0
    }

    #[test]
    fn a_fast_receiver_gets_more_step_by_step() {
        assert_eq!(after(Share::INITIAL, [Pace::Fast; 3]), 7);
        assert_eq!(after(Share::INITIAL, [Pace::Fast; 1000]), 32);
        assert_eq!(after(Share(9), [Pace::Moderate; 1000]), 9);
    }

    #[test]
    fn a_slow_receiver_is_soon_down_to_the_least() {
        let shares =
            [1, 2, 3, 4, 5, 100].map(|count| after(Share(32), std::iter::repeat_n(Pace::Slow, count)));
        assert_eq!(shares, [16, 8, 4, 2, 2, 2]);
        // One that fails once in a hundred times keeps most of its share.
        let paces = std::iter::repeat_n(Pace::Fast, 99).chain([Pace::Slow]);
        assert_eq!(after(Share(32), paces), 16);
        // One of which every third attempt fails does not.
        let paces = [Pace::Fast, Pace::Fast, Pace::Slow].into_iter().cycle().take(99);
        assert!(after(Share(32), paces) <= 4);
    }

    #[test]
    fn outcomes_tell_the_pace() {
        let took = Duration::from_millis;
        let failed = Outcome::Failed { why: String::new(), status: Some(500), after: None };
        let gone = Outcome::Hopeless { why: String::new(), status: Some(410) };
        let paces = [
            (Outcome::done(), 250, Some(Pace::Fast)),
            (Outcome::done(), 251, Some(Pace::Moderate)),
            (Outcome::done(), 1001, Some(Pace::Slow)),
            (failed, 1, Some(Pace::Slow)),
            (gone, 1, Some(Pace::Slow)),
            (Outcome::Wait(chrono::TimeDelta::seconds(2)), 1, None),
        ];
        for (outcome, ms, pace) in paces {
            assert_eq!(Pace::for_outcome(&outcome, took(ms)), pace, "{outcome:?} {ms} ms");
        }
    }

    #[test]
    fn receivers_that_hang_never_hold_all_permits() {
        let (mut free, mut held) = (256, Vec::new());
        for _ in 0..20 {
            let room = Share(Share::MOST).room(0, free);
            free -= room;
            held.push(room);
        }
        assert_eq!((held[0], held[19], free), (32, 3, 21));
        assert_eq!(Share(32).room(30, 256), 2);
        assert_eq!(Share(2).room(4, 256), 0);
    }

    #[test]
    fn what_is_in_flight_takes_room_until_it_ends_or_panics() {
        let (receivers, backend) = (Receivers::default(), Uuid::from_u128(1));
        let room = || receivers.rooms(256).get(backend);
        assert_eq!(room(), 4);
        let (first, second) = (receivers.begin(backend), receivers.begin(backend));
        assert_eq!(room(), 2);
        assert!(!first.end(Some(Pace::Fast)), "nothing more waits");
        assert_eq!(room(), 4, "five at once, of which one is in flight");
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _in_flight = second;
            std::panic::panic_any(());
        }));
        assert!(panicked.is_err());
        assert_eq!(room(), 5);
    }

    #[test]
    fn a_receiver_that_took_all_its_room_may_have_more_waiting() {
        let (receivers, backend) = (Receivers::default(), Uuid::from_u128(1));
        let taken = |count| HashMap::from([(backend, count)]);
        let rooms = receivers.rooms(256);
        assert!(!receivers.note_claim(&taken(3), &rooms, 256));
        assert!(!receivers.begin(backend).end(None));
        assert!(!receivers.note_claim(&taken(4), &rooms, 256), "it has no room left");
        assert!(receivers.begin(backend).end(None));
        let rooms = receivers.rooms(256);
        assert!(receivers.note_claim(&taken(2), &rooms, 2), "the claim was cut short, not the receiver");
        assert!(!receivers.note_claim(&HashMap::new(), &rooms, 256));
        assert!(!receivers.begin(backend).end(None), "nothing more waits");
    }
}
