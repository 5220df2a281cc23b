//! The audit log as a directory of files: the layout of C2SP tlog-tiles, and beside it the lines that open the entries'
//! commitments.
//!
//! | path | has |
//! | --- | --- |
//! | `checkpoint` | the signed state of the log; written last |
//! | `tile/0/…`, `tile/1/…` | the hashes of the tree |
//! | `tile/entries/…` | the entries' records |
//! | `openings/…` | a JSON value a line: what each record commits to, with its salt |
//! | `unsealed` | a JSON value a line: entries that were not in the log yet |

pub mod verify;
pub mod write;

use std::path::{Path, PathBuf};

use crate::tlog::tiles::Tile;

/// The file of the checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// The file of the entries that are not in the log.
pub const UNSEALED: &str = "unsealed";

/// The files of a log.
#[derive(Debug, Clone)]
pub struct Layout(PathBuf);

impl Layout {
    /// The files in this directory.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    fn checkpoint(&self) -> PathBuf {
        self.0.join(CHECKPOINT)
    }

    fn unsealed(&self) -> PathBuf {
        self.0.join(UNSEALED)
    }

    fn hashes(&self, level: u8, tile: Tile) -> PathBuf {
        self.0.join(format!("tile/{level}/{}", tile.path()))
    }

    fn entries(&self, tile: Tile) -> PathBuf {
        self.0.join(format!("tile/entries/{}", tile.path()))
    }

    fn openings(&self, tile: Tile) -> PathBuf {
        self.0.join(format!("openings/{}", tile.path()))
    }
}
