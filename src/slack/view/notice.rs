//! What a modal says when its submission failed: a sentence instead of its contents, or above them.

use serde_json::{Map, Value};
use slack_morphism::prelude::SlackModalView;

use super::deny::view;
use crate::slack::view::blocks;

/// A modal with one sentence, for `response_action: update`. The sentence is one of [`super::sentences`], which Slack reads as
/// mrkdwn: in a modal's `errors` a mention would appear as a bare id
/// (<https://docs.slack.dev/surfaces/modals#displaying_errors>).
#[must_use]
pub fn notice(title: &'static str, sentence: String) -> Value {
    let modal = SlackModalView::new(blocks::plain_only(title), vec![blocks::own(sentence)])
        .with_close(blocks::plain_only("Close"));
    view(modal)
}

/// The `block_id` of the sentence that [`above`] adds.
const SENTENCE: &str = "why_it_failed";
/// The most blocks of a view. <https://docs.slack.dev/reference/views/modal-views>
const MOST_BLOCKS: usize = 100;

/// A submitted modal as it was, below the sentence that says why nothing happened, for `response_action: update`. It can be
/// submitted again. `None`: it has no room for the sentence, or is not a modal.
#[must_use]
pub fn above(submitted: &Value, sentence: String) -> Option<Value> {
    let mut first = serde_json::to_value(blocks::own(sentence)).ok()?;
    first["block_id"] = SENTENCE.into();
    let others = submitted["blocks"].as_array()?.iter().filter(|block| block["block_id"] != SENTENCE);
    let blocks: Vec<Value> = std::iter::once(first).chain(others.cloned()).collect();
    if blocks.len() > MOST_BLOCKS {
        return None;
    }
    let keys = ["type", "title", "submit", "close", "callback_id", "private_metadata"];
    let kept = keys.iter().filter_map(|key| Some(((*key).to_owned(), submitted.get(*key)?.clone())));
    let mut view: Map<String, Value> = kept.filter(|(_, value)| !value.is_null()).collect();
    view.insert("blocks".to_owned(), blocks.into());
    Some(view.into())
}
