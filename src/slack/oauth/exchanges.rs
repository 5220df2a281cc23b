//! Limits the exchanges of codes at Slack. Anyone can send a meaningless code, which must neither use up the
//! connections nor the app's rate limit at Slack.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const SLOTS: usize = 8;
const QUEUE: usize = 64;
/// Longest wait for a free slot.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The slots, and the queue for them. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Exchanges {
    queue: Arc<Semaphore>,
    slots: Arc<Semaphore>,
}

impl Default for Exchanges {
    fn default() -> Self {
        Self { queue: Arc::new(Semaphore::new(QUEUE)), slots: Arc::new(Semaphore::new(SLOTS)) }
    }
}

impl Exchanges {
    /// Waits for a slot, which is free again when the permits are dropped. `None`: the queue is full, or the wait took
    /// too long.
    pub(super) async fn slot(&self) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let queue = self.queue.clone().try_acquire_owned().ok()?;
        let slot = tokio::time::timeout(LONGEST_WAIT, self.slots.clone().acquire_owned()).await.ok()?.ok()?;
        Some((queue, slot))
    }
}
