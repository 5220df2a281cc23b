//! Where the parts of a log are kept (C2SP tlog-tiles), and bundles of entries.

use std::fmt::Write as _;

use super::merkle::TILE_HEIGHT;

/// How many hashes a full tile has, and how many entries a full bundle.
pub const WIDTH: u64 = 1 << TILE_HEIGHT;

/// The longest entry that a bundle can have, in bytes.
pub const LONGEST_ENTRY: usize = u16::MAX as usize;

/// One tile, or one bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// Its place within its level.
    pub index: u64,
    /// How much it has: from 1 to [`WIDTH`].
    pub width: u64,
}

impl Tile {
    /// Its path below the level's: groups of three digits, and the width if it is not full.
    #[must_use]
    pub fn path(self) -> String {
        let digits = self.index.to_string();
        let groups = digits.len().div_ceil(3);
        let padded = format!("{:0>1$}", digits, groups * 3);
        let mut path = String::new();
        for group in 0..groups {
            let is_last = group + 1 == groups;
            path.push_str(if is_last { "" } else { "x" });
            path.push_str(&padded[group * 3..group * 3 + 3]);
            path.push_str(if is_last { "" } else { "/" });
        }
        if self.width < WIDTH {
            let _ = write!(path, ".p/{}", self.width);
        }
        path
    }

    /// Whether it has all that it will ever have.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.width == WIDTH
    }
}

/// How many hashes a level of tiles has, in a tree of this size.
#[must_use]
pub const fn count(level: u8, size: u64) -> u64 {
    match size.checked_shr(TILE_HEIGHT * level as u32) {
        Some(count) => count,
        None => 0,
    }
}

/// The tiles of a level of which a tree of the size `new` has more than one of the size `old`.
pub fn added(level: u8, old: u64, new: u64) -> impl Iterator<Item = Tile> {
    let (old, new) = (count(level, old), count(level, new));
    let first = if old < new { old / WIDTH } else { new.div_ceil(WIDTH) };
    (first..new.div_ceil(WIDTH)).map(move |index| Tile { index, width: (new - index * WIDTH).min(WIDTH) })
}

/// The levels that a tree of this size has.
pub fn levels(size: u64) -> impl Iterator<Item = u8> {
    (0..8).take_while(move |level| count(*level, size) > 0)
}

/// Adds an entry to a bundle. `false`: it is too long for one.
#[must_use]
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else { return false };
    bundle.extend(length.to_be_bytes());
    bundle.extend(entry);
    true
}

/// The entries of a bundle. `None`: it ends within one.
#[must_use]
pub fn entries(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        bundle = rest;
    }
    bundle.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_groups_of_three_digits() {
        let path = |index, width| Tile { index, width }.path();
        assert_eq!(path(0, 256), "000");
        assert_eq!(path(999, 256), "999");
        assert_eq!(path(1000, 256), "x001/000");
        assert_eq!(path(1_234_067, 256), "x001/x234/067");
        assert_eq!(path(273, 112), "273.p/112");
        assert_eq!(path(1_234_067, 1), "x001/x234/067.p/1");
    }

    #[test]
    fn tiles_of_a_size_are_those_of_the_specification() {
        // 70,000 entries: 273 full tiles and one of 112; one full tile and one of 17; one of 1.
        let all = |level| added(level, 0, 70_000).collect::<Vec<_>>();
        assert_eq!(levels(70_000).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(all(0).len(), 274);
        assert_eq!(all(0)[273], Tile { index: 273, width: 112 });
        assert_eq!(all(1), [Tile { index: 0, width: 256 }, Tile { index: 1, width: 17 }]);
        assert_eq!(all(2), [Tile { index: 0, width: 1 }]);
        assert_eq!(all(3), []);
        assert_eq!(added(0, 0, 256).collect::<Vec<_>>(), [Tile { index: 0, width: 256 }]);
        assert_eq!(levels(0).count(), 0);
        assert_eq!(levels(u64::MAX).count(), 8);
    }

    #[test]
    fn only_changed_tiles_are_added() {
        let added = |level, old, new| added(level, old, new).collect::<Vec<_>>();
        assert_eq!(added(0, 300, 300), []);
        assert_eq!(added(0, 256, 257), [Tile { index: 1, width: 1 }]);
        assert_eq!(added(0, 300, 513), [Tile { index: 1, width: 256 }, Tile { index: 2, width: 1 }]);
        assert_eq!(added(1, 300, 511), []);
        assert_eq!(added(1, 300, 512), [Tile { index: 0, width: 2 }]);
    }

    #[test]
    fn bundles_are_read_as_they_were_written() {
        let (long, mut bundle) = (vec![7; LONGEST_ENTRY], Vec::new());
        for entry in [&b"one"[..], b"", &long] {
            assert!(push_entry(&mut bundle, entry));
        }
        assert!(!push_entry(&mut bundle, &vec![0; LONGEST_ENTRY + 1]));
        assert_eq!(entries(&bundle).unwrap(), [&b"one"[..], b"", &long]);
        assert_eq!(entries(&[]).unwrap().len(), 0);
        for cut in [1, 2, 4, bundle.len() - 1] {
            assert!(entries(&bundle[..cut]).is_none(), "{cut}");
        }
        assert_eq!(&bundle[..5], b"\0\x03one");
    }
}
