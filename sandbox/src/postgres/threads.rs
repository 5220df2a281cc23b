//! Runs work outside the caller's async runtime.
//!
//! Every test of a test binary has its own runtime, possibly with a paused clock, and one Postgres outlives them all.
//! So nothing here runs on the caller's runtime: each call starts a thread with a small runtime of its own.

use std::thread;

use tokio::runtime;
use tokio::sync::oneshot;

use super::PostgresError;

/// Runs `work` on a new thread and awaits its result. The work may block.
///
/// # Errors
/// The error of `work`, or [`PostgresError::GivenUp`] if it panicked or no thread could be started.
pub(super) async fn run_on_thread<Work, Done, T>(work: Work) -> Result<T, PostgresError>
where
    Work: FnOnce() -> Done + Send + 'static,
    Done: Future<Output = Result<T, PostgresError>>,
    T: Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new()
        .name("sandbox-postgres".to_owned())
        .spawn(move || {
            // Sending fails if the caller stopped waiting. The work is complete either way.
            let _ = sender.send(run(work));
        })
        .map_err(|_| PostgresError::GivenUp)?;
    receiver.await.map_err(|_| PostgresError::GivenUp)?
}

/// Like [`run_on_thread`] for callers without a runtime: blocks the calling thread.
///
/// # Errors
/// As [`run_on_thread`].
pub(super) fn run_on_thread_blocking<Work, Done, T>(work: Work) -> Result<T, PostgresError>
where
    Work: FnOnce() -> Done + Send + 'static,
    Done: Future<Output = Result<T, PostgresError>>,
    T: Send + 'static,
{
    thread::spawn(move || run(work)).join().map_err(|_| PostgresError::GivenUp)?
}

fn run<Work, Done, T>(work: Work) -> Result<T, PostgresError>
where
    Work: FnOnce() -> Done,
    Done: Future<Output = Result<T, PostgresError>>,
{
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(|_| PostgresError::GivenUp)?;
    runtime.block_on(work())
}
