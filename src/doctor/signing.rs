//! Checks the key that signs receipts.

use crate::{
    app,
    doctor::{context::DoctorContext, finding::Finding},
    service::{ServiceError, signing},
};

pub(super) async fn check(context: &DoctorContext) -> Finding {
    let check = "signing key";
    if !context.config.signing_key_file.is_empty() {
        return match app::signing_keys(&context.config.signing_key_file) {
            Ok(_) => Finding::ok(check, "read from COUNTERSIGN_SIGNING_KEY_FILE"),
            Err(error) => {
                let fix = "name a file that the service can read, as `openssl genpkey -algorithm ed25519` writes it";
                Finding::failed(check, error.to_string(), fix)
            }
        };
    }
    match signing::check(&context.service).await {
        Ok(Some(kid)) => Finding::ok(check, format!("{kid} signs receipts")),
        Ok(None) => Finding::ok(check, "none yet: `countersign serve` makes one when it first signs"),
        Err(ServiceError::Sealed(error)) => Finding::failed(
            check,
            format!("receipts can't be signed: {error}"),
            "add the missing key to COUNTERSIGN_ENCRYPTION_KEY, after a comma; if it is lost, run `countersign signing-key rotate --now`",
        ),
        Err(error) => {
            Finding::failed(check, error.to_string(), "check that Postgres still runs, and run this again")
        }
    }
}
