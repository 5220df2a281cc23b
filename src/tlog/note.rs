//! Signed notes (C2SP signed-note), checkpoints (C2SP tlog-checkpoint) and the cosignatures of witnesses (C2SP
//! tlog-cosignature, Ed25519).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::merkle::Hash;
use crate::jose::keys::PublicKey;

/// The longest note that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// How many signatures of a note are read. The format asks for at least 16.
const MOST_SIGNATURES: usize = 64;

/// Why a note or a key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not in the form of a signed note.
    #[error("it is not a signed note: {0}")]
    Form(&'static str),
    /// The text is not that of a checkpoint.
    #[error("it is not a checkpoint: {0}")]
    Checkpoint(&'static str),
    /// It is another log's.
    #[error("it is a checkpoint of {found:?}, not of {expected:?}")]
    Origin {
        /// The log that it names.
        found: String,
        /// The log that the key is of.
        expected: String,
    },
    /// No signature is one of these keys'.
    #[error("no known key has signed it")]
    Unsigned,
    /// A known key's signature does not match.
    #[error("the signature of {0} does not match: it was changed after it was signed")]
    Signature(String),
    /// A verifier key can't be read.
    #[error("the key is not valid: {0}")]
    Key(&'static str),
}

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Notes of its own: a log's key.
    Log,
    /// Checkpoints of a log, with the time: a witness' key.
    Witness,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Witness => 4,
        }
    }
}

/// A key that verifies signatures, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// The name. A log's is its origin.
    pub name: String,
    /// What it signs.
    pub kind: Kind,
    /// The key.
    pub key: PublicKey,
}

impl Verifier {
    /// A log's.
    #[must_use]
    pub fn of_log(origin: &str, key: PublicKey) -> Self {
        Self { name: origin.to_owned(), kind: Kind::Log, key }
    }

    /// Reads `NAME+ID+KEY`, as it is published.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key("it has the form NAME+ID+KEY"));
        };
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::Key("its last part is not base64"))?;
        let Some((kind, bytes)) = bytes.split_first() else {
            return Err(NoteError::Key("its last part is empty"));
        };
        let kind = match kind {
            1 => Kind::Log,
            4 => Kind::Witness,
            _ => return Err(NoteError::Key("only Ed25519 keys are supported")),
        };
        let key = PublicKey::new(bytes).map_err(|_| NoteError::Key("an Ed25519 key has 32 bytes"))?;
        if !is_name(name) {
            return Err(NoteError::Key("its name is empty or has spaces"));
        }
        let verifier = Self { name: name.to_owned(), kind, key };
        if format!("{:08x}", verifier.id()) != id {
            return Err(NoteError::Key("its id is not that of its name and key"));
        }
        Ok(verifier)
    }

    /// The key's id: with the name, it says whose a signature is.
    #[must_use]
    pub fn id(&self) -> u32 {
        let mut hash = Sha256::new();
        hash.update(&self.name);
        hash.update([b'\n', self.kind.byte()]);
        hash.update(self.key.bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
        u32::from_be_bytes([a, b, c, d])
    }

    /// Whether the signature is the key's over this text. A witness' begins with the time.
    fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        match self.kind {
            Kind::Log => self.key.has_signed(text.as_bytes(), signature),
            Kind::Witness => signature.split_first_chunk::<8>().is_some_and(|(time, signature)| {
                let message = cosigned(text, u64::from_be_bytes(*time));
                self.key.has_signed(message.as_bytes(), signature)
            }),
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind.byte()], self.key.bytes().as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id(), STANDARD.encode(key))
    }
}

/// What a witness signs.
fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|letter: char| letter.is_whitespace() || letter == '+')
}

/// A state of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of its tree.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0))
    }

    fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::Checkpoint("it has fewer than three lines"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(NoteError::Checkpoint("a line is empty"));
        }
        let number = size.parse::<u64>().ok().filter(|number| number.to_string() == size);
        let number = number.ok_or(NoteError::Checkpoint("its second line is not a size"))?;
        let bytes = STANDARD.decode(root).ok().and_then(|root| Hash::from_slice(&root));
        let root = bytes.ok_or(NoteError::Checkpoint("its third line is not a hash in base64"))?;
        Ok(Self { origin: origin.to_owned(), size: number, root })
    }
}

/// The line of a signature.
#[must_use]
pub fn signature_line(verifier: &Verifier, signature: &[u8]) -> String {
    let bytes = [&verifier.id().to_be_bytes(), signature].concat();
    format!("— {} {}\n", verifier.name, STANDARD.encode(bytes))
}

/// A checkpoint with its signatures.
#[must_use]
pub fn signed(checkpoint: &Checkpoint, verifier: &Verifier, signature: &[u8]) -> String {
    format!("{}\n{}", checkpoint.text(), signature_line(verifier, signature))
}

