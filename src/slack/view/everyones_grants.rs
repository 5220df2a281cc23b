//! The modals in which an admin sees what all users auto-approve, and revokes it.

use std::fmt;

use serde_json::Value;
use slack_morphism::prelude::{
    SlackActionBlockElement, SlackBlock, SlackBlockId, SlackBlockPlainTextInputElement, SlackBlockText,
    SlackBlockUsersSelectElement, SlackInputBlock, SlackModalView,
};

use super::controls::{Callback, Control};
use super::deny::view;
use super::names;
use super::sentences;
use crate::{
    domain::{
        ids::{GrantId, UserId},
        overview::{GrantsPage, UserGrantLine},
    },
    slack::view::{
        blocks::{self, Style, bold, paragraph, plain_only, say, words},
        limits,
        sanitize::{in_quotes, safe_text::SafeText},
    },
};

/// The `block_id` and `action_id` of the reason.
pub const REASON: &str = "revocation_reason";
/// The longest reason, in characters.
const REASON_MAX: u64 = 500;

/// What the list shows: its `private_metadata`. It only says what to show, never what the admin may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// The user whose grants are shown. `None`: those of all users.
    pub user: Option<UserId>,
    /// The page, counted from 0.
    pub page: usize,
}

impl Listed {
    /// Parses what its `Display` wrote. Anything else is the first page of all users.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let (page, user) = text.split_once(':').unwrap_or(("", ""));
        Self { user: UserId::parse(user), page: page.parse().unwrap_or(0) }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.page, self.user.as_ref().map_or("", UserId::as_str))
    }
}

/// What the modal that revokes was rendered with: its `private_metadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The grant.
    pub grant: GrantId,
    /// What the list below it shows.
    pub listed: Listed,
}

impl Form {
    /// Parses what its `Display` wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (grant, listed) = text.split_once(':')?;
        Some(Self { grant: grant.parse().ok()?, listed: Listed::read(listed) })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.grant, self.listed)
    }
}

/// Renders the list. Its `callback_id` is [`Callback::EveryonesGrants`].
#[must_use]
pub fn list(shown: &GrantsPage) -> Value {
    let users = SlackBlockUsersSelectElement::new()
        .with_action_id(Control::GrantsOf.action_id().into())
        .with_placeholder(plain_only("Everyone"))
        .opt_initial_user(shown.user.as_ref().map(|user| user.as_str().into()));
    let mut filter: Vec<SlackActionBlockElement> = vec![users.into()];
    if shown.user.is_some() {
        let all = blocks::button(Control::EveryonesGrants, "Everyone", "Show everyone", Style::Plain);
        filter.push(all);
    }
    let mut all = vec![blocks::actions(filter)];
    if shown.lines.is_empty() {
        all.push(say(match (&shown.user, shown.page) {
            (_, 1..) => "No more auto-approvals.",
            (Some(_), 0) => "This person auto-approves nothing.",
            (None, 0) => "No one auto-approves anything.",
        }));
    }
    all.extend(shown.lines.iter().map(line));
    all.extend(pager(shown));
    let listed = Listed { user: shown.user.clone(), page: shown.page };
    view(
        SlackModalView::new(plain_only("Auto-approvals"), all)
            .with_close(plain_only("Close"))
            .with_callback_id(Callback::EveryonesGrants.as_str().into())
            .with_private_metadata(listed.to_string()),
    )
}

fn line(line: &UserGrantLine) -> SlackBlock {
    let alone = SafeText::from("Revoke ").then(names::brief(&line.integration_name, &line.action_name));
    let revoke = blocks::beside(Control::RevokeGrant(line.id), "Revoke…", alone);
    blocks::section(names::pair(&line.integration_name, &line.action_name), facts(line), Some(revoke))
}

fn facts(line: &UserGrantLine) -> Vec<SlackBlockText> {
    let mut facts = vec![blocks::own_fact(sentences::mention(&line.user)), blocks::fact(reach(line))];
    facts.extend(line.backend.as_deref().map(|backend| {
        blocks::fact(SafeText::from("Of the backend ").then(in_quotes(&names::name(backend))))
    }));
    facts.extend(line.narrowing.as_ref().and_then(limits::end_in_mrkdwn).map(blocks::own_fact));
    facts.push(blocks::own_fact(names::since_and_use(
        line.created_at,
        line.use_count,
        line.last_used_at,
        line.paused,
    )));
    facts
}

fn reach(line: &UserGrantLine) -> SafeText {
    names::reach(line.conversation.as_deref(), line.narrowing.as_ref())
}

fn pager(shown: &GrantsPage) -> Option<SlackBlock> {
    let mut row = Vec::new();
    if shown.page > 0 {
        let control = Control::GrantsPrevious(shown.page - 1);
        row.push(blocks::button(control, "Previous page", "Previous page of auto-approvals", Style::Plain));
    }
    if shown.more {
        let control = Control::GrantsNext(shown.page + 1);
        row.push(blocks::button(control, "Next page", "Next page of auto-approvals", Style::Plain));
    }
    (!row.is_empty()).then(|| blocks::actions(row))
}

/// Renders the modal that asks why. Its `callback_id` is [`Callback::RevokeGrant`].
#[must_use]
pub fn revoke(grant: &UserGrantLine, listed: Listed) -> Value {
    let name = paragraph(vec![bold(names::pair(&grant.integration_name, &grant.action_name))]);
    let whose = paragraph(vec![blocks::person(&grant.user), words(SafeText::from(": ").then(reach(grant)))]);
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(REASON.into())
        .with_multiline(true)
        .with_max_length(REASON_MAX)
        .with_focus_on_load(true);
    let reason = SlackInputBlock::new(plain_only("Reason"), input.into())
        .with_block_id(SlackBlockId::new(REASON.to_owned()))
        .with_hint(plain_only("The person reads it, with your name."))
        .with_optional(true);
    let all = vec![
        blocks::rich(vec![name, whose]),
        say("Every request for this action asks the person again."),
        reason.into(),
    ];
    let form = Form { grant: grant.id, listed };
    view(
        SlackModalView::new(plain_only("Revoke"), all)
            .with_submit(plain_only("Revoke"))
            .with_close(plain_only("Back"))
            .with_callback_id(Callback::RevokeGrant.as_str().into())
            .with_private_metadata(form.to_string()),
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn metadata_reads_what_the_modal_wrote() {
        for user in [None, UserId::parse("U0ALICE")] {
            let listed = Listed { user, page: 3 };
            assert_eq!(Listed::read(&listed.to_string()), listed);
            let form = Form { grant: GrantId::new(Uuid::from_u128(1)), listed };
            assert_eq!(Form::read(&form.to_string()), Some(form));
        }
        assert_eq!(Listed::read("x"), Listed::default());
        assert_eq!(Form::read("x:0:"), None);
    }
}
