//! Proofs that an entry is in a log, as text (C2SP tlog-proof).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    merkle::{self, Hash},
    note::{self, NoteError, Opened, Verifier},
};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The most hashes that a proof can have.
const MOST_HASHES: usize = 64;

/// Why a proof was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not in the form of a proof.
    #[error("it is not a proof in the format {HEADER}: {0}")]
    Form(&'static str),
    /// The checkpoint in it can't be used.
    #[error("its checkpoint can't be used: {0}")]
    Checkpoint(#[from] NoteError),
    /// It does not lead from the entry to the checkpoint.
    #[error("the entry is not the one that it proves to be in the log")]
    NotIncluded,
}

/// A proof, before it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry's place in the log.
    pub index: u64,
    /// The hashes beside the way from the entry to the root.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

impl Proof {
    /// The proof as text.
    #[must_use]
    pub fn text(&self) -> String {
        let path: String = self.path.iter().map(|hash| STANDARD.encode(hash.0) + "\n").collect();
        format!("{HEADER}\nindex {}\n{path}\n{}", self.index, self.checkpoint)
    }

    /// Reads a proof. What it says is not verified.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Form("it has no empty line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(ProofError::Form("its first line is another"));
        }
        lines.next_if(|line| line.starts_with("extra "));
        let number = lines.next().and_then(|line| line.strip_prefix("index "));
        let index =
            number.and_then(|text| text.parse::<u64>().ok().filter(|index| index.to_string() == text));
        let index = index.ok_or(ProofError::Form("it has no index"))?;
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|bytes| Hash::from_slice(&bytes));
        let path: Option<Vec<Hash>> = lines.take(MOST_HASHES + 1).map(hash).collect();
        let path = path.ok_or(ProofError::Form("a line is not a hash in base64"))?;
        if path.len() > MOST_HASHES {
            return Err(ProofError::Form("it has too many hashes"));
        }
        Ok(Self { index, path, checkpoint: checkpoint.to_owned() })
    }

    /// The checkpoint that has the entry with this hash at the proof's place.
    pub fn verify(
        &self,
        entry: Hash,
        log: &[Verifier],
        witnesses: &[Verifier],
    ) -> Result<Opened, ProofError> {
        let opened = note::open(&self.checkpoint, log, witnesses)?;
        let (size, root) = (opened.checkpoint.size, opened.checkpoint.root);
        let is_included = merkle::is_included(entry, self.index, size, &self.path, root);
        if is_included { Ok(opened) } else { Err(ProofError::NotIncluded) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        jose::keys::PrivateKey,
        tlog::note::{Checkpoint, signed},
    };

    fn proof() -> (Proof, Hash, Verifier) {
        let leaves: Vec<Hash> = (0..3_u8).map(|number| Hash::of_leaf(&[number])).collect();
        let left = Hash::of_children(leaves[0], leaves[1]);
        let checkpoint =
            Checkpoint { origin: "a/b".to_owned(), size: 3, root: Hash::of_children(left, leaves[2]) };
        let key = PrivateKey::from_seed(&[1; 32]).unwrap();
        let verifier = Verifier::of_log("a/b", key.public());
        let note = signed(&checkpoint, &verifier, &key.sign(checkpoint.text().as_bytes()));
        (Proof { index: 1, path: vec![leaves[0], leaves[2]], checkpoint: note }, leaves[1], verifier)
    }

    #[test]
    fn a_proof_is_read_as_it_was_written() {
        let (proof, entry, log) = proof();
        assert_eq!(Proof::parse(&proof.text()), Ok(proof.clone()));
        assert_eq!(proof.verify(entry, &[log], &[]).unwrap().checkpoint.size, 3);
        let extra = proof.text().replacen("index", "extra AAAA\nindex", 1);
        assert_eq!(Proof::parse(&extra), Ok(proof));
    }

    #[test]
    fn another_entry_or_place_is_refused() {
        let (proof, entry, log) = proof();
        let log = [log];
        assert_eq!(proof.verify(Hash::of_leaf(&[9]), &log, &[]), Err(ProofError::NotIncluded));
        for index in [0, 2, 3] {
            let moved = Proof { index, ..proof.clone() };
            assert_eq!(moved.verify(entry, &log, &[]), Err(ProofError::NotIncluded));
        }
        assert_eq!(proof.verify(entry, &[], &[]), Err(ProofError::Checkpoint(NoteError::Unsigned)));
    }

    #[test]
    fn only_one_form_is_taken() {
        let text = proof().0.text();
        for wrong in [
            "",
            &text.replacen("@v1", "@v2", 1),
            &text.replacen("index 1", "index 01", 1),
            &text.replacen("index 1\n", "", 1),
            &text.replacen("index 1\n", "index 1\nAAAA\n", 1),
            &text.replacen(
                "index 1\n",
                &format!("index 1\n{}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(65)),
                1,
            ),
        ] {
            assert!(matches!(Proof::parse(wrong), Err(ProofError::Form(_))), "{wrong}");
        }
    }
}
