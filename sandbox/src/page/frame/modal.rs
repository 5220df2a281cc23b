//! Modals: dialogs over everything else.

use maud::{Markup, html};
use serde_json::json;

use super::super::blocks::{Place, RenderContext, blocks};
use super::super::desk::Desk;
use super::super::live::{List, Part, hash};
use super::icons;
use crate::slack::View;

/// The viewer's stack of modals, and what stands in each.
///
/// The dialogs come and go as views are opened and closed; their contents are parts of their own, so that an
/// update of a view leaves the dialog, and the focus in it, where it is.
pub(super) fn parts(desk: &Desk) -> (List, Vec<Part>) {
    let contents: Vec<Part> = desk.modals.iter().map(|view| content(desk, view)).collect();
    let items = desk.modals.iter().zip(&contents).map(|(view, content)| Part {
        id: format!("dialog-{}", view.id),
        class: "dialog-slot",
        role: None,
        hash: hash(&view.id),
        inside: html! {
            dialog.dialog.modal data-modal data-testid="modal" data-view=(view.id)
                data-callback=(view.callback_id()) aria-labelledby={ "title-" (view.id) } { (content) }
        },
    });
    let items = items.collect();
    (List { id: "modals".into(), class: "modals", role: None, newest_first: false, items }, contents)
}

fn content(desk: &Desk, view: &View) -> Part {
    Part {
        id: format!("view-{}", view.id),
        class: "view",
        role: None,
        hash: hash(&(&view.hash, &view.errors)),
        inside: render(desk, view),
    }
}

fn render(desk: &Desk, view: &View) -> Markup {
    let vals = json!({ "as": desk.viewer.id, "view": view.id }).to_string();
    let submit = view.text_of("submit");
    let close = Some(view.text_of("close")).filter(|words| !words.is_empty()).unwrap_or("Cancel");
    // A fault that belongs to none of the view's blocks would show nowhere.
    let stray = view.errors.iter().find(|(id, _)| view.blocks().iter().all(|b| b["block_id"] != **id));
    html! {
        form.view-form hx-post="/act/submit" hx-vals=(vals) hx-sync="this:drop" autocomplete="off" novalidate {
            header.dialog-head {
                h2.dialog-title id={ "title-" (view.id) } { (view.title()) }
                button.dialog-close type="button" aria-label="Close" title="Close"
                    hx-post="/act/close" hx-vals=(close_vals(desk, view, true)) { (icons::cross()) }
            }
            div.dialog-body { (blocks(&context(desk, view), view.blocks())) }
            footer.dialog-foot {
                @if let Some((_, words)) = stray { p.dialog-problem role="alert" { "⚠ " (words) } }
                button.btn.btn-big type="button" data-close data-testid="modal-close"
                    hx-post="/act/close" hx-vals=(close_vals(desk, view, false)) { (close) }
                @if !submit.is_empty() {
                    button.btn.btn-big.btn-primary type="submit" data-testid="modal-submit" {
                        span.btn-words { (submit) }
                    }
                }
            }
        }
    }
}

/// The X takes the whole stack away, the button in the footer only the topmost view.
fn close_vals(desk: &Desk, view: &View, clear: bool) -> String {
    json!({ "as": desk.viewer.id, "view": view.id, "clear": clear }).to_string()
}

/// The context of a view's blocks.
pub(super) fn context<'d>(desk: &'d Desk, view: &'d View) -> RenderContext<'d> {
    RenderContext {
        names: &desk.names,
        viewer: &desk.viewer.id,
        place: Place::View { id: view.id.clone() },
        id: format!("v-{}", view.id),
        moment: desk.moment,
        entered: Some(&view.state),
        errors: Some(&view.errors),
    }
}
