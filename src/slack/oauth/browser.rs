//! The cookie that identifies a browser when it comes back from Slack's page (RFC 6265).

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::entropy::Entropy;

const NAME: &str = "countersign_install";

/// The id in the browser's cookie, if it has the form of an id that this module creates.
pub(super) fn known(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == NAME)?;
    URL_SAFE_NO_PAD.decode(value).is_ok_and(|bytes| bytes.len() == 32).then_some(value)
}

/// A random id for a browser that has no cookie.
pub(super) fn new_id(entropy: &Entropy) -> String {
    URL_SAFE_NO_PAD.encode(entropy.bytes())
}

/// Sets the cookie for `seconds`. Browsers send it on the redirect from Slack's page (`Lax`), only to these pages, and
/// hide it from scripts.
pub(super) fn set(browser: &str, seconds: i64, public_url: &str) -> Option<HeaderValue> {
    let secure = if public_url.starts_with("https://") { "; Secure" } else { "" };
    // The public address may have a path, and browsers match the cookie against the complete one.
    let base = url::Url::parse(public_url).ok()?.path().trim_end_matches('/').to_owned();
    let cookie =
        format!("{NAME}={browser}; Path={base}/slack; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_for_the_pages_as_browsers_know_them() {
        let path = |public_url| {
            let cookie = set("name", 600, public_url).unwrap().to_str().unwrap().to_owned();
            cookie.split("; ").find_map(|part| part.strip_prefix("Path=").map(str::to_owned)).unwrap()
        };
        assert_eq!(path("https://countersign.example.com"), "/slack");
        assert_eq!(path("https://example.com/tools/countersign"), "/tools/countersign/slack");
    }
}