/// A note as it is read, before its signatures are verified.
struct Note<'a> {
    text: &'a str,
    signatures: Vec<(&'a str, u32, Vec<u8>)>,
}

impl<'a> Note<'a> {
    fn read(note: &'a str) -> Result<Self, NoteError> {
        if note.len() > LONGEST {
            return Err(NoteError::Form("it is too long"));
        }
        if note.contains(|letter: char| letter < ' ' && letter != '\n') {
            return Err(NoteError::Form("it has control characters"));
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Form("it has no empty line"))?;
        let text = &note[..=text.len()];
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form("its last line does not end"))?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            let parts = line.strip_prefix("— ").and_then(|line| line.split_once(' '));
            let (name, signature) = parts.ok_or(NoteError::Form("a line is not a signature"))?;
            let bytes = STANDARD.decode(signature);
            let bytes = bytes.map_err(|_| NoteError::Form("a signature is not base64"))?;
            let (id, signature) =
                bytes.split_first_chunk::<4>().ok_or(NoteError::Form("a signature is too short"))?;
            if !is_name(name) || signature.is_empty() {
                return Err(NoteError::Form("a line is not a signature"));
            }
            signatures.push((name, u32::from_be_bytes(*id), signature.to_vec()));
        }
        if signatures.len() > MOST_SIGNATURES {
            return Err(NoteError::Form("it has too many signatures"));
        }
        Ok(Self { text, signatures })
    }

    /// Whether this key has signed it. An error: a signature under its name and id does not match.
    fn is_signed_by(&self, verifier: &Verifier) -> Result<bool, NoteError> {
        let mut is_signed = false;
        for (name, id, signature) in &self.signatures {
            if *name == verifier.name && *id == verifier.id() {
                if !verifier.has_signed(self.text, signature) {
                    return Err(NoteError::Signature(verifier.name.clone()));
                }
                is_signed = true;
            }
        }
        Ok(is_signed)
    }
}

/// What a checkpoint says, and who of the witnesses cosigned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The names of the witnesses.
    pub witnesses: Vec<String>,
}

/// Reads a checkpoint that one of the log's keys signed. Signatures of unknown keys are ignored, as the format wants it;
/// one of a known key that does not match is an error.
pub fn open(note: &str, log: &[Verifier], witnesses: &[Verifier]) -> Result<Opened, NoteError> {
    let note = Note::read(note)?;
    let mut signer = None;
    for verifier in log {
        if note.is_signed_by(verifier)? {
            signer = Some(verifier);
        }
    }
    let signer = signer.ok_or(NoteError::Unsigned)?;
    let checkpoint = Checkpoint::parse(note.text)?;
    if checkpoint.origin != signer.name {
        return Err(NoteError::Origin { found: checkpoint.origin, expected: signer.name.clone() });
    }
    let mut cosigned = Vec::new();
    for witness in witnesses {
        if note.is_signed_by(witness)? {
            cosigned.push(witness.name.clone());
        }
    }
    Ok(Opened { checkpoint, witnesses: cosigned })
}

/// The origin that a checkpoint names, before its signature is verified: to choose the keys.
#[must_use]
pub fn origin(note: &str) -> Option<&str> {
    note.lines().next().filter(|origin| is_name(origin))
}

