//! The HTTP client that the parts of the sandbox use.

use std::sync::Once;
use std::time::Duration;

/// Longer than the longest call there is: `GET /v1/approvals/{id}?wait=55`.
const TIME_LIMIT: Duration = Duration::from_secs(70);

/// A client for calls on this machine: through no proxy, whatever the environment says, and following no redirects, so that they
/// are seen.
///
/// # Errors
/// If no TLS configuration can be had. The client is built with one even where it speaks only plain HTTP.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    ensure_crypto_provider();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIME_LIMIT)
        .build()
}

/// Makes ring the cryptography of this process's TLS, unless another one is installed already. Building a client without any
/// panics.
pub fn ensure_crypto_provider() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
