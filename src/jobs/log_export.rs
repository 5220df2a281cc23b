//! Copies what checkpoints seal to a directory.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    log_files::write::{WriteError, Writer},
    service::{
        Service, ServiceError,
        sealing::{self, Last},
    },
    tlog::{
        note::{self, Checkpoint, NoteError},
        tiles::{self, WIDTH},
    },
};

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log could not be read.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The directory can't be written to.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The directory's checkpoint can't be read.
    #[error("the file checkpoint in {} can't be used: {why}", directory.display())]
    Checkpoint {
        /// The directory.
        directory: PathBuf,
        /// The reason.
        why: NoteError,
    },
    /// The directory has another log.
    #[error(
        "{} has the log {found}, and the database {expected}: export to another directory", directory.display()
    )]
    OtherLog {
        /// The directory.
        directory: PathBuf,
        /// The log in it.
        found: String,
        /// The database's.
        expected: String,
    },
    /// The database does not have what was exported.
    #[error(
        "{} has {size} entries that the database does not have like this: it was restored from an older backup, or changed. \
         Export to another directory after `countersign audit begin-log`",
        directory.display()
    )]
    Ahead {
        /// The directory.
        directory: PathBuf,
        /// The size of its checkpoint.
        size: u64,
    },
    /// The task that writes files ended early.
    #[error("the files could not be written: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

/// A directory whose checkpoint the database continues.
#[derive(Debug)]
pub struct Target {
    writer: Arc<Writer>,
    /// How many entries it has.
    size: u64,
}

impl Target {
    /// Whether it has this checkpoint.
    #[must_use]
    pub const fn has(&self, last: &Last) -> bool {
        self.size == last.checkpoint.size
    }
}

/// Locks a directory, and compares what it has with the database. `last` is the database's last checkpoint.
///
/// Before a checkpoint is signed, this finds a database that lost sealed entries: to sign would be a fork.
pub async fn open(
    service: &Service,
    directory: &Path,
    last: Option<&Last>,
    origin: &str,
) -> Result<Target, ExportError> {
    let path = directory.to_owned();
    let (writer, found) = tokio::task::spawn_blocking(move || {
        let writer = Writer::open(&path)?;
        let found = writer.checkpoint()?;
        Ok::<_, WriteError>((Arc::new(writer), found))
    })
    .await??;
    let Some(found) = found else { return Ok(Target { writer, size: 0 }) };
    let directory = directory.to_owned();
    let Checkpoint { origin: of, size, root } = match note::read_unverified(&found) {
        Ok(checkpoint) => checkpoint,
        Err(why) => return Err(ExportError::Checkpoint { directory, why }),
    };
    if of != origin {
        return Err(ExportError::OtherLog { directory, found: of, expected: origin.to_owned() });
    }
    let is_last = last.is_some_and(|last| last.checkpoint.size == size && last.checkpoint.root == root);
    if !is_last && sealing::root_at(service, size).await? != Some(root) {
        return Err(ExportError::Ahead { directory, size });
    }
    Ok(Target { writer, size })
}

/// Writes what the directory does not have of this checkpoint, and the checkpoint last. `unsealed` are lines about entries that
/// are not in the log.
pub async fn write(
    service: &Service,
    target: &Target,
    last: &Last,
    unsealed: Vec<u8>,
) -> Result<(), ExportError> {
    let (old, size) = (target.size, last.checkpoint.size);
    for tile in tiles::added(0, old, size) {
        let first = tile.index * WIDTH;
        let part = sealing::entries(service, first..first + tile.width).await?;
        if part.entries.iter().all(Option::is_none) {
            // Dropped, as the retention time says.
            continue;
        }
        let (mut bundle, mut openings) = (Vec::new(), Vec::new());
        for line in part.lines(first) {
            let (record, opening) =
                line.map_or((Vec::new(), None), |(record, opening)| (record, Some(opening)));
            // A record is far shorter than the longest entry. An empty one stands for one that is missing.
            if !tiles::push_entry(&mut bundle, &record) {
                let _ = tiles::push_entry(&mut bundle, &[]);
            }
            if let Some(opening) = opening {
                openings.extend(opening.line());
                openings.push(b'\n');
            }
        }
        let writer = target.writer.clone();
        tokio::task::spawn_blocking(move || writer.write_entries(tile, &bundle, &openings)).await??;
    }
    for level in tiles::levels(size) {
        for tile in tiles::added(level, old, size) {
            let first = tile.index * WIDTH;
            let hashes = sealing::hashes(service, level, first..first + tile.width).await?;
            let writer = target.writer.clone();
            tokio::task::spawn_blocking(move || writer.write_hashes(level, tile, &hashes)).await??;
        }
    }
    let (writer, signed) = (target.writer.clone(), last.signed.clone());
    tokio::task::spawn_blocking(move || {
        writer.write_unsealed(&unsealed)?;
        writer.write_checkpoint(&signed)?;
        for level in tiles::levels(size) {
            for tile in tiles::added(level, old, size).filter(|tile| tile.is_full()) {
                writer.delete_partial(level, tile)?;
            }
        }
        Ok::<_, WriteError>(())
    })
    .await??;
    Ok(())
}

/// Copies the log to a directory, with a list of the entries that are not sealed. Returns the checkpoint. `None`: there is none.
pub async fn copy(service: &Service, directory: &Path) -> Result<Option<Last>, ExportError> {
    let Some(last) = sealing::last_checkpoint(service).await? else { return Ok(None) };
    let target = open(service, directory, Some(&last), &last.checkpoint.origin).await?;
    let unsealed = sealing::unsealed(service, last.checkpoint.size).await?;
    let lines = unsealed.iter().flat_map(|line| line.to_string().into_bytes().into_iter().chain([b'\n']));
    write(service, &target, &last, lines.collect()).await?;
    Ok(Some(last))
}
