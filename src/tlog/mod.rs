//! A transparency log: a Merkle tree (RFC 9162), its tiles, signed checkpoints and proofs, in the formats of C2SP
//! (tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-proof). Pure: no database, no files, no clock.

pub mod merkle;
pub mod note;
pub mod proof;
pub mod tiles;
