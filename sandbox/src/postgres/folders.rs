//! The folders that servers of our own live in: fresh ones, and those that were left behind.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, geteuid};

use super::databases::is_dead;
use super::user::User;
use super::watchdog::Watchdog;
use super::{PostgresError, machine};

/// What the names of all of this machine's begin with; the id of the process that made it follows.
pub(super) fn family() -> String {
    format!("countersign-postgres-{:08x}-", machine())
}

/// An empty folder in `parent`, its maker's alone.
///
/// # Errors
/// [`PostgresError::Io`] if it can't be made.
pub(super) fn fresh(parent: &Path) -> Result<PathBuf, PostgresError> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("{}{}-{number}", family(), process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            // Left by a process that had our id, or put there by somebody else.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 10_000 => {}
            Err(error) => return Err(PostgresError::io("create", folder)(error)),
        }
    }
}

/// Clears away what dead processes of this machine left in `parent`, with the servers that may still run there: their
/// watchdogs were killed as well. `user`: whom servers run as.
pub(super) fn sweep(parent: &Path, user: Option<User>) {
    let family = family();
    let owner = user.map_or_else(|| geteuid().as_raw(), |user| user.uid);
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(&family)?.split('-').next()?.parse().ok());
        let ours = entry.metadata().is_ok_and(|data| data.is_dir() && data.uid() == owner);
        if ours && pid.and_then(Pid::from_raw).is_some_and(is_dead) {
            // A watchdog whose owner is gone at once. One that is still at it elsewhere gets there all the same.
            drop(Watchdog::for_server(&entry.path(), user));
        }
    }
}
