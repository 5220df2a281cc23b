//! The HTTP client that the parts of the sandbox use.

use std::sync::Once;
use std::time::Duration;

/// Longer than the longest call, `GET /v1/approvals/{id}?wait=55`.
const TIME_LIMIT: Duration = Duration::from_secs(70);

/// A client for calls on this machine. It ignores proxy settings, and doesn't follow redirects, so that callers see
/// them.
///
/// # Errors
/// If no TLS configuration is available. The client needs one even if it only uses plain HTTP.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    ensure_crypto_provider();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIME_LIMIT)
        .build()
}

/// Makes ring the TLS cryptography of this process, unless another provider is installed. Without one, building a
/// client panics.
pub fn ensure_crypto_provider() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        // An error means that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
