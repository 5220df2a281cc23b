//! How many codes are exchanged at Slack at once. Anybody can bring a code that means nothing: that must neither take all
//! connections nor use up what Slack allows the app.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const AT_ONCE: usize = 8;
const IN_LINE: usize = 64;
/// How long a person may wait for their turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The line of those whose code is to be exchanged. Cheap to clone.
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
    /// Waits for a turn, which ends when it is dropped. `None`: too many wait, or it took too long.
    pub(super) async fn turn(&self) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let line = self.line.clone().try_acquire_owned().ok()?;
        let turn = tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await.ok()?.ok()?;
        Some((line, turn))
    }
}
