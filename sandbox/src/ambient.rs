//! The only place in this crate that reads ambient time and randomness. Other code receives a [`Clock`], so that tests
//! can move it.

use std::{fmt, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

/// A source of the current time. Cheap to clone; all clones show the same time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
    pub fn system() -> Self {
        Self(Arc::new(Utc::now))
    }

    /// A clock that shows the result of `now`, for instance a value that a test moves.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The current time of this clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Clock").field(&self.now()).finish()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// Puts a [`Clock`] forward. Clones do the same.
#[derive(Clone)]
pub struct TimeSkip(Arc<dyn Fn(TimeDelta) + Send + Sync>);

impl TimeSkip {
    /// Skips time by calling `skip`.
    #[must_use]
    pub fn from_fn(skip: impl Fn(TimeDelta) + Send + Sync + 'static) -> Self {
        Self(Arc::new(skip))
    }

    /// Skips this much time.
    pub fn skip(&self, by: TimeDelta) {
        (self.0)(by);
    }
}

impl fmt::Debug for TimeSkip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TimeSkip").finish_non_exhaustive()
    }
}

/// Unguessable text: 64 lowercase hexadecimal digits, different in every call.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place where ambient randomness is read")]
pub fn random_hex() -> String {
    let mut hash = Sha256::new();
    // A version 7 UUID contains 74 random bits, so two of them are more than a secret needs.
    hash.update(uuid::Uuid::now_v7().as_bytes());
    hash.update(uuid::Uuid::now_v7().as_bytes());
    hex(&hash.finalize())
}

/// The bytes in lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
