//! Who waits for which approval to end, on this instance. One listening connection wakes them all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, futures::Notified};
use uuid::Uuid;

use crate::domain::ids::ApprovalId;

/// The waiters. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Endings(Arc<Mutex<HashMap<Uuid, Entry>>>);

#[derive(Debug, Default)]
struct Entry {
    ended: Arc<Notify>,
    waiters: usize,
}

/// A place among the waiters, given up when it is dropped.
#[derive(Debug)]
pub struct Waiter {
    endings: Endings,
    id: Uuid,
    ended: Arc<Notify>,
}

impl Endings {
    /// Waits for an approval. Whoever waits subscribes first and reads the state afterwards, so that no end is missed.
    #[must_use]
    pub fn subscribe(&self, id: ApprovalId) -> Waiter {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = waiting.entry(id.uuid()).or_default();
        entry.waiters += 1;
        Waiter { endings: self.clone(), id: id.uuid(), ended: entry.ended.clone() }
    }

    /// Wakes those who wait for this approval.
    pub fn wake(&self, id: Uuid) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = waiting.get(&id) {
            entry.ended.notify_waiters();
        }
    }

    /// Wakes everybody: something may have been missed, or the service shuts down.
    pub fn wake_all(&self) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.values().for_each(|entry| entry.ended.notify_waiters());
    }
}

impl Waiter {
    /// The next wake. Whoever waits enables it (`Notified::enable`) before reading the state, so that a wake between
    /// the two is not lost.
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
