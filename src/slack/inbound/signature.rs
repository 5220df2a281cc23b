//! Verifies that a request comes from Slack: HMAC-SHA256 over the raw body
//! (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).
//!
//! The verifier of slack-morphism is not used: it reads the system clock, which a test can't move, and supports only
//! one secret.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// Largest difference between a request's timestamp and the clock, in seconds.
const WINDOW: i64 = 300;
/// Length of a signature, in bytes.
const DIGEST: usize = 32;

/// The app's signing secrets: the current one, and the previous one during a rotation. Without any, every request is
/// refused.
#[derive(Debug, Default)]
pub struct SigningSecrets(Vec<SecretString>);

/// Why a request is not accepted as Slack's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing or malformed.
    #[error("x-slack-signature or x-slack-request-timestamp is missing or unreadable")]
    Missing,
    /// The timestamp is too old or in the future: possibly a replay.
    #[error("x-slack-request-timestamp is more than 300 seconds off")]
    Stale,
    /// Signed with another secret, or the body was altered.
    #[error("x-slack-signature does not match the body")]
    Wrong,
}

/// What the headers of a request claim: that Slack signed the body at this time.
#[derive(Debug)]
pub struct Claim<'h> {
    signature: Vec<u8>,
    timestamp: &'h str,
}

impl<'h> Claim<'h> {
    /// The timestamp exactly as in the header, which is what was signed.
    #[must_use]
    pub const fn timestamp(&self) -> &'h str {
        self.timestamp
    }
}

impl SigningSecrets {
    /// Reads the secrets from the configuration, separated by commas.
    #[must_use]
    pub fn new(secrets: &SecretString) -> Self {
        let secrets = secrets.expose_secret().split(',').map(str::trim).filter(|secret| !secret.is_empty());
        Self(secrets.map(SecretString::from).collect())
    }

    /// Signs a raw body as Slack does, for requests that the service sends to itself.
    #[must_use]
    pub fn sign(secret: &SecretString, timestamp: &str, body: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
            return String::new();
        };
        for part in [b"v0:", timestamp.as_bytes(), b":", body] {
            mac.update(part);
        }
        let hex: Vec<String> = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("v0={}", hex.concat())
    }

    /// Checks everything that can be checked before the body is read.
    pub fn check_headers<'h>(
        &self,
        signature: Option<&str>,
        timestamp: Option<&'h str>,
        now: DateTime<Utc>,
    ) -> Result<Claim<'h>, SignatureError> {
        let signature = signature.and_then(|text| text.strip_prefix("v0=")).and_then(unhex);
        let (Some(signature), Some(timestamp)) = (signature, timestamp) else {
            return Err(SignatureError::Missing);
        };
        let seconds: i64 = timestamp.parse().map_err(|_| SignatureError::Missing)?;
        if (now.timestamp().saturating_sub(seconds)).saturating_abs() > WINDOW {
            return Err(SignatureError::Stale);
        }
        if self.0.is_empty() || signature.len() != DIGEST {
            return Err(SignatureError::Wrong);
        }
        Ok(Claim { signature, timestamp })
    }

    /// Verifies the raw body against its headers, in constant time.
    pub fn verify(&self, claim: &Claim<'_>, body: &[u8]) -> Result<(), SignatureError> {
        let fits = self.0.iter().any(|secret| {
            let key = secret.expose_secret().as_bytes();
            Hmac::<Sha256>::new_from_slice(key).is_ok_and(|mut mac| {
                mac.update(b"v0:");
                mac.update(claim.timestamp.as_bytes());
                mac.update(b":");
                mac.update(body);
                mac.verify_slice(&claim.signature).is_ok()
            })
        });
        if fits { Ok(()) } else { Err(SignatureError::Wrong) }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    // `from_str_radix` would also accept a sign, such as `+f`.
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in Slack's documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
        &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=\
        https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=\
        398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const TIMESTAMP: &str = "1531420618";

    fn at(offset: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_531_420_618 + offset, 0).unwrap()
    }

    fn secrets(text: &str) -> SigningSecrets {
        SigningSecrets::new(&text.into())
    }

    fn verify(
        secrets: &SigningSecrets,
        signature: Option<&str>,
        timestamp: Option<&str>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), SignatureError> {
        let claim = secrets.check_headers(signature, timestamp, now)?;
        secrets.verify(&claim, body)
    }

    #[test]
    fn slacks_own_example_is_verified() {
        let verify = |secret: &str, offset| {
            verify(&secrets(secret), Some(SIGNATURE), Some(TIMESTAMP), BODY.as_bytes(), at(offset))
        };
        assert_eq!(verify(SECRET, 0), Ok(()));
        assert_eq!(verify(&format!("newer, {SECRET}"), 300), Ok(()));
        assert_eq!(verify("another", 0), Err(SignatureError::Wrong));
        assert_eq!(verify(SECRET, 301), Err(SignatureError::Stale));
        assert_eq!(verify(SECRET, -301), Err(SignatureError::Stale));
        assert_eq!(verify("", 0), Err(SignatureError::Wrong));
    }

    #[test]
    fn what_we_sign_is_what_slack_signs() {
        assert_eq!(SigningSecrets::sign(&SECRET.into(), TIMESTAMP, BODY.as_bytes()), SIGNATURE);
    }

    #[test]
    fn another_body_or_no_header_is_refused() {
        let secrets = secrets(SECRET);
        let verify = |signature, timestamp, body: &[u8]| verify(&secrets, signature, timestamp, body, at(0));
        assert_eq!(verify(Some(SIGNATURE), Some(TIMESTAMP), b"text=x"), Err(SignatureError::Wrong));
        assert_eq!(verify(None, Some(TIMESTAMP), BODY.as_bytes()), Err(SignatureError::Missing));
        assert_eq!(verify(Some(SIGNATURE), None, BODY.as_bytes()), Err(SignatureError::Missing));
        assert_eq!(verify(Some("v0=00"), Some(TIMESTAMP), BODY.as_bytes()), Err(SignatureError::Wrong));
        assert_eq!(verify(Some("v0=zz"), Some(TIMESTAMP), BODY.as_bytes()), Err(SignatureError::Missing));
        assert_eq!(verify(Some(SIGNATURE), Some("soon"), BODY.as_bytes()), Err(SignatureError::Missing));
    }
}
