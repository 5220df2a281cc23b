//! The Content-Security-Policy, which allows only the page's own resources.

use axum::http::{HeaderValue, header};
use axum::response::Response;

/// Only the page's own scripts, styles and connections; nothing inline, nothing evaluated, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Adds the Content-Security-Policy and its companions to an answer.
pub(super) async fn fence(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
