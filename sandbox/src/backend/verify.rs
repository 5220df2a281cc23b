//! Verifies that a webhook comes from Countersign, following the Standard Webhooks specification
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use standardwebhooks::{
    HEADER_WEBHOOK_ID as ID, HEADER_WEBHOOK_SIGNATURE as SIGNATURE, HEADER_WEBHOOK_TIMESTAMP as TIMESTAMP,
    Webhook,
};

/// The largest accepted difference between `webhook-timestamp` and the receiver's clock, in seconds.
pub const TOLERANCE: i64 = 5 * 60;

/// Why verification of a webhook failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The backend has no secret yet, or an invalid one.
    #[error("no usable webhook secret")]
    NoSecret,
    /// A header is missing, or isn't text.
    #[error("no {0} header")]
    Header(&'static str),
    /// `webhook-timestamp` isn't a number of seconds.
    #[error("webhook-timestamp is no number")]
    Timestamp,
    /// It was signed too long ago, so it may be a replay.
    #[error("signed more than five minutes ago")]
    TooOld,
    /// It was signed in the future.
    #[error("signed more than five minutes in the future")]
    TooNew,
    /// No signature matches one of the secrets for this id, time and body.
    #[error("no signature fits")]
    Signature,
    /// The body isn't JSON.
    #[error("the body is no JSON")]
    Body,
    /// `arguments_digest` isn't the digest of `arguments`.
    #[error("arguments_digest is not the digest of the arguments")]
    Digest,
}

/// Checks the headers and signature of a webhook against any of the `secrets` (`whsec_…`; two while one is being replaced).
///
/// The library's `verify` reads the machine's clock. This one takes the time as an argument, and uses the library only
/// for the signature.
///
/// # Errors
/// The first failed check.
pub fn verify(
    secrets: &[String],
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let keys: Vec<Webhook> = secrets.iter().filter_map(|secret| Webhook::new(secret).ok()).collect();
    if keys.is_empty() {
        return Err(Refusal::NoSecret);
    }
    let (id, signatures) = (header(headers, ID)?, header(headers, SIGNATURE)?);
    let timestamp: i64 = header(headers, TIMESTAMP)?.parse().map_err(|_| Refusal::Timestamp)?;
    match now.timestamp().saturating_sub(timestamp) {
        age if age > TOLERANCE => return Err(Refusal::TooOld),
        age if age < -TOLERANCE => return Err(Refusal::TooNew),
        _ => {}
    }
    let ours: Vec<String> = keys.iter().filter_map(|key| key.sign(id, timestamp, body).ok()).collect();
    let fits = |theirs: &str| ours.iter().any(|ours| same(ours.as_bytes(), theirs.as_bytes()));
    if signatures.split(' ').any(fits) { Ok(()) } else { Err(Refusal::Signature) }
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Refusal> {
    headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Refusal::Header(name))
}

/// Takes the same time wherever the first difference is, so that an attacker can't guess a signature byte by byte.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use chrono::{DateTime, Utc};

    use super::{Refusal, verify};

    /// The example of the Standard Webhooks specification.
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNED_AT: i64 = 1_649_367_553;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    fn check(secrets: &[&str], signature: &str, body: &[u8], later: i64) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".parse().unwrap());
        headers.insert("webhook-timestamp", SIGNED_AT.into());
        headers.insert("webhook-signature", signature.parse().unwrap());
        let now: DateTime<Utc> = DateTime::from_timestamp(SIGNED_AT + later, 0).unwrap();
        let secrets: Vec<String> = secrets.iter().map(|&secret| secret.to_owned()).collect();
        verify(&secrets, &headers, body, now)
    }

    #[test]
    fn the_example_of_the_specification_fits() {
        assert_eq!(check(&[SECRET], SIGNATURE, BODY, 0), Ok(()));
    }

    #[test]
    fn one_fitting_signature_and_one_fitting_secret_suffice() {
        let two = format!("v1,AAAA {SIGNATURE}");
        assert_eq!(check(&["whsec_AAAA", SECRET], &two, BODY, 0), Ok(()));
    }

    #[test]
    fn another_body_or_secret_or_version_does_not_fit() {
        assert_eq!(check(&[SECRET], SIGNATURE, b"{}", 0), Err(Refusal::Signature));
        assert_eq!(check(&["whsec_AAAA"], SIGNATURE, BODY, 0), Err(Refusal::Signature));
        assert_eq!(check(&[SECRET], &SIGNATURE.replace("v1", "v2"), BODY, 0), Err(Refusal::Signature));
        assert_eq!(check(&[SECRET], "v1,", BODY, 0), Err(Refusal::Signature));
        assert_eq!(check(&[], SIGNATURE, BODY, 0), Err(Refusal::NoSecret));
    }

    #[test]
    fn five_minutes_are_tolerated_on_the_given_clock() {
        assert_eq!(check(&[SECRET], SIGNATURE, BODY, 300), Ok(()));
        assert_eq!(check(&[SECRET], SIGNATURE, BODY, 301), Err(Refusal::TooOld));
        assert_eq!(check(&[SECRET], SIGNATURE, BODY, -300), Ok(()));
        assert_eq!(check(&[SECRET], SIGNATURE, BODY, -301), Err(Refusal::TooNew));
    }

    #[test]
    fn a_missing_header_is_named() {
        let headers = HeaderMap::new();
        let refused = verify(&[SECRET.to_owned()], &headers, BODY, DateTime::UNIX_EPOCH);
        assert_eq!(refused, Err(Refusal::Header("webhook-id")));
    }
}
