//! Long-polling requests that wait for approvals to end, on this instance. One listening connection wakes them all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, futures::Notified};
use uuid::Uuid;

use crate::domain::ids::ApprovalId;

/// The waiting requests. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Endings(Arc<Mutex<HashMap<Uuid, Entry>>>);

#[derive(Debug, Default)]
struct Entry {
    ended: Arc<Notify>,
    waiters: usize,
}

/// A waiting request's registration, removed on drop.
#[derive(Debug)]
pub struct Waiter {
    endings: Endings,
    id: Uuid,
    ended: Arc<Notify>,
}

impl Endings {
    /// Registers a waiting request. Callers register first and read the state afterwards, so that they can't miss the
    /// end.
    #[must_use]
    pub fn subscribe(&self, id: ApprovalId) -> Waiter {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = waiting.entry(id.uuid()).or_default();
        entry.waiters += 1;
        Waiter { endings: self.clone(), id: id.uuid(), ended: entry.ended.clone() }
    }

    /// Wakes the requests that wait for this approval.
    pub fn wake(&self, id: Uuid) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = waiting.get(&id) {
            entry.ended.notify_waiters();
        }
    }

    /// Wakes all waiting requests, because a notification may have been missed or the service shuts down.
    pub fn wake_all(&self) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.values().for_each(|entry| entry.ended.notify_waiters());
    }
}

impl Waiter {
    /// The next wake-up. Callers enable it (`Notified::enable`) before they read the state, so that a wake-up in
    /// between is not lost.
    pub fn woken(&self) -> Notified<'_> {
        self.ended.notified()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.endings.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = waiting.get_mut(&self.id) {
            entry.waiters -= 1;
            if entry.waiters == 0 {
                waiting.remove(&self.id);
            }
        }
    }
}
