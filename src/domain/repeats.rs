//! The identity of a request from Slack, so that a repeated request is processed only once.

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

/// How long requests are remembered. A signature is valid from 300 s before its timestamp to 300 s after it; the rest
/// is a margin for clocks of instances that differ.
pub const REMEMBERED: TimeDelta = TimeDelta::minutes(15);

/// The SHA-256 of what identifies a request. The request can't be reconstructed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestDigest([u8; 32]);

impl RequestDigest {
    /// An HTTP request, identified by its timestamp and raw body, which are what its signature covers. The signature
    /// itself won't do: while the signing secret is being rotated, one request has two.
    #[must_use]
    pub fn for_signed_request(timestamp: &str, body: &[u8]) -> Self {
        Self::new([b"signed", timestamp.as_bytes(), body])
    }

    /// An envelope in Socket Mode, identified by its id.
    #[must_use]
    pub fn for_envelope(id: &str) -> Self {
        Self::new([b"envelope", id.as_bytes(), b""])
    }

    fn new(parts: [&[u8]; 3]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The hash, as the database stores it.
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
        let one = RequestDigest::for_signed_request("17", b"9=a");
        assert_eq!(one, RequestDigest::for_signed_request("17", b"9=a"));
        for other in [
            RequestDigest::for_signed_request("179", b"=a"),
            RequestDigest::for_signed_request("17", b"9=b"),
            RequestDigest::for_envelope("179=a"),
        ] {
            assert_ne!(one, other);
        }
    }
}
