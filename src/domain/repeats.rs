//! What tells a request of Slack's from every other, so that the same one is obeyed once.

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

/// How long requests are remembered. A signature is valid from 300 s before its time to 300 s after it; the rest is what
/// the clocks of instances may differ by.
pub const REMEMBERED: TimeDelta = TimeDelta::minutes(15);

/// SHA-256 of a request's identity. The request can't be reconstructed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestDigest([u8; 32]);

impl RequestDigest {
    /// A request by HTTP: its signature covers the timestamp and the raw body. Not the signature itself, of which there
    /// are two while the signing secret is being rotated.
    #[must_use]
    pub fn of_signed(timestamp: &str, body: &[u8]) -> Self {
        Self::of([b"signed", timestamp.as_bytes(), body])
    }

    /// An envelope in Socket Mode.
    #[must_use]
    pub fn of_envelope(id: &str) -> Self {
        Self::of([b"envelope", id.as_bytes(), b""])
    }

    fn of(parts: [&[u8]; 3]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_requests_have_other_digests() {
        let one = RequestDigest::of_signed("17", b"9=a");
        assert_eq!(one, RequestDigest::of_signed("17", b"9=a"));
        for other in [
            RequestDigest::of_signed("179", b"=a"),
            RequestDigest::of_signed("17", b"9=b"),
            RequestDigest::of_envelope("179=a"),
        ] {
            assert_ne!(one, other);
        }
    }
}