/// Reads a checkpoint without verifying its signature.
pub fn read_unverified(note: &str) -> Result<Checkpoint, NoteError> {
    Checkpoint::parse(Note::read(note)?.text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jose::keys::PrivateKey;

    /// The example of C2SP tlog-cosignature.
    const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    /// The key of golang.org/x/mod/sumdb/note's documentation, and a note of it.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PETERS: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const SEED: [u8; 32] = [7; 32];

    fn key(seed: u8) -> PrivateKey {
        PrivateKey::from_seed(&[seed; 32]).unwrap()
    }

    fn log() -> Verifier {
        Verifier::of_log("example.com/audit", key(7).public())
    }

    fn witness() -> Verifier {
        Verifier { name: "witness.example/w1".to_owned(), kind: Kind::Witness, key: key(9).public() }
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "example.com/audit".to_owned(), size: 3, root: Hash(SEED) }
    }

    fn note() -> String {
        signed(&checkpoint(), &log(), &key(7).sign(checkpoint().text().as_bytes()))
    }

    fn cosign(note: &str, time: u64) -> String {
        let signature = key(9).sign(cosigned(&checkpoint().text(), time).as_bytes());
        let timed = [&time.to_be_bytes(), signature.as_slice()].concat();
        format!("{note}{}", signature_line(&witness(), &timed))
    }

    #[test]
    fn what_was_signed_is_opened() {
        let opened = open(&note(), &[log()], &[witness()]).unwrap();
        assert_eq!(opened, Opened { checkpoint: checkpoint(), witnesses: Vec::new() });
        let cosigned = cosign(&note(), 1_790_000_000);
        let opened = open(&cosigned, &[log()], &[witness()]).unwrap();
        assert_eq!(opened.witnesses, ["witness.example/w1"]);
        // Unknown signatures are ignored.
        assert_eq!(open(&cosigned, &[log()], &[]).unwrap().checkpoint, checkpoint());
    }

    #[test]
    fn notes_of_others_are_read() {
        let peter = Verifier::parse(PETER).unwrap();
        assert_eq!(peter.to_string(), PETER);
        let read = Note::read(PETERS).unwrap();
        assert_eq!(read.is_signed_by(&peter), Ok(true));
        let read = Note::read(EXAMPLE).unwrap();
        assert_eq!(read.signatures.len(), 2);
        let checkpoint = Checkpoint::parse(read.text).unwrap();
        assert_eq!(
            (checkpoint.origin.as_str(), checkpoint.size),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.text(), read.text);
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        for verifier in [log(), witness()] {
            assert_eq!(Verifier::parse(&verifier.to_string()), Ok(verifier));
        }
        let good = log().to_string();
        for wrong in [
            "",
            "a+b",
            &good.replace("example", "exemple"),
            &good[..good.len() - 4],
            "+00000000+AQ==",
            "a+00000000+AgAA",
            "a+00000000+!",
        ] {
            assert!(matches!(Verifier::parse(wrong), Err(NoteError::Key(_))), "{wrong}");
        }
    }

    #[test]
    fn others_are_refused() {
        let other = Verifier::of_log("example.com/audit", key(8).public());
        assert_eq!(open(&note(), std::slice::from_ref(&other), &[]), Err(NoteError::Unsigned));
        assert_eq!(open(&note(), &[], &[]), Err(NoteError::Unsigned));
        assert!(open(&note(), &[other, log()], &[]).is_ok());
        // Another log's checkpoint, signed by this log's key under its own name.
        let theirs = Checkpoint { origin: "example.com/other".to_owned(), ..checkpoint() };
        let note = signed(&theirs, &log(), &key(7).sign(theirs.text().as_bytes()));
        assert!(matches!(open(&note, &[log()], &[]), Err(NoteError::Origin { .. })));
        // A witness' key signs no checkpoint of its own.
        let wrong = Verifier { kind: Kind::Log, ..witness() };
        assert_eq!(open(&cosign(&self::note(), 5), &[wrong], &[]), Err(NoteError::Unsigned));
    }

    #[test]
    fn a_wrong_signature_of_a_known_key_is_an_error() {
        let fault = NoteError::Signature("example.com/audit".to_owned());
        assert_eq!(open(&note().replacen("\n3\n", "\n4\n", 1), &[log()], &[]), Err(fault));
        let wrong_time = [&9_u64.to_be_bytes(), &key(9).sign(b"x")[..]].concat();
        let cosigned = format!("{}{}", note(), signature_line(&witness(), &wrong_time));
        let fault = NoteError::Signature("witness.example/w1".to_owned());
        assert_eq!(open(&cosigned, &[log()], &[witness()]), Err(fault));
    }

    #[test]
    fn only_one_form_is_taken() {
        let sign = |text: &str| format!("{text}\n{}", signature_line(&log(), &key(7).sign(text.as_bytes())));
        for text in [
            "example.com/audit\n3\n",
            "example.com/audit\n03\nAA==\n",
            "example.com/audit\n3\nAA==\n",
            "\n3\n\n",
            "example.com/audit\n-1\nAA==\n",
        ] {
            assert!(matches!(open(&sign(text), &[log()], &[]), Err(NoteError::Checkpoint(_))), "{text}");
        }
        let good = note();
        for form in [
            "",
            "\n\n",
            "a",
            &good[..good.len() - 1],
            &good.replace("— ", "- "),
            &good.replace('\n', "\r\n"),
            &format!("{good}\n"),
            &format!("{good}— x AAAA\n"),
        ] {
            assert!(matches!(open(form, &[log()], &[]), Err(NoteError::Form(_))), "{form:?}");
        }
        let many = signature_line(&witness(), &[1; 72]).repeat(MOST_SIGNATURES);
        assert!(matches!(open(&format!("{good}{many}"), &[log()], &[]), Err(NoteError::Form(_))));
    }

    proptest! {
        #[test]
        fn a_changed_note_is_never_opened_as_another(at in 0_usize..250, byte in 32_u8..127) {
            let note = cosign(&note(), 1_790_000_000);
            let mut bytes = note.clone().into_bytes();
            let at = at % bytes.len();
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            if let Ok(text) = String::from_utf8(bytes)
                && let Ok(opened) = open(&text, &[log()], &[witness()]) {
                // A change can hide a cosignature, whose line names a key that is then unknown.
                prop_assert_eq!(opened.checkpoint, checkpoint());
            }
        }
    }
}
