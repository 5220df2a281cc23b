//! The Merkle tree of RFC 9162, section 2.1, with SHA-256: roots, inclusion and consistency proofs.

use std::{collections::BTreeMap, fmt, ops::Range};

use sha2::{Digest as _, Sha256};

/// How many heights of the tree a tile spans (C2SP tlog-tiles).
pub const TILE_HEIGHT: u32 = 8;

/// A node's hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Wraps 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The hash of a leaf.
    #[must_use]
    pub fn of_leaf(data: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update([0]);
        hash.update(data);
        Self(hash.finalize().into())
    }

    /// The hash of the node above two others.
    #[must_use]
    pub fn of_children(left: Self, right: Self) -> Self {
        let mut hash = Sha256::new();
        hash.update([1]);
        hash.update(left.0);
        hash.update(right.0);
        Self(hash.finalize().into())
    }

    /// The root of the tree without leaves.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A subtree that is full: the leaves from `index << height` on, `1 << height` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtree {
    /// Its height. A leaf has 0.
    pub height: u32,
    /// Its place among the subtrees of this height.
    pub index: u64,
}

/// A tree that leaves are added to: the roots of its full subtrees, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// A tree of this size, from the bytes of its peaks. `None`: their number does not fit the size.
    #[must_use]
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (chunks, []) = bytes.as_chunks::<32>() else { return None };
        (chunks.len() == size.count_ones() as usize)
            .then(|| Self { size, peaks: chunks.iter().copied().map(Hash).collect() })
    }

    /// The bytes of its peaks.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.peaks.iter().flat_map(|peak| peak.0).collect()
    }

    /// How many leaves it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf, and passes on each subtree that is full now, the leaf first.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Subtree, Hash)) {
        let (mut hash, mut subtree) = (leaf, Subtree { height: 0, index: self.size });
        full(subtree, hash);
        while subtree.index & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = Hash::of_children(left, hash);
            subtree = Subtree { height: subtree.height + 1, index: subtree.index >> 1 };
            full(subtree, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(&self.peaks)
    }
}

/// The root of neighbouring full subtrees, of which each is larger than the next.
fn fold(peaks: &[Hash]) -> Hash {
    let mut from_right = peaks.iter().rev().copied();
    let last = from_right.next().unwrap_or_else(Hash::of_nothing);
    from_right.fold(last, |right, left| Hash::of_children(left, right))
}

/// The largest power of two below `count`, which is at least 2.
const fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// The leaves below each hash of the proof that a leaf is in a tree of this size, the lowest first. `None`: it is not.
#[must_use]
pub fn inclusion(leaf: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if leaf >= size {
        return None;
    }
    let (mut path, mut inside) = (Vec::new(), 0..size);
    while inside.end - inside.start > 1 {
        let middle = inside.start + split(inside.end - inside.start);
        let (left, right) = (inside.start..middle, middle..inside.end);
        let (next, beside) = if leaf < middle { (left, right) } else { (right, left) };
        path.push(beside);
        inside = next;
    }
    path.reverse();
    Some(path)
}

/// The leaves below each hash of the proof that a tree of the size `new` begins with that of the size `old`. `None`: it
/// can't, because it is smaller, or there is nothing to prove because the old one is empty.
#[must_use]
pub fn consistency(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old == 0 || old > new {
        return None;
    }
    let (mut path, mut inside, mut is_known) = (Vec::new(), 0..new, true);
    while inside.end > old {
        let middle = inside.start + split(inside.end - inside.start);
        let (left, right) = (inside.start..middle, middle..inside.end);
        if old <= middle {
            path.push(right);
            inside = left;
        } else {
            path.push(left);
            inside = right;
            is_known = false;
        }
    }
    if !is_known {
        path.push(inside);
    }
    path.reverse();
    Some(path)
}

