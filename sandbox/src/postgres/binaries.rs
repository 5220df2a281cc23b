//! The Postgres programs installed on this machine.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::OLDEST_MAJOR_VERSION;

/// A folder with `initdb` and `postgres`, both of the same supported version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    folder: PathBuf,
    major: u32,
}

/// Why a search found no usable binaries.
#[derive(Debug, Default)]
pub(super) struct NotFound {
    too_old: BTreeSet<String>,
}

impl NotFound {
    /// The reason as text, for an error message.
    pub(super) fn reason(&self) -> String {
        if self.too_old.is_empty() {
            "no initdb and postgres on this machine".to_owned()
        } else {
            let versions: Vec<&str> = self.too_old.iter().map(String::as_str).collect();
            format!("this machine has only version {}", versions.join(", "))
        }
    }
}

impl Binaries {
    /// The first usable binaries on this machine: on the `PATH`, then where `pg_config` points, then where the packages
    /// of common systems install them, newest version first.
    pub(super) fn find() -> Result<Self, NotFound> {
        let mut not_found = NotFound::default();
        for folder in candidates() {
            match Self::check(&folder) {
                Ok(binaries) => return Ok(binaries),
                Err(Some(version)) => _ = not_found.too_old.insert(version),
                Err(None) => {}
            }
        }
        Err(not_found)
    }

    /// The binaries in `folder`, if both exist, run, and are of a supported version. The error is the version if it is
    /// too old, `None` otherwise.
    pub(super) fn check(folder: &Path) -> Result<Self, Option<String>> {
        // A link on the PATH (/usr/local/bin/postgres) points into the folder that holds all of the programs.
        let postgres = fs::canonicalize(folder.join("postgres")).map_err(|_| None)?;
        let folder = postgres.parent().ok_or(None)?.to_owned();
        if !folder.join("initdb").is_file() {
            return Err(None);
        }
        let version = output(Command::new(&postgres).arg("--version")).ok_or(None)?;
        match major_version(&version) {
            Some(major) if major >= OLDEST_MAJOR_VERSION => Ok(Self { folder, major }),
            Some(major) => Err(Some(major.to_string())),
            None => Err(None),
        }
    }

    /// The version, such as 15.
    pub(super) const fn major(&self) -> u32 {
        self.major
    }

    /// The path of one of the programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn candidates() -> impl Iterator<Item = PathBuf> {
    let on_path: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    let configured = output(Command::new("pg_config").arg("--bindir")).map(|text| PathBuf::from(text.trim()));
    // Debian and Ubuntu; PGDG on Fedora and RHEL; Arch, from source; Homebrew on ARM and Intel; MacPorts; Postgres.app.
    let versioned = [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/opt/local/lib", "postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ];
    let fixed = ["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from);
    on_path
        .into_iter()
        .chain(configured)
        .chain(versioned.into_iter().flat_map(|(parent, prefix, inner)| newest_first(parent, prefix, inner)))
        .chain(fixed)
}

/// The folders `parent/prefix…/inner`, highest number in their name first.
fn newest_first(parent: &str, prefix: &str, inner: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let rest = name.strip_prefix(prefix)?;
            Some((first_number(rest).unwrap_or(0), entry.path().join(inner)))
        })
        .collect();
    found.sort_by_key(|(version, _)| Reverse(*version));
    found.into_iter().map(|(_, path)| path).collect()
}

/// Returns 15 for `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_version(text: &str) -> Option<u32> {
    first_number(text.split_once("PostgreSQL)")?.1)
}

pub(super) fn first_number(text: &str) -> Option<u32> {
    let digits = text.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty())?;
    digits.parse().ok()
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

#[cfg(test)]
mod tests {
    use super::{Binaries, NotFound, first_number, major_version};

    #[test]
    fn the_version_is_read_from_postgres_output() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 19devel\n"), Some(19));
        assert_eq!(major_version("initdb 3"), None);
        assert_eq!(first_number("@16"), Some(16));
    }

    #[test]
    fn a_folder_without_the_programs_is_not_used() {
        assert_eq!(Binaries::check("/nonexistent".as_ref()).unwrap_err(), None);
    }

    #[test]
    fn an_old_version_is_reported() {
        let mut not_found = NotFound::default();
        assert_eq!(not_found.reason(), "no initdb and postgres on this machine");
        not_found.too_old.insert("9".to_owned());
        assert_eq!(not_found.reason(), "this machine has only version 9");
    }
}
