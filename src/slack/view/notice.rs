//! A modal with one sentence: it replaces an open modal whose submission came too late.

use serde_json::Value;
use slack_morphism::prelude::SlackModalView;

use super::deny::view;
use crate::slack::view::blocks;

/// Renders the modal for `response_action: update`. The sentence is one of [`super::sentences`], which Slack reads as
/// mrkdwn: in a modal's `errors` a mention would appear as a bare id
/// (<https://docs.slack.dev/surfaces/modals#displaying_errors>).
#[must_use]
pub fn notice(title: &'static str, sentence: String) -> Value {
    let modal = SlackModalView::new(blocks::plain_only(title), vec![blocks::own(sentence)])
        .with_close(blocks::plain_only("Close"));
    view(modal)
}
