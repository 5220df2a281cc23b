//! The page's drawings: 20 × 20, in the colour of the text around them.

use maud::{Markup, html};

/// A drawing made of one stroked path.
fn line(path: &str) -> Markup {
    html! {
        svg.icon.icon-line viewBox="0 0 20 20" aria-hidden="true" focusable="false" { path d=(path) {} }
    }
}

/// Channels and apps.
pub(in crate::page) fn places() -> Markup {
    line("M3 5.500h14M3 10h14M3 14.500h14")
}

/// A channel.
pub(in crate::page) fn hash() -> Markup {
    line("M8 3 6 17M14 3l-2 14M3.5 7.5h13M3 12.5h13")
}

/// A private channel.
pub(in crate::page) fn lock() -> Markup {
    line("M5 9h10v8H5zM7 9V6a3 3 0 0 1 6 0v3")
}

/// To close.
pub(in crate::page) fn cross() -> Markup {
    line("M5 5l10 10M15 5 5 15")
}

/// It opens a menu.
pub(in crate::page) fn chevron() -> Markup {
    line("M5 7.5l5 5 5-5")
}

/// Visible to you only.
pub(in crate::page) fn eye() -> Markup {
    line(
        "M1.5 10S4.5 4.5 10 4.5 18.5 10 18.5 10 15.5 15.5 10 15.5 1.5 10 1.5 10zM10 7.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
    )
}

/// To answer in a thread.
pub(in crate::page) fn bubble() -> Markup {
    line(
        "M4 3.5h12a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5h-6L6 17.5v-3H4A1.5 1.5 0 0 1 2.5 13V5A1.5 1.5 0 0 1 4 3.5z",
    )
}

/// To send.
pub(in crate::page) fn send() -> Markup {
    line("M3 3.5 17.5 10 3 16.5l2.5-6.5zM5.5 10h5")
}

/// The app: a signature over its line.
pub(in crate::page) fn signature() -> Markup {
    line(
        "M2.5 12c2.5-1 5-7.5 6.5-7.5s-2 7.5-.5 7.5 2.500-3.500 3.800-3.500-.3 3 1 3 1.700-1.200 3.700-1.700M3 16.500h14",
    )
}

/// The panel of the agent backend.
pub(in crate::page) fn robot() -> Markup {
    line("M4 7.500h12v8.500H4zM10 7.500V4M7.500 11.500v1M12.500 11.500v1M2 11v2M18 11v2")
}
