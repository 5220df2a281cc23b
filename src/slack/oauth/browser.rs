//! The cookie by which a browser is known again when it comes back from Slack's page (RFC 6265).

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::entropy::Entropy;

const NAME: &str = "countersign_install";

/// What the browser brought along, if it is one of ours.
pub(super) fn known(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == NAME)?;
    URL_SAFE_NO_PAD.decode(value).is_ok_and(|bytes| bytes.len() == 32).then_some(value)
}

/// A name for a browser that has none.
pub(super) fn fresh(entropy: &Entropy) -> String {
    URL_SAFE_NO_PAD.encode(entropy.bytes())
}

/// Gives the browser its name for `seconds`. It is sent back on the way from Slack's page (`Lax`), to these pages only,
/// and to no script.
pub(super) fn set(browser: &str, seconds: i64, public_url: &str) -> Option<HeaderValue> {
    let secure = if public_url.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!("{NAME}={browser}; Path=/slack; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).ok()
}
