//! Callback URLs: where to report the end of one approval, beside its backend's webhook endpoint.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::text::{Link, TextFault};

/// A callback URL. It may contain a secret, so only its host is shown.
#[derive(Debug, Clone)]
pub struct CallbackUrl {
    url: SecretString,
    host: String,
    receiver: Uuid,
}

impl CallbackUrl {
    /// Checks that the URL is absolute, http or https, and without user name and password.
    pub fn new(text: &str) -> Result<Self, TextFault> {
        let link = Link::new(text)?.without_credentials()?;
        let origin = link.origin();
        let host = url::Url::parse(link.as_str()).ok().and_then(|url| url.host_str().map(str::to_owned));
        let digest: [u8; 32] = Sha256::digest(&origin).into();
        let mut receiver = [0; 16];
        receiver.copy_from_slice(&digest[..16]);
        Ok(Self {
            url: link.as_str().into(),
            host: host.unwrap_or_default(),
            receiver: Uuid::from_bytes(receiver),
        })
    }

    /// The URL.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.url
    }

    /// The host, which may be shown.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// An id of scheme, host and port: callbacks with the same one share the limits of a receiver.
    #[must_use]
    pub const fn receiver(&self) -> Uuid {
        self.receiver
    }
}

impl PartialEq for CallbackUrl {
    fn eq(&self, other: &Self) -> bool {
        self.url.expose_secret() == other.url.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_url_shows_its_host_only() {
        let [one, other, third] = [
            "https://n8n.example.com/webhook-waiting/17?s=secret",
            "https://n8n.example.com/x",
            "https://n8n.example.com:8443/x",
        ]
        .map(|url| CallbackUrl::new(url).unwrap());
        assert_eq!(one.host(), "n8n.example.com");
        assert!(!format!("{one:?}").contains("s=secret") && !format!("{one:?}").contains("waiting"));
        assert_eq!(one.receiver(), other.receiver());
        assert_ne!(one.receiver(), third.receiver());
        for wrong in ["ftp://example.com", "/x", "https://user:pass@example.com/"] {
            assert!(CallbackUrl::new(wrong).is_err(), "{wrong}");
        }
    }
}
