//! The pages that a browser shows during an installation.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use crate::slack::{oauth::config::Config, view::install};

/// A page, with headers that restrict what the browser may do with it.
pub(super) fn page(status: StatusCode, html: String) -> Response {
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(install::STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = (status, axum::response::Html(html)).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The address contains a code. It works only once, but no other site needs to see it.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The page that says why an installation failed.
pub(super) fn failed(config: &Config, error: install::InstallError) -> Response {
    use install::InstallError;
    let status = match error {
        InstallError::Declined => StatusCode::OK,
        InstallError::Stale | InstallError::Late | InstallError::CodeRefused => StatusCode::BAD_REQUEST,
        InstallError::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
        InstallError::SlackDown => StatusCode::BAD_GATEWAY,
        InstallError::OursDown | InstallError::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    page(status, install::failed(error, &config.install_url()))
}
