//! Callers of this instance that listen to approvals, by long poll or by events, and which of them are not reported yet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{clock::Clock, domain::ids::ApprovalId};

/// The calls that listen. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Listeners(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    instance: Uuid,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<Uuid, Open>,
    /// What is not reported yet: the approvals that a call has begun to listen to (`None`), or that the last one left.
    changed: HashMap<Uuid, Option<DateTime<Utc>>>,
}

/// The calls that listen to one approval.
#[derive(Debug, Default)]
struct Open {
    calls: usize,
    /// Whether the approval is cancelled without a listener. `None`: it has not been reported.
    counts: Option<bool>,
}

/// A call that listens until this is dropped.
#[derive(Debug)]
pub struct Listening {
    listeners: Listeners,
    approval: Uuid,
}

/// What to report.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) changed: Vec<(Uuid, Option<DateTime<Utc>>)>,
    /// Whether a call listens to an approval that is cancelled without one.
    pub(super) holds: bool,
}

impl Listeners {
    /// No calls yet. `instance`: an id for this process.
    #[must_use]
    pub fn new(instance: Uuid, clock: Clock) -> Self {
        Self(Arc::new(Shared { instance, clock, state: Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call begins to listen.
    #[must_use]
    pub fn listen(&self, approval: ApprovalId) -> Listening {
        let approval = approval.uuid();
        let mut state = self.state();
        let open = state.open.entry(approval).or_default();
        open.calls += 1;
        if open.calls == 1 {
            state.changed.insert(approval, None);
        }
        drop(state);
        Listening { listeners: self.clone(), approval }
    }

    /// Whether a call of this instance listens to the approval.
    #[must_use]
    pub fn has(&self, approval: ApprovalId) -> bool {
        self.state().open.contains_key(&approval.uuid())
    }

    /// This instance's id in the table.
    pub(super) fn instance(&self) -> Uuid {
        self.0.instance
    }

    fn leave(&self, approval: Uuid) {
        let now = self.0.clock.now();
        let mut state = self.state();
        let Some(open) = state.open.get_mut(&approval) else { return };
        open.calls -= 1;
        if open.calls == 0 {
            let counts = open.counts;
            state.open.remove(&approval);
            if counts != Some(false) {
                state.changed.insert(approval, Some(now));
            }
        }
    }

    pub(super) fn take(&self) -> Report {
        let mut state = self.state();
        let mut changed: Vec<_> = state.changed.drain().collect();
        // Instances lock rows in one order.
        changed.sort_unstable_by_key(|(id, _)| *id);
        let holds = state.open.values().any(|open| open.counts == Some(true));
        Report { changed, holds }
    }

    /// Notes which of the reported approvals are cancelled without a listener: `counted`, sorted.
    pub(super) fn reported(&self, report: &Report, counted: &[Uuid]) {
        let mut state = self.state();
        for (id, _) in &report.changed {
            if let Some(open) = state.open.get_mut(id) {
                open.counts = Some(counted.binary_search(id).is_ok());
            }
        }
    }

    /// Keeps what could not be reported for the next time, unless it has changed since.
    pub(super) fn restore(&self, report: Report) {
        let mut state = self.state();
        for (id, left) in report.changed {
            state.changed.entry(id).or_insert(left);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.listeners.leave(self.approval);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn approval(number: u128) -> ApprovalId {
        ApprovalId::new(Uuid::from_u128(number))
    }

    fn listeners() -> (Listeners, Clock) {
        let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        (Listeners::new(Uuid::nil(), clock.clone()), clock)
    }

    #[test]
    fn an_approval_is_reported_when_the_first_call_comes_and_the_last_one_goes() {
        let (listeners, clock) = listeners();
        let id = approval(1).uuid();
        let first = listeners.listen(approval(1));
        let second = listeners.listen(approval(1));
        let report = listeners.take();
        assert_eq!((report.changed.as_slice(), report.holds), ([(id, None)].as_slice(), false));
        listeners.reported(&report, &[id]);
        drop(first);
        let report = listeners.take();
        assert!(report.changed.is_empty() && report.holds);
        clock.advance(TimeDelta::seconds(3));
        drop(second);
        let report = listeners.take();
        assert_eq!((report.changed.as_slice(), report.holds), ([(id, Some(clock.now()))].as_slice(), false));
        assert!(listeners.state().open.is_empty());
    }

    #[test]
    fn an_approval_without_abandon_after_is_reported_once() {
        let (listeners, _) = listeners();
        let call = listeners.listen(approval(1));
        let report = listeners.take();
        listeners.reported(&report, &[]);
        assert!(!listeners.take().holds);
        drop(call);
        assert!(listeners.take().changed.is_empty());
    }

    #[test]
    fn what_could_not_be_reported_comes_with_the_next_report() {
        let (listeners, clock) = listeners();
        let (one, other) = (listeners.listen(approval(1)), listeners.listen(approval(2)));
        let report = listeners.take();
        drop(other);
        listeners.restore(report);
        let changed = [(approval(1).uuid(), None), (approval(2).uuid(), Some(clock.now()))];
        assert_eq!(listeners.take().changed, changed);
        drop(one);
    }
}
