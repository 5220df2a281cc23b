//! Work done beside the caller's async runtime.
//!
//! In a test binary every test has a runtime of its own, possibly with a paused clock, and a Postgres outlives them all. So
//! nothing here runs on the caller's runtime: each piece of work gets a thread with a small runtime of its own.

use std::thread;

use tokio::runtime;
use tokio::sync::oneshot;

use super::PostgresError;

/// Runs `work` on a thread of its own and awaits what it gives. The work may block.
///
/// # Errors
/// What `work` returns, or [`PostgresError::GivenUp`] if it panicked or no thread could be had.
pub(super) async fn aside<Work, Done, T>(work: Work) -> Result<T, PostgresError>
where
    Work: FnOnce() -> Done + Send + 'static,
    Done: Future<Output = Result<T, PostgresError>>,
    T: Send + 'static,
{
    let (tell, told) = oneshot::channel();
    thread::Builder::new()
        .name("sandbox-postgres".to_owned())
        .spawn(move || {
            // Nobody listens any more if the caller was dropped: the work is done all the same.
            let _ = tell.send(run(work));
        })
        .map_err(|_| PostgresError::GivenUp)?;
    told.await.map_err(|_| PostgresError::GivenUp)?
}

/// The same for callers without a runtime: waits on the calling thread.
///
/// # Errors
/// As [`aside`].
pub(super) fn aside_blocking<Work, Done, T>(work: Work) -> Result<T, PostgresError>
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
