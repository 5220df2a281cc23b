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

/// Renders a link as Slack does. For a refused address, renders only the label followed by the address.
pub(super) fn anchor(address: &str, label: &Markup) -> Markup {
    html! {
        @if let Some(address) = href(address) {
            a.link href=(address) target="_blank" rel="noopener noreferrer nofollow" { (label) }
        } @else {
            (label) " (" (address) ")"
        }
    }
}
