//! Closes a modal.

use axum::extract::State;

use super::super::Page;
use super::{Fields, Notice};
use crate::slack::ActError;

/// `POST /act/close`: `as`, `view`, and `clear` as `true` when the whole stack goes.
pub(super) async fn close(State(page): State<Page>, fields: Fields) -> Notice {
    let user = fields.get("as");
    let is_top = page.slack.core().read(|state| {
        let top = state.modals.get(user).and_then(|stack| stack.last());
        top.is_some_and(|top| top.id == fields.get("view"))
    });
    if !is_top {
        return Notice::Done;
    }
    let closed = if fields.get("clear") == "true" {
        page.slack.close_all(user).await
    } else {
        page.slack.close(user).await
    };
    match closed {
        Ok(Some(delivery)) => Notice::from_delivery(Ok(delivery)),
        Ok(None) | Err(ActError::NoModal) => Notice::Done,
        Err(error) => Notice::from_delivery(Err(error)),
    }
}
