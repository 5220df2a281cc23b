//! Addresses that apps give, made harmless.

use maud::{Markup, html};

/// The schemes that the page follows. Slack follows others too, but none that runs script.
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

/// A link as Slack draws it; the label alone, followed by the address, where the address is refused.
pub(super) fn anchor(address: &str, label: &Markup) -> Markup {
    html! {
        @if let Some(address) = href(address) {
            a.link href=(address) target="_blank" rel="noopener noreferrer nofollow" { (label) }
        } @else {
            (label) " (" (address) ")"
        }
    }
}
