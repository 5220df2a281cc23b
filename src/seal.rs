//! Secrets at rest: sealed with XChaCha20-Poly1305, the key's id in front, bound to the row they belong to.

use base64::Engine as _;
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::entropy::Entropy;

/// How a sealed value begins.
const PLAIN: u8 = 0;
const SEALED: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;

/// Why a key or a sealed value was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not 32 bytes in base64.
    #[error("an encryption key is 32 bytes in base64, as `openssl rand -base64 32` prints it")]
    BadKey,
    /// No key with this id is configured.
    #[error("no configured encryption key decrypts this: add the key that it was encrypted with")]
    UnknownKey,
    /// Changed, or moved from another row.
    #[error("the encrypted value was changed, or belongs to another row")]
    Forged,
}

/// Seals and opens secrets. The first key seals; all of them open.
#[derive(Debug, Default)]
pub struct Sealer {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    id: [u8; KEY_ID],
    secret: SecretBox<[u8; 32]>,
}

impl Sealer {
    /// Takes keys as the configuration gives them: base64, separated by commas, the one that seals first. Without
    /// any, values are kept as they are, marked so that they are sealed once a key is there.
    pub fn new(keys: Option<&SecretString>) -> Result<Self, SealError> {
        let keys = keys.map_or("", |keys| keys.expose_secret());
        let keys = keys.split(',').map(str::trim).filter(|key| !key.is_empty()).map(|key| {
            let bytes =
                base64::engine::general_purpose::STANDARD.decode(key).map_err(|_| SealError::BadKey)?;
            let secret: [u8; 32] = bytes.try_into().map_err(|_| SealError::BadKey)?;
            let digest: [u8; 32] = Sha256::digest(secret).into();
            Ok(Key {
                id: [digest[0], digest[1], digest[2], digest[3]],
                secret: SecretBox::new(Box::new(secret)),
            })
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// Whether there is a key to seal with.
    #[must_use]
    pub fn has_key(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Seals a secret for the row with this id.
    #[must_use]
    pub fn seal(&self, secret: &SecretString, row: Uuid, entropy: &Entropy) -> Vec<u8> {
        let plain = secret.expose_secret().as_bytes();
        let Some(key) = self.keys.first() else {
            return [&[PLAIN], plain].concat();
        };
        let random = entropy.bytes();
        let nonce = &random[..NONCE];
        let sealed = XChaCha20Poly1305::new(key.secret.expose_secret().into())
            .encrypt(nonce.into(), Payload { msg: plain, aad: row.as_bytes() })
            // Encryption fails only for texts of more than 256 GiB.
            .unwrap_or_default();
        [&[SEALED][..], &key.id, nonce, &sealed].concat()
    }

    /// Whether a value is sealed with the first key, or unsealed where there is none.
    #[must_use]
    pub fn is_newest(&self, sealed: &[u8]) -> bool {
        match (sealed, self.keys.first()) {
            ([SEALED, rest @ ..], Some(key)) => rest.starts_with(&key.id),
            ([PLAIN, ..], None) => true,
            _ => false,
        }
    }

    /// The same for what comes from outside: a value that is not sealed was not made here.
    pub fn open_authentic(&self, sealed: &[u8], row: Uuid) -> Result<SecretString, SealError> {
        if sealed.first() == Some(&SEALED) { self.open(sealed, row) } else { Err(SealError::Forged) }
    }

    /// Opens what was sealed for the row with this id.
    pub fn open(&self, sealed: &[u8], row: Uuid) -> Result<SecretString, SealError> {
        let bytes = match sealed {
            [PLAIN, plain @ ..] => plain.to_vec(),
            [SEALED, rest @ ..] if rest.len() > KEY_ID + NONCE => {
                let (id, rest) = rest.split_at(KEY_ID);
                let (nonce, cipher) = rest.split_at(NONCE);
                let key = self.keys.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
                XChaCha20Poly1305::new(key.secret.expose_secret().into())
                    .decrypt(nonce.into(), Payload { msg: cipher, aad: row.as_bytes() })
                    .map_err(|_| SealError::Forged)?
            }
            _ => return Err(SealError::Forged),
        };
        String::from_utf8(bytes).map(SecretString::from).map_err(|_| SealError::Forged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(keys: &str) -> Sealer {
        Sealer::new(Some(&SecretString::from(keys))).unwrap()
    }

    const OLD: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const NEW: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    #[test]
    fn what_is_sealed_opens_for_its_own_row_alone() {
        let newest = sealer(NEW);
        let sealed = newest.seal(&"whsec_x".into(), Uuid::from_u128(1), &Entropy::seeded(1));
        assert!(!sealed.windows(7).any(|window| window == b"whsec_x"));
        assert_eq!(newest.open(&sealed, Uuid::from_u128(1)).unwrap().expose_secret(), "whsec_x");
        assert_eq!(newest.open(&sealed, Uuid::from_u128(2)).unwrap_err(), SealError::Forged);
    }

    #[test]
    fn an_older_key_still_opens() {
        let sealed = sealer(OLD).seal(&"token".into(), Uuid::nil(), &Entropy::seeded(1));
        let both = sealer(&format!("{NEW}, {OLD}"));
        assert_eq!(both.open(&sealed, Uuid::nil()).unwrap().expose_secret(), "token");
        assert_eq!(sealer(NEW).open(&sealed, Uuid::nil()).unwrap_err(), SealError::UnknownKey);
    }

    #[test]
    fn a_changed_value_is_refused() {
        let newest = sealer(NEW);
        let mut sealed = newest.seal(&"token".into(), Uuid::nil(), &Entropy::seeded(1));
        if let Some(last) = sealed.last_mut() {
            *last ^= 1;
        }
        assert_eq!(newest.open(&sealed, Uuid::nil()).unwrap_err(), SealError::Forged);
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert_eq!(Sealer::new(Some(&"c2hvcnQ=".into())).unwrap_err(), SealError::BadKey);
    }
}
