//! Whether each background loop still makes progress, for `/readyz`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The progress of all loops of an instance. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Heartbeats(Arc<Mutex<BTreeMap<String, Beat>>>);

#[derive(Debug)]
enum Beat {
    /// It waits for something to do.
    Resting,
    /// It works, and made progress at this time.
    Busy { since: Instant, limit: Duration },
    /// The loop returned or panicked, so its work is no longer done.
    Ended,
}

/// A loop's own handle. Dropped without [`Pulse::finish`], the loop counts as ended.
#[derive(Debug)]
pub struct Pulse {
    all: Heartbeats,
    name: String,
    limit: Duration,
}

impl Heartbeats {
    /// A loop begins. It is stuck when it is busy and makes no progress for longer than `limit`.
    #[must_use]
    pub fn pulse(&self, name: impl Into<String>, limit: Duration) -> Pulse {
        let pulse = Pulse { all: self.clone(), name: name.into(), limit };
        pulse.beat();
        pulse
    }

    /// What is wrong with the first loop that is stuck or has ended.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.problem_at(Instant::now())
    }

    fn problem_at(&self, now: Instant) -> Option<String> {
        let beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beats.iter().find_map(|(name, beat)| match beat {
            Beat::Busy { since, limit } => {
                let busy = now.saturating_duration_since(*since);
                (busy > *limit).then(|| format!("{name} has made no progress for {} s", busy.as_secs()))
            }
            Beat::Ended => Some(format!("{name} has ended: restart this instance")),
            Beat::Resting => None,
        })
    }

    fn set(&self, name: &str, beat: Option<Beat>) {
        let mut beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match beat {
            Some(beat) => beats.insert(name.to_owned(), beat),
            None => beats.remove(name),
        };
    }
}

impl Pulse {
    /// It made progress, and goes on working.
    pub fn beat(&self) {
        self.all.set(&self.name, Some(Beat::Busy { since: Instant::now(), limit: self.limit }));
    }

    /// It waits for something to do, for as long as that takes.
    pub fn rest(&self) {
        self.all.set(&self.name, Some(Beat::Resting));
    }

    /// It has done what it was there for.
    pub fn finish(mut self) {
        self.all.set(&self.name, None);
        self.name.clear();
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            self.all.set(&self.name, Some(Beat::Ended));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    #[test]
    fn a_loop_that_makes_no_progress_is_named() {
        let all = Heartbeats::default();
        let (expiry, outbox) = (all.pulse("expiry", LIMIT), all.pulse("outbox", LIMIT * 2));
        let later = |seconds| Instant::now() + Duration::from_secs(seconds);
        assert_eq!(all.problem_at(later(59)), None);
        assert_eq!(all.problem_at(later(65)).unwrap(), "expiry has made no progress for 65 s");
        expiry.rest();
        assert_eq!(all.problem_at(later(119)), None);
        assert_eq!(all.problem_at(later(125)).unwrap(), "outbox has made no progress for 125 s");
        outbox.finish();
        assert_eq!(all.problem_at(later(9999)), None);
        drop(expiry);
        assert_eq!(all.problem().unwrap(), "expiry has ended: restart this instance");
    }
}
