//! Calls with keys that this instance has not yet seen to be valid. Only a few of them query the database at a time, so
//! that forged keys can't take its connections from Slack and the backends.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::{Kind, Problem};

/// How many keys are looked up at once.
const AT_ONCE: usize = 4;
/// How many keys are looked up or wait for that.
const QUEUE: usize = 64;

/// The queue of calls with unknown keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UnknownKeys {
    line: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// The right to look a key up, until it is dropped.
#[derive(Debug)]
pub struct LookupPermit {
    _line: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

impl Default for UnknownKeys {
    fn default() -> Self {
        Self { line: Arc::new(Semaphore::new(QUEUE)), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl UnknownKeys {
    /// Waits for the right to look a key up. Refuses at once if the queue is full.
    pub async fn turn(&self) -> Result<LookupPermit, Problem> {
        let crowded = || Problem::new(Kind::Unavailable).after(1);
        let line = self.line.clone().try_acquire_owned().map_err(|_| crowded())?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| crowded())?;
        Ok(LookupPermit { _line: line, _turn: turn })
    }
}
