//! The values that grants hold fixed, which are stored encrypted for the grant's row.

use secrecy::{ExposeSecret as _, SecretString};

use super::Service;
use crate::domain::{ids::GrantId, narrowing::FixedValues};

impl Service {
    /// Encrypts values, for [`crate::storage::tables::grants::Seal`].
    pub(super) fn seal_fixed(&self) -> impl Fn(GrantId, &FixedValues) -> Vec<u8> + Send + Sync + '_ {
        |grant, values| {
            let text = SecretString::from(values.as_canonical());
            self.sealer.seal(&text, grant.uuid(), &self.entropy)
        }
    }

    /// Decrypts and reads values, for [`crate::storage::tables::grants::Open`]. What can't be read is logged, without the
    /// values: its grant covers nothing.
    pub(super) fn open_fixed(&self) -> impl Fn(GrantId, &[u8]) -> Option<FixedValues> + Send + Sync + '_ {
        |grant, sealed| {
            // Those of an ended grant were deleted.
            if sealed.is_empty() {
                return None;
            }
            match self.sealer.open(sealed, grant.uuid()) {
                Ok(text) => {
                    let values = FixedValues::from_stored(text.expose_secret());
                    if values.is_none() {
                        tracing::error!(%grant, "Fixed values of a grant are unreadable; it approves nothing");
                    }
                    values
                }
                Err(error) => {
                    tracing::error!(%grant, %error, "Could not decrypt a grant's fixed values; it approves nothing");
                    None
                }
            }
        }
    }
}
