//! Writing a log's files. Each appears whole or not: it is written under another name, forced to the disk and renamed. The
//! checkpoint comes last, so that whatever it says is there.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::Layout;
use crate::tlog::{merkle::Hash, tiles::Tile};

/// A directory that is written to by one process at a time.
#[derive(Debug)]
pub struct Writer {
    layout: Layout,
    /// Its lock ends with it.
    _lock: fs::File,
}

/// Why a directory can't be written to.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Another process writes to it.
    #[error("another process writes to {}", .0.display())]
    Busy(PathBuf),
    /// The system's error.
    #[error("could not write {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        error: io::Error,
    },
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    |error| WriteError::Io { path, error }
}

impl Writer {
    /// Makes the directory if there is none, and locks it.
    pub fn open(directory: &Path) -> Result<Self, WriteError> {
        fs::create_dir_all(directory).map_err(io(directory))?;
        let path = directory.join(".lock");
        let lock = fs::File::options().create(true).append(true).open(&path).map_err(io(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { layout: Layout::new(directory), _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(WriteError::Busy(directory.to_owned())),
            Err(fs::TryLockError::Error(error)) => Err(io(&path)(error)),
        }
    }

    /// The checkpoint that the directory has.
    pub fn checkpoint(&self) -> Result<Option<String>, WriteError> {
        let path = self.layout.checkpoint();
        match fs::read_to_string(&path) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io(&path)(error)),
        }
    }

    /// Writes the checkpoint, after everything that it seals.
    pub fn write_checkpoint(&self, checkpoint: &str) -> Result<(), WriteError> {
        write(&self.layout.checkpoint(), checkpoint.as_bytes())
    }

    /// Writes hashes.
    pub fn write_hashes(&self, level: u8, tile: Tile, hashes: &[Hash]) -> Result<(), WriteError> {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        write(&self.layout.hashes(level, tile), &bytes)
    }

    /// Writes a bundle of records, and the lines that open them.
    pub fn write_entries(&self, tile: Tile, bundle: &[u8], openings: &[u8]) -> Result<(), WriteError> {
        write(&self.layout.openings(tile), openings)?;
        write(&self.layout.entries(tile), bundle)
    }

    /// Writes the list of entries that are not in the log.
    pub fn write_unsealed(&self, lines: &[u8]) -> Result<(), WriteError> {
        write(&self.layout.unsealed(), lines)
    }

    /// Deletes the parts of a tile that is full now. Readers of an earlier checkpoint read the full one.
    pub fn delete_partial(&self, level: u8, tile: Tile) -> Result<(), WriteError> {
        let mut full = vec![self.layout.hashes(level, tile)];
        if level == 0 {
            full.extend([self.layout.entries(tile), self.layout.openings(tile)]);
        }
        for path in full {
            let mut partial = path.into_os_string();
            partial.push(".p");
            match fs::remove_dir_all(&partial) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io(Path::new(&partial))(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory).map_err(io(directory))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = directory.join(name);
    let written = fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(io(&temporary))?;
    fs::rename(&temporary, path).map_err(io(path))?;
    // The name is on the disk only with the directory.
    fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(io(directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::tiles::WIDTH;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("countersign-write-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn one_process_writes_at_a_time() {
        let path = directory("lock");
        let first = Writer::open(&path).unwrap();
        assert!(matches!(Writer::open(&path), Err(WriteError::Busy(_))));
        drop(first);
        assert!(Writer::open(&path).is_ok());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn partial_tiles_go_once_the_full_one_is_there() {
        let path = directory("partial");
        let writer = Writer::open(&path).unwrap();
        let (partial, full) = (Tile { index: 0, width: 3 }, Tile { index: 0, width: WIDTH });
        writer.write_hashes(0, partial, &[Hash([1; 32]); 3]).unwrap();
        writer.write_entries(partial, b"a", b"b").unwrap();
        assert_eq!(fs::read(path.join("tile/0/000.p/3")).unwrap().len(), 96);
        writer.write_hashes(0, full, &[Hash([1; 32]); 256]).unwrap();
        writer.write_entries(full, b"c", b"d").unwrap();
        writer.delete_partial(0, full).unwrap();
        writer.delete_partial(0, full).unwrap();
        assert!(!path.join("tile/0/000.p").exists() && !path.join("openings/000.p").exists());
        assert_eq!(fs::read(path.join("tile/entries/000")).unwrap(), b"c");
        writer.write_checkpoint("one").unwrap();
        writer.write_checkpoint("two").unwrap();
        assert_eq!(writer.checkpoint().unwrap().as_deref(), Some("two"));
        let left: Vec<_> = fs::read_dir(&path).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{left:?}");
        fs::remove_dir_all(path).unwrap();
    }
}
