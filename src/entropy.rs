//! Randomness, given to every part as a value.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chacha20poly1305::aead::{OsRng, rand_core::RngCore as _};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A source of random bytes. Cheap to clone; clones of a seeded source share one sequence.
#[derive(Debug, Clone)]
pub struct Entropy(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Seeded { seed: u64, drawn: Arc<AtomicU64> },
}

impl Entropy {
    /// The operating system's randomness.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A repeatable sequence, for tests.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded { seed, drawn: Arc::default() })
    }

    /// 32 random bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        match &self.0 {
            Source::System => {
                let mut bytes = [0; 32];
                OsRng.fill_bytes(&mut bytes);
                bytes
            }
            Source::Seeded { seed, drawn } => {
                let number = drawn.fetch_add(1, Ordering::Relaxed);
                let mut hash = Sha256::new();
                hash.update(seed.to_le_bytes());
                hash.update(number.to_le_bytes());
                hash.finalize().into()
            }
        }
    }

    /// A UUIDv7 (RFC 9562, section 5.7) for this moment.
    #[must_use]
    pub fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let bytes = self.bytes();
        let mut random = [0; 10];
        random.copy_from_slice(&bytes[..10]);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A number from 0 up to, not including, 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let bytes = self.bytes();
        let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        f64::from(number) / (f64::from(u32::MAX) + 1.0)
    }
}
