//! Makes addresses from apps safe.

use maud::{Markup, html};

/// The schemes that the page links to. Slack accepts others too, but none that runs scripts.
const SCHEMES: [&str; 4] = ["http://", "https://", "mailto:", "tel:"];

/// The address if the page may link to it; `None` for anything that could run script or is not absolute.
#[must_use]
pub fn href(address: &str) -> Option<&str> {
    let address = address.trim();
    let known = SCHEMES.iter().any(|scheme| {
        address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && address.len() > scheme.len()
    });
    (known && !address.chars().any(char::is_control)).then_some(address)
}

/// The page's own address of a message that the address links to in Slack. Here no other Slack exists.
fn message(address: &str) -> Option<String> {
    let (_, message) = address.strip_prefix("https://")?.split_once(".slack.com/archives/")?;
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (channel, ts) = message.split_once('/')?;
    (plain(channel) && plain(ts)).then(|| format!("/archives/{channel}/{ts}"))
}

/// Renders a link as Slack does. For a refused address, renders only the label followed by the address.
pub(super) fn anchor(address: &str, label: &Markup) -> Markup {
    html! {
        @if let Some(message) = message(address) {
            a.link href=(message) { (label) }
        } @else if let Some(address) = href(address) {
            a.link href=(address) target="_blank" rel="noopener noreferrer nofollow" { (label) }
        } @else {
            (label) " (" (address) ")"
        }
    }
}
