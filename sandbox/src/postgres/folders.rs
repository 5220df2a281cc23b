//! The folders of the servers that the sandbox starts: creates new ones and removes abandoned ones.

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

/// The prefix of all folder names of this machine. The id of the creating process follows it.
pub(super) fn family() -> String {
    format!("countersign-postgres-{:08x}-", machine())
}

/// Creates an empty folder in `parent` that only the current user can access.
///
/// # Errors
/// [`PostgresError::Io`] if it can't be created.
pub(super) fn create(parent: &Path) -> Result<PathBuf, PostgresError> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("{}{}-{number}", family(), process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            // The folder was left by a process that had our id, or created by another user.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 10_000 => {}
            Err(error) => return Err(PostgresError::io("create", folder)(error)),
        }
    }
}

/// Removes the folders that dead processes of this machine left in `parent`, and stops servers that still run there
/// because their watchdogs were killed too. Servers run as `user`.
pub(super) fn sweep(parent: &Path, user: Option<User>) {
    let family = family();
    let owner = user.map_or_else(|| geteuid().as_raw(), |user| user.uid);
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(&family)?.split('-').next()?.parse().ok());
        let ours = entry.metadata().is_ok_and(|data| data.is_dir() && data.uid() == owner);
        if ours && pid.and_then(Pid::from_raw).is_some_and(is_dead) {
            // A new watchdog whose owner is gone starts cleaning up immediately. If the folder's own watchdog is still
            // at work, both reach the same end.
            drop(Watchdog::for_server(&entry.path(), user));
        }
    }
}
