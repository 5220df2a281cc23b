//! Limits the exchanges of codes at Slack. Anyone can send a meaningless code, which must neither use up the
//! connections nor the app's rate limit at Slack.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const AT_ONCE: usize = 8;
const IN_LINE: usize = 64;
/// Longest wait for a free slot.
const PATIENCE: Duration = Duration::from_secs(5);

/// The slots, and the queue for them. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Exchanges {
    line: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Exchanges {
    fn default() -> Self {
        Self { line: Arc::new(Semaphore::new(IN_LINE)), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Exchanges {
    /// Waits for a slot, which is free again when the permits are dropped. `None`: the queue is full, or the wait took
    /// too long.
    pub(super) async fn turn(&self) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let line = self.line.clone().try_acquire_owned().ok()?;
        let turn = tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await.ok()?.ok()?;
        Some((line, turn))
    }
}
