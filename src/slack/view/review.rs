//! The modal that shows the requests of a conversation one at a time.

use std::fmt;

use serde_json::Value;
use slack_morphism::prelude::SlackModalView;

use super::controls::{Callback, Control};
use super::deny;
use super::names;
use super::prompt::prompt;
use super::prompt_state::PromptState;
use crate::{
    domain::{approvals::Approval, ids::ApprovalId},
    slack::view::{
        blocks::{self, Style},
        sanitize::safe_text::SafeText,
        summary,
    },
};

const TITLE: &str = "Review";

/// How far a review is. The modal's `private_metadata` keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Review {
    /// One of the requests, which names their conversation and place.
    pub like: ApprovalId,
    /// The request that is shown; at the end, the last one.
    pub at: ApprovalId,
    /// How many the user has approved.
    pub approved: usize,
    /// How many the user has denied.
    pub denied: usize,
}

impl Review {
    /// A review that begins.
    #[must_use]
    pub const fn new(like: ApprovalId) -> Self {
        Self { like, at: like, approved: 0, denied: 0 }
    }

    /// Parses what `Display` wrote.
    #[must_use]
    pub fn parse(metadata: &str) -> Option<Self> {
        let mut parts = metadata.split(' ');
        let (like, at) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (approved, denied) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { like, at, approved, denied })
    }

    /// What the user has done, as a sentence.
    fn done(self) -> SafeText {
        let parts = [(self.approved, "approved"), (self.denied, "denied")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, how)| format!("{how} {count}")).collect();
        SafeText::own(match parts.as_slice() {
            [] => "You made no decisions.".to_owned(),
            parts => format!("You {}.", parts.join(" and ")),
        })
    }
}

impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.like, self.at, self.approved, self.denied)
    }
}

/// Renders one request, as its prompt shows it. `others`: how many follow.
#[must_use]
pub fn review(shown: &PromptState<'_>, review: Review, others: usize) -> Value {
    let mut rows = prompt(shown).blocks;
    let mut facts = Vec::new();
    if review.approved + review.denied > 0 {
        facts.push(blocks::small(review.done()));
    }
    facts.push(blocks::small(SafeText::own(match others {
        0 => "This is the last one.".to_owned(),
        others => format!("{}.", names::count(others, "more request follows", "more requests follow")),
    })));
    rows.push(blocks::divider());
    rows.push(blocks::context(facts));
    if others > 0 {
        let alone = SafeText::from("Skip: ").then(summary::brief(&shown.approval.request));
        let skip = blocks::button(Control::Skip(shown.approval.id()), "Skip", alone, Style::Plain);
        rows.push(blocks::actions(vec![skip]));
    }
    modal(rows, review)
}

/// Renders the end: what the user did, and how many requests wait still.
#[must_use]
pub fn finished(review: Review, left: usize) -> Value {
    let mut rows = vec![blocks::say(review.done())];
    if left > 0 {
        let waits = names::count(left, "request is still waiting.", "requests are still waiting.");
        rows.push(blocks::say(SafeText::own(waits)));
        let again = Control::Review(review.like);
        rows.push(blocks::actions(vec![blocks::button(
            again,
            "Start again",
            "Review the remaining requests",
            Style::Plain,
        )]));
    } else {
        rows.push(blocks::say("No more requests are waiting in this conversation."));
    }
    modal(rows, review)
}

fn modal(rows: Vec<slack_morphism::prelude::SlackBlock>, review: Review) -> Value {
    deny::view(
        SlackModalView::new(blocks::plain_only(TITLE), rows)
            .with_close(blocks::plain_only("Close"))
            .with_callback_id(Callback::Review.as_str().into())
            .with_private_metadata(review.to_string()),
    )
}

/// A modal for this approval, on top of the review. Its `private_metadata` also says how far the review is.
#[must_use]
pub fn on_top(mut view: Value, approval: &Approval, review: Review) -> Value {
    view["private_metadata"] = format!("{} {review}", approval.id()).into();
    view
}

/// Parses the `private_metadata` of a modal that may be on top of a review: the approval, and the review.
#[must_use]
pub fn on_top_of(metadata: &str) -> Option<(ApprovalId, Option<Review>)> {
    let (approval, review) = metadata.split_once(' ').unwrap_or((metadata, ""));
    Some((approval.parse().ok()?, Review::parse(review)))
}
