//! The app's Home and About tabs.

use maud::{Markup, html};

use super::super::blocks::blocks;
use super::super::desk::Desk;
use super::super::live::{Part, hash};
use super::modal::context;

/// The Home tab as the app published it last.
pub(super) fn part(desk: &Desk) -> Part {
    let inside = html! {
        @if let Some(view) = &desk.home {
            form.home autocomplete="off" data-testid="home" data-view=(view.id) {
                (blocks(&context(desk, view), view.blocks()))
            }
        } @else {
            p.empty { (desk.app) " has not published a Home tab for " (desk.viewer.real_name) " yet." }
        }
    };
    let hash = hash(&desk.home.as_ref().map(|view| (&view.id, &view.hash)));
    Part { id: "home".into(), class: "home-slot", role: None, hash, inside }
}

/// What Slack tells about an app.
pub(super) fn about(desk: &Desk) -> Markup {
    html! {
        div.home {
            h2.block-header { (desk.app) }
            p { "An app in the workspace " strong { (desk.workspace) } "." }
            p { "Its commands begin with " code.code { "/" } " and are typed in the composer of any channel." }
        }
    }
}