/// The full subtrees that make up a part of the tree, which begins where one as large as it could begin.
fn subtrees(part: &Range<u64>) -> impl Iterator<Item = Subtree> {
    let mut rest = part.clone();
    std::iter::from_fn(move || {
        let count = rest.end.checked_sub(rest.start).filter(|count| *count > 0)?;
        let height = u64::BITS - 1 - count.leading_zeros();
        let subtree = Subtree { height, index: rest.start >> height };
        rest.start += 1 << height;
        Some(subtree)
    })
}

/// Nodes at heights that are multiples of [`TILE_HEIGHT`], by their level (the height in tiles) and their index: the only
/// ones that are stored.
pub type Nodes = BTreeMap<(u8, u64), Hash>;

/// Which stored nodes the hash of a subtree is computed of.
fn stored(subtree: Subtree) -> (u8, Range<u64>) {
    let level = u8::try_from(subtree.height / TILE_HEIGHT).unwrap_or(u8::MAX);
    let below = subtree.height % TILE_HEIGHT;
    (level, subtree.index << below..(subtree.index + 1) << below)
}

/// Which stored nodes the hashes of these parts are computed of: levels, and indexes within them.
pub fn needed(parts: &[Range<u64>]) -> impl Iterator<Item = (u8, Range<u64>)> {
    parts.iter().flat_map(subtrees).map(stored)
}

/// The hash of a part of the tree. `None`: a node is missing.
#[must_use]
pub fn hash(part: &Range<u64>, nodes: &Nodes) -> Option<Hash> {
    let peaks = subtrees(part).map(|subtree| {
        let (level, indexes) = stored(subtree);
        let mut row: Vec<Hash> =
            indexes.map(|index| nodes.get(&(level, index)).copied()).collect::<Option<_>>()?;
        while row.len() > 1 {
            let (pairs, _) = row.as_chunks::<2>();
            row = pairs.iter().map(|[left, right]| Hash::of_children(*left, *right)).collect();
        }
        row.pop()
    });
    Some(fold(&peaks.collect::<Option<Vec<_>>>()?))
}

/// The hashes of these parts. `None`: a node is missing.
#[must_use]
pub fn hashes(parts: &[Range<u64>], nodes: &Nodes) -> Option<Vec<Hash>> {
    parts.iter().map(|part| hash(part, nodes)).collect()
}

