//! Verifying a log's files offline: that nothing of what a checkpoint sealed is missing, changed, moved or added.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{CHECKPOINT, Layout};
use crate::{
    domain::sealing::{Field, Opening, Position, Record},
    jose::keys::PublicKey,
    tlog::{
        merkle::{Frontier, Hash, TILE_HEIGHT},
        note::{self, Checkpoint, NoteError, Opened, Verifier},
        tiles::{self, Tile, WIDTH},
    },
};

/// How many faults are listed. The others are counted.
const LISTED: usize = 50;

/// The largest file that is read, in bytes: a bundle of the longest entries.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The keys of the log and of its witnesses.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Keys of the service, for whichever of its logs.
    pub service: Vec<PublicKey>,
    /// Keys of this log.
    pub log: Vec<Verifier>,
    /// Keys of witnesses.
    pub witnesses: Vec<Verifier>,
}

impl Keys {
    /// Opens a checkpoint.
    pub fn open(&self, note: &str) -> Result<Opened, NoteError> {
        let origin = note::origin(note).unwrap_or_default();
        let of_service = self.service.iter().map(|key| Verifier::of_log(origin, *key));
        let log: Vec<Verifier> = self.log.iter().cloned().chain(of_service).collect();
        note::open(note, &log, &self.witnesses)
    }
}

/// An earlier checkpoint, with a name for it.
#[derive(Debug, Clone)]
pub struct Since {
    /// For instance its file.
    pub name: String,
    /// What it says.
    pub checkpoint: Checkpoint,
}

/// Why a directory can't be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file can't be read.
    #[error("could not read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error.
        error: io::Error,
    },
}

/// What is wrong with an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The checkpoint is not one that a known key signed.
    Checkpoint(NoteError),
    /// The earlier checkpoint is of another log.
    OtherLog(String, String),
    /// The earlier checkpoint has more entries.
    Shorter(String, u64),
    /// The entries do not lead to the earlier checkpoint.
    Rewritten(String, u64),
    /// The entries do not lead to the checkpoint.
    Root,
    /// An entry is not the one that was sealed.
    Changed(u64),
    /// An entry is missing.
    Missing(u64),
    /// An entry can't be read.
    Unreadable(u64, String),
    /// An entry stands before one that it follows in the audit.
    Order(u64),
    /// A value is not the one that the record commits to.
    Value(u64, Vec<Field>),
    /// The values of a record are missing.
    NoValues(u64),
    /// Hashes of the tree are missing, or are others than those of the entries.
    Hashes(u8, Tile),
    /// There are more or fewer records than the checkpoint has.
    Bundle(Tile),
    /// An entry was put into the audit without being sealed.
    Added(String, String),
    /// A line of the list of unsealed entries can't be read.
    Unsealed(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(why) => write!(f, "The checkpoint is not valid: {why}."),
            Self::OtherLog(name, origin) => write!(f, "{name} is a checkpoint of another log, {origin}."),
            Self::Shorter(name, size) => {
                write!(f, "Entries are missing at the end: {name} sealed {size} of them.")
            }
            Self::Rewritten(name, size) => {
                write!(f, "The log was rewritten: the first {size} entries are not those that {name} sealed.")
            }
            Self::Root => f.write_str("The entries are not those that the checkpoint seals."),
            Self::Changed(number) => write!(f, "Entry {number} was changed after it was sealed."),
            Self::Missing(number) => write!(f, "Entry {number} is missing."),
            Self::Unreadable(number, why) => write!(f, "Entry {number} can't be read: it {why}."),
            Self::Order(number) => write!(f, "Entry {number} is not in the order of the audit."),
            Self::Value(number, fields) => {
                let names: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
                write!(f, "Entry {number} was changed after it was sealed: {}.", names.join(", "))
            }
            Self::NoValues(number) => write!(f, "The values of entry {number} are missing."),
            Self::Hashes(level, tile) => {
                let width = WIDTH.pow(u32::from(*level) + 1);
                let (first, last) =
                    (tile.index * width, tile.index * width + (width / WIDTH) * tile.width - 1);
                write!(
                    f,
                    "The hashes of entries {first} to {last} are missing or were changed (level {level})."
                )
            }
            Self::Bundle(tile) => {
                let first = tile.index * WIDTH;
                let last = first + tile.width - 1;
                write!(f, "The file of entries {first} to {last} has more or fewer entries, or is damaged.")
            }
            Self::Added(position, what) => {
                write!(
                    f,
                    "The entry {position:?} ({what:?}) was put among sealed entries, and is not sealed."
                )
            }
            Self::Unsealed(line) => write!(f, "Line {line} of the list of unsealed entries can't be read."),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What the checkpoint says, if it is valid.
    pub checkpoint: Option<Checkpoint>,
    /// The witnesses that cosigned it.
    pub witnesses: Vec<String>,
    /// How many entries were compared with their hashes.
    pub entries: u64,
    /// How many entries are proven only by their hashes.
    pub hashes_only: u64,
    /// Entries that were not sealed yet: nothing is claimed of them.
    pub unsealed: Vec<String>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// How many more faults there are.
    pub more: usize,
}

