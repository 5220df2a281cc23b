//! Submits a modal.

use axum::extract::State;

use super::super::Page;
use super::{Fields, Notice};
use crate::slack::{ActError, Surface};

/// `POST /act/submit`: `as`, `view`, and the fields of the view's elements.
pub(super) async fn submit(State(page): State<Page>, fields: Fields) -> Notice {
    let user = fields.get("as");
    let blocks = page.slack.core().read(|state| {
        let top = state.modals.get(user).and_then(|stack| stack.last());
        top.filter(|top| top.id == fields.get("view")).map(|top| top.blocks().to_vec())
    });
    let Some(blocks) = blocks else { return Notice::Impossible("That modal is no longer open.".into()) };
    fields.remember(&page.slack, user, &Surface::Modal, &blocks, None);
    match page.slack.submit(user).await {
        Err(ActError::Incomplete(missing)) => {
            let sentence = "Please complete this field.";
            page.slack.core().change(|state| {
                if let Some(top) = state.modals.get_mut(user).and_then(|stack| stack.last_mut()) {
                    top.errors = missing.into_iter().map(|block| (block, sentence.to_owned())).collect();
                }
            });
            Notice::Done
        }
        delivery => Notice::from_delivery(delivery),
    }
}