/// Whether the proof says that the leaf with this hash is the tree's, at this place (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn is_included(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, leaf);
    for beside in proof {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = Hash::of_children(*beside, hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::of_children(hash, *beside);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// Whether the proof says that the new tree begins with the old one (RFC 9162, section 2.1.4.2).
#[must_use]
pub fn is_consistent((old, old_root): (u64, Hash), (new, new_root): (u64, Hash), proof: &[Hash]) -> bool {
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return proof.is_empty() && old_root == Hash::of_nothing();
    }
    if old > new {
        return false;
    }
    let whole = old.is_power_of_two().then_some(old_root);
    let mut hashes = whole.iter().chain(proof).copied();
    let Some(first) = hashes.next() else { return false };
    let (mut place, mut last) = (old - 1, new - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut of_old, mut of_new) = (first, first);
    for beside in hashes {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            of_old = Hash::of_children(beside, of_old);
            of_new = Hash::of_children(beside, of_new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            of_new = Hash::of_children(of_new, beside);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && of_old == old_root && of_new == new_root
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small trees")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The leaves and roots of the tests of Certificate Transparency's first implementations.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        let pairs = hex.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn known(hex: &str) -> Hash {
        Hash::from_slice(&bytes(hex)).unwrap()
    }

    fn known_leaves() -> Vec<Hash> {
        LEAVES.iter().map(|leaf| Hash::of_leaf(&bytes(leaf))).collect()
    }

    /// The definition, in its own words: MTH, PATH, PROOF and SUBPROOF of RFC 6962, section 2.1.
    mod naive {
        use super::*;

        pub(super) fn mth(leaves: &[Hash]) -> Hash {
            match leaves {
                [] => Hash::of_nothing(),
                [one] => *one,
                more => {
                    let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
                    Hash::of_children(mth(left), mth(right))
                }
            }
        }

        pub(super) fn path(leaf: usize, leaves: &[Hash]) -> Vec<Hash> {
            if leaves.len() == 1 {
                return Vec::new();
            }
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            if leaf < left.len() {
                let mut path = path(leaf, left);
                path.push(mth(right));
                path
            } else {
                let mut path = path(leaf - left.len(), right);
                path.push(mth(left));
                path
            }
        }

        pub(super) fn proof(old: usize, leaves: &[Hash], is_whole: bool) -> Vec<Hash> {
            if old == leaves.len() {
                return if is_whole { Vec::new() } else { vec![mth(leaves)] };
            }
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            if old <= left.len() {
                let mut path = proof(old, left, is_whole);
                path.push(mth(right));
                path
            } else {
                let mut path = proof(old - left.len(), right, false);
                path.push(mth(left));
                path
            }
        }
    }

    fn some_leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| Hash::of_leaf(&number.to_be_bytes())).collect()
    }

    fn grow(leaves: &[Hash]) -> (Frontier, Nodes) {
        let (mut tree, mut nodes) = (Frontier::default(), Nodes::new());
        for leaf in leaves {
            tree.push(*leaf, |subtree, hash| {
                if subtree.height.is_multiple_of(TILE_HEIGHT) {
                    nodes.insert(((subtree.height / TILE_HEIGHT) as u8, subtree.index), hash);
                }
            });
        }
        (tree, nodes)
    }

    #[test]
    fn known_roots_are_computed() {
        let (mut tree, leaves) = (Frontier::default(), known_leaves());
        assert_eq!(tree.root(), known("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        for (leaf, root) in leaves.iter().zip(ROOTS) {
            tree.push(*leaf, |_, _| {});
            assert_eq!(tree.root(), known(root), "{}", tree.size());
        }
    }

    #[test]
    fn known_proofs_are_computed() {
        let (_, nodes) = grow(&known_leaves());
        let path = |leaf, size| hashes(&inclusion(leaf, size).unwrap(), &nodes).unwrap();
        let proof = |old, new| hashes(&consistency(old, new).unwrap(), &nodes).unwrap();
        assert_eq!(path(0, 1), []);
        assert_eq!(
            path(0, 8),
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
            ]
            .map(known)
        );
        assert_eq!(
            path(5, 8),
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
            ]
            .map(known)
        );
        assert_eq!(
            path(2, 3),
            ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"].map(known)
        );
        assert_eq!(proof(1, 1), []);
        assert_eq!(
            proof(6, 8),
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
            ]
            .map(known)
        );
        assert_eq!(
            proof(2, 5),
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
            ]
            .map(known)
        );
    }

    #[test]
    fn all_small_trees_are_as_the_definition_has_them() {
        let leaves = some_leaves(20);
        let (_, nodes) = grow(&leaves);
        for size in 1..=20_u64 {
            let whole = &leaves[..size as usize];
            assert_eq!(hash(&(0..size), &nodes), Some(naive::mth(whole)));
            for leaf in 0..size {
                let path = hashes(&inclusion(leaf, size).unwrap(), &nodes).unwrap();
                assert_eq!(path, naive::path(leaf as usize, whole));
            }
            for old in 1..=size {
                let proof = hashes(&consistency(old, size).unwrap(), &nodes).unwrap();
                assert_eq!(proof, naive::proof(old as usize, whole, true), "{old} {size}");
            }
        }
        assert_eq!(inclusion(3, 3), None);
        assert_eq!(consistency(0, 3), None);
        assert_eq!(consistency(4, 3), None);
    }

    #[test]
    fn a_frontier_is_read_as_it_was_written() {
        for size in [0, 1, 2, 255, 256, 300] {
            let (tree, _) = grow(&some_leaves(size));
            let bytes = tree.to_bytes();
            assert_eq!(Frontier::from_bytes(size, &bytes), Some(tree));
            assert_eq!(Frontier::from_bytes(size, &[&bytes[..], &[0]].concat()), None);
            assert_eq!(Frontier::from_bytes(size, &[&bytes[..], &[0; 32]].concat()), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn proofs_are_the_definitions_and_verify(size in 1_u64..1500, leaf in any::<u64>(), old in any::<u64>()) {
            let (leaf, old) = (leaf % size, old % size + 1);
            let leaves = some_leaves(size);
            let (tree, nodes) = grow(&leaves);
            let root = tree.root();
            prop_assert_eq!(root, naive::mth(&leaves));
            prop_assert_eq!(hash(&(0..size), &nodes), Some(root));

            let path = hashes(&inclusion(leaf, size).unwrap(), &nodes).unwrap();
            prop_assert_eq!(&path, &naive::path(leaf as usize, &leaves));
            prop_assert!(is_included(leaves[leaf as usize], leaf, size, &path, root));

            let proof = hashes(&consistency(old, size).unwrap(), &nodes).unwrap();
            prop_assert_eq!(&proof, &naive::proof(old as usize, &leaves, true));
            let old_root = naive::mth(&leaves[..old as usize]);
            prop_assert!(is_consistent((old, old_root), (size, root), &proof));
        }

        #[test]
        fn another_proof_never_verifies(
            size in 2_u64..600, leaf in any::<u64>(), old in any::<u64>(), at in any::<usize>(), bit in 0_usize..256,
        ) {
            let (leaf, old) = (leaf % size, old % (size - 1) + 1);
            let leaves = some_leaves(size);
            let (tree, nodes) = grow(&leaves);
            let (root, old_root) = (tree.root(), naive::mth(&leaves[..old as usize]));
            let flip = |hash: &mut Hash| hash.0[bit / 8] ^= 1 << (bit % 8);

            let path = hashes(&inclusion(leaf, size).unwrap(), &nodes).unwrap();
            let mut changed = path.clone();
            let place = at % changed.len();
            flip(&mut changed[place]);
            let own = leaves[leaf as usize];
            prop_assert!(!is_included(own, leaf, size, &changed, root));
            prop_assert!(!is_included(own, leaf, size, &path[1..], root));
            prop_assert!(!is_included(own, leaf, size, &[&path[..], &[root]].concat(), root));
            prop_assert!(!is_included(own, (leaf + 1) % size, size, &path, root));
            prop_assert!(!is_included(own, size, size, &path, root));
            let mut other = own;
            flip(&mut other);
            prop_assert!(!is_included(other, leaf, size, &path, root));

            let proof = hashes(&consistency(old, size).unwrap(), &nodes).unwrap();
            let (mut changed, mut other_root) = (proof.clone(), old_root);
            let place = at % changed.len();
            flip(&mut changed[place]);
            flip(&mut other_root);
            prop_assert!(!is_consistent((old, old_root), (size, root), &changed));
            prop_assert!(!is_consistent((old, other_root), (size, root), &proof));
            prop_assert!(!is_consistent((old, old_root), (size, other_root), &proof));
            prop_assert!(!is_consistent((old, old_root), (size, root), &proof[1..]));
            prop_assert!(!is_consistent((old, old_root), (size, root), &[&proof[..], &[root]].concat()));
            prop_assert!(!is_consistent((size, root), (old, old_root), &proof));
        }
    }

    #[test]
    fn only_nodes_of_tiles_are_needed() {
        let needed: Vec<_> = needed(std::slice::from_ref(&(0..70_000))).collect();
        assert_eq!(
            needed,
            [
                (2, 0..1),
                (1, 256..272),
                (1, 272..273),
                (0, 69888..69952),
                (0, 69952..69984),
                (0, 69984..70_000)
            ]
        );
    }
}