impl Report {
    /// Whether everything is as it was sealed.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < LISTED { self.faults.push(fault) } else { self.more += 1 }
    }
}

/// Verifies the log in a directory. Entries before the number `first` may be missing: they are proven by their hashes only.
pub fn verify(directory: &Path, keys: &Keys, since: &[Since], first: u64) -> Result<Report, VerifyError> {
    let layout = Layout::new(directory);
    let path = directory.join(CHECKPOINT);
    let note =
        read(&path)?.ok_or_else(|| VerifyError::Read { path, error: io::ErrorKind::NotFound.into() })?;
    let mut report = Report::default();
    let opened = String::from_utf8(note)
        .map_err(|_| NoteError::Form("it is not text"))
        .and_then(|note| keys.open(&note));
    let opened = match opened {
        Ok(opened) => opened,
        Err(why) => {
            report.fault(Fault::Checkpoint(why));
            return Ok(report);
        }
    };
    let checkpoint = opened.checkpoint;
    report.witnesses = opened.witnesses;
    report.checkpoint = Some(checkpoint.clone());
    let mut earlier = Vec::new();
    for Since { name, checkpoint: old } in since {
        if old.origin != checkpoint.origin {
            report.fault(Fault::OtherLog(name.clone(), old.origin.clone()));
        } else if old.size > checkpoint.size {
            report.fault(Fault::Shorter(name.clone(), old.size));
        } else {
            earlier.push((old, name));
        }
    }
    let mut log = Log { layout, first, report, tree: Frontier::default(), above: Vec::new(), last: None };
    log.compare(&earlier);
    for tile in tiles::added(0, 0, checkpoint.size) {
        log.read_tile(tile, &earlier)?;
    }
    log.end(&checkpoint)?;
    Ok(log.report)
}

/// The part of a log that was read.
struct Log {
    layout: Layout,
    first: u64,
    report: Report,
    tree: Frontier,
    /// The computed hashes of level 1 and above.
    above: Vec<Vec<Hash>>,
    /// The place of the last entry in the audit.
    last: Option<Position>,
}

impl Log {
    fn read_tile(&mut self, tile: Tile, earlier: &[(&Checkpoint, &String)]) -> Result<(), VerifyError> {
        let stored = self.hashes(0, tile)?;
        if stored.is_none() {
            self.report.fault(Fault::Hashes(0, tile));
        }
        let bundle = part(tile, |tile| self.layout.entries(tile))?;
        let mut records = bundle.as_deref().and_then(tiles::entries);
        if bundle.is_some() && records.is_none() {
            self.report.fault(Fault::Bundle(tile));
        }
        if let Some((records, bundle)) = records.as_mut().zip(bundle.as_deref()) {
            // A full file was read for a part of it: the rest is beyond this checkpoint.
            if (records.len() as u64) > tile.width && !tile.is_full() && !self.layout.entries(tile).exists() {
                records.truncate(usize::try_from(tile.width).unwrap_or(usize::MAX));
            } else if records.len() as u64 != tile.width || bundle.is_empty() {
                self.report.fault(Fault::Bundle(tile));
            }
        }
        let openings = part(tile, |tile| self.layout.openings(tile))?.unwrap_or_default();
        let mut openings = openings.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
        for place in 0..tile.width {
            let number = tile.index * WIDTH + place;
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let hash = stored.as_ref().and_then(|stored| stored.get(place).copied());
            let record = records.as_ref().and_then(|records| records.get(place).copied());
            let leaf = match record.filter(|record| !record.is_empty()) {
                None => {
                    if number < self.first && hash.is_some() {
                        self.report.hashes_only += 1;
                    } else {
                        self.report.fault(Fault::Missing(number));
                    }
                    hash.unwrap_or_else(Hash::of_nothing)
                }
                Some(record) => {
                    let leaf = Hash::of_leaf(record);
                    // A line belongs to the entry that it names. One of a missing entry is passed over.
                    let mut opening = None;
                    while let Some(line) = openings.peek() {
                        match Opening::read(line) {
                            Ok(read) if read.number > number => break,
                            Ok(read) if read.number == number => {
                                opening = Some(read);
                                openings.next();
                                break;
                            }
                            _ => {
                                openings.next();
                            }
                        }
                    }
                    if hash.is_some_and(|hash| hash != leaf) {
                        self.report.fault(Fault::Changed(number));
                    } else {
                        self.read_record(number, record, opening.as_ref());
                    }
                    self.report.entries += 1;
                    hash.unwrap_or(leaf)
                }
            };
            self.push(leaf);
            self.compare(earlier);
        }
        // The rest of a full file that was read for a part of it is beyond this checkpoint.
        if openings.peek().is_some() && self.layout.openings(tile).exists() {
            self.report.fault(Fault::Bundle(tile));
        }
        Ok(())
    }

