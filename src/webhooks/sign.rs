//! Signs webhooks by Standard Webhooks 1.0
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::SecretString;
use sha2::Sha256;

use crate::service::authenticate::signing_bytes;

/// The `webhook-signature` header: one `v1,…` for each secret, separated by spaces.
#[must_use]
pub fn signature(secrets: &[SecretString], id: &str, timestamp: DateTime<Utc>, body: &[u8]) -> String {
    let signatures = secrets.iter().filter_map(signing_bytes).filter_map(|key| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(format!("{id}.{}.", timestamp.timestamp()).as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_verified_by_the_published_library() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let other = SecretString::from("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(&[other, secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        // The specification's example comes second, because an older secret signs first here.
        assert!(signed.ends_with(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), "{signed}");
    }
}
