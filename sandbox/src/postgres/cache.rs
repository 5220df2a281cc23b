//! The cache folder for Postgres programs that were not installed on this machine.

use std::env;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::binaries::Binaries;

/// A folder with one subfolder for each set of programs. The sandbox stores downloaded programs nowhere else.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// One set of programs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The name of its folder in the cache.
    pub(super) name: &'static str,
    /// The folder inside it that contains the programs.
    pub(super) programs: &'static str,
}

impl Cache {
    /// `/var/cache/countersign/postgresql` for root, because the server's user can read it and only root can write to
    /// it. `countersign/postgresql` in `$XDG_CACHE_HOME` or `~/.cache` for other users, `None` if there is no home.
    pub(super) fn of_user() -> Option<Self> {
        let base = if rustix::process::geteuid().is_root() {
            PathBuf::from("/var/cache")
        } else {
            let given = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            given.or_else(|| env::home_dir().map(|home| home.join(".cache")))?
        };
        Some(Self::at(base.join("countersign").join("postgresql")))
    }

    pub(super) const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The programs that an earlier run stored here, if they still run.
    pub(super) fn find(&self, entry: Entry) -> Option<Binaries> {
        Binaries::check(&self.folder.join(entry.name).join(entry.programs)).ok()
    }

    /// Stores the programs that `fill` writes to the folder it receives. If several processes call this, one fills the
    /// folder and the others wait for it. Stores nothing if `fill` fails or the programs don't run.
    ///
    /// # Errors
    /// The reason as text.
    pub(super) async fn install(
        &self,
        entry: Entry,
        fill: impl AsyncFnOnce(&Path) -> Result<(), String>,
    ) -> Result<Binaries, String> {
        let refused = |error: io::Error| format!("could not write to {}: {error}", self.folder.display());
        fs::create_dir_all(&self.folder).map_err(refused)?;
        // The lock is held until this function returns or the process ends.
        let lock = File::create(self.folder.join("lock")).map_err(refused)?;
        lock.lock().map_err(refused)?;
        if let Some(binaries) = self.find(entry) {
            return Ok(binaries);
        }
        let (partial, folder) =
            (self.folder.join(format!("{}.partial", entry.name)), self.folder.join(entry.name));
        remove(&partial).and_then(|()| fs::create_dir(&partial)).map_err(refused)?;
        let filled = match fill(&partial).await {
            Ok(()) => self.check_and_keep(&partial, &folder, entry),
            Err(why) => Err(why),
        };
        if filled.is_err() {
            remove(&partial).map_err(refused)?;
        }
        filled
    }

    fn check_and_keep(&self, partial: &Path, folder: &Path, entry: Entry) -> Result<Binaries, String> {
        let refused = |error: io::Error| format!("could not write to {}: {error}", self.folder.display());
        make_readable(partial).map_err(refused)?;
        for folder in self.folder.ancestors().take(2) {
            fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(refused)?;
        }
        let does_not_run = "what it gave does not run on this machine";
        Binaries::check(&partial.join(entry.programs)).map_err(|_| does_not_run)?;
        remove(folder).and_then(|()| fs::rename(partial, folder)).map_err(refused)?;
        self.find(entry).ok_or_else(|| does_not_run.to_owned())
    }
}

/// Removes a folder if it exists.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Lets every user read the files and run those in folders called `bin`. The server may run as another user, the umask
/// may forbid access, and not every archive marks its programs as executable.
fn make_readable(folder: &Path) -> io::Result<()> {
    let programs = folder.file_name().is_some_and(|name| name == "bin");
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            make_readable(&entry.path())?;
        } else if kind.is_file() {
            let mode = entry.metadata()?.permissions().mode() | if programs { 0o755 } else { 0o644 };
            fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}