    fn read_record(&mut self, number: u64, record: &[u8], opening: Option<&Opening>) {
        let record = match Record::read(record) {
            Ok(record) => record,
            Err(why) => {
                let why = if why.starts_with("has ") { why } else { format!("is not valid JSON: {why}") };
                return self.report.fault(Fault::Unreadable(number, why));
            }
        };
        match record.position.parse::<Position>() {
            Ok(position) if self.last.is_none_or(|last| last < position) => self.last = Some(position),
            _ => self.report.fault(Fault::Order(number)),
        }
        match opening {
            None if number < self.first => {}
            None => self.report.fault(Fault::NoValues(number)),
            Some(opening) => {
                let changed = record.changed(opening);
                if !changed.is_empty() {
                    self.report.fault(Fault::Value(number, changed));
                }
            }
        }
    }

    fn push(&mut self, leaf: Hash) {
        let above = &mut self.above;
        self.tree.push(leaf, |subtree, hash| {
            if subtree.height > 0 && subtree.height.is_multiple_of(TILE_HEIGHT) {
                let level = (subtree.height / TILE_HEIGHT) as usize;
                if above.len() < level {
                    above.push(Vec::new());
                }
                above[level - 1].push(hash);
            }
        });
    }

    /// Compares the tree with the earlier checkpoints of its size.
    fn compare(&mut self, earlier: &[(&Checkpoint, &String)]) {
        for (checkpoint, name) in earlier {
            if checkpoint.size == self.tree.size() && checkpoint.root != self.tree.root() {
                self.report.fault(Fault::Rewritten((*name).clone(), checkpoint.size));
            }
        }
    }

    fn end(&mut self, checkpoint: &Checkpoint) -> Result<(), VerifyError> {
        for level in tiles::levels(checkpoint.size).skip(1) {
            for tile in tiles::added(level, 0, checkpoint.size) {
                let stored = self.hashes(level, tile)?;
                let first = usize::try_from(tile.index * WIDTH).unwrap_or(usize::MAX);
                let computed = self.above.get(usize::from(level) - 1).and_then(|hashes| hashes.get(first..));
                let computed = computed
                    .map(|hashes| &hashes[..hashes.len().min(usize::try_from(tile.width).unwrap_or(0))]);
                if stored.as_deref() != computed {
                    self.report.fault(Fault::Hashes(level, tile));
                }
            }
        }
        if self.tree.root() != checkpoint.root {
            self.report.fault(Fault::Root);
        }
        let lines = read(&self.layout.unsealed())?.unwrap_or_default();
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for (line, number) in lines.zip(1..) {
            let Ok(entry) = serde_json::from_slice::<Unsealed>(line) else {
                self.report.fault(Fault::Unsealed(number));
                continue;
            };
            match entry.position.parse::<Position>() {
                Ok(position) if self.last.is_none_or(|last| last < position) => {
                    let Unsealed { position, at, what } = entry;
                    self.report.unsealed.push(format!("{position} of {at}: {what}"));
                }
                _ => self.report.fault(Fault::Added(entry.position, entry.what)),
            }
        }
        Ok(())
    }

    /// The hashes of a tile. `None`: they are missing, or not that many.
    fn hashes(&self, level: u8, tile: Tile) -> Result<Option<Vec<Hash>>, VerifyError> {
        let Some(mut bytes) = part(tile, |tile| self.layout.hashes(level, tile))? else { return Ok(None) };
        let length = usize::try_from(tile.width * 32).unwrap_or(usize::MAX);
        if bytes.len() > length && !tile.is_full() && !self.layout.hashes(level, tile).exists() {
            bytes.truncate(length);
        }
        let (hashes, rest) = bytes.as_chunks::<32>();
        let complete = rest.is_empty() && hashes.len() as u64 == tile.width;
        Ok(complete.then(|| hashes.iter().copied().map(Hash).collect()))
    }
}

/// A line of the list of unsealed entries.
#[derive(Deserialize)]
struct Unsealed {
    position: String,
    at: String,
    what: String,
}

/// A file of a tile, or of the full tile if this part of it was deleted since.
fn part(tile: Tile, path: impl Fn(Tile) -> PathBuf) -> Result<Option<Vec<u8>>, VerifyError> {
    match read(&path(tile))? {
        None if !tile.is_full() => read(&path(Tile { width: WIDTH, ..tile })),
        found => Ok(found),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, VerifyError> {
    let size = match fs::metadata(path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(VerifyError::Read { path: path.to_owned(), error }),
    };
    if size > LARGEST {
        let error = io::Error::other("it is larger than 64 MiB");
        return Err(VerifyError::Read { path: path.to_owned(), error });
    }
    fs::read(path).map(Some).map_err(|error| VerifyError::Read { path: path.to_owned(), error })
}
