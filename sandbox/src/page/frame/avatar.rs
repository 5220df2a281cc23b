//! Avatars, drawn in HTML because the page loads nothing from other sites.

use maud::{Markup, html};

use super::icons;

/// A square with the initials of a name, in a colour that stays with the id.
pub(in crate::page) fn person(id: &str, name: &str, small: bool) -> Markup {
    let colour = id.bytes().fold(0u8, u8::wrapping_add) % 6;
    let initials: String = name.split_whitespace().take(2).filter_map(|word| word.chars().next()).collect();
    html! {
        span.avatar.{ "avatar-" (colour) }.avatar-small[small] aria-hidden="true" {
            (if small { initials.chars().take(1).collect::<String>() } else { initials })
        }
    }
}

/// The avatar of the app.
pub(in crate::page) fn app(small: bool) -> Markup {
    html! { span.avatar.avatar-app.avatar-small[small] aria-hidden="true" { (icons::signature()) } }
}
