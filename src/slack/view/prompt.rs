//! The prompt: the message that asks, and that says afterwards what became of the request.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use slack_morphism::prelude::{SlackBlock, SlackBlockChoiceItem, SlackBlockOverflowElement};

use super::{
    arguments,
    controls::Control,
    decided,
    harmless::{self, Shown},
    head,
    kit::{self, Style},
    names,
};
use crate::domain::{
    approvals::Approval,
    catalog::{Barrier, Standing},
    grants::Scope,
};

/// What a prompt is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct PromptState<'a> {
    /// The request, and its decision if there is one.
    pub approval: &'a Approval,
    /// Whether it may be auto-approved.
    pub standing: Standing,
    /// Whether the grant that the decision left still holds.
    pub grant_live: bool,
    /// Where the integration can be connected, if its backend said so: an http or https URL.
    pub connect_url: Option<&'a str>,
    /// Whether the user has asked the admins to unlock the action, and has no answer yet.
    pub requested: bool,
    /// When it is drawn.
    pub now: DateTime<Utc>,
}

/// A message for `chat.postMessage` and `chat.update`.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The same in one sentence, for notifications and screen readers. Slack reads it as mrkdwn.
    pub text: String,
    /// At most 50.
    pub blocks: Vec<SlackBlock>,
}

impl Message {
    /// `text`, and `blocks` where there are some.
    #[must_use]
    pub fn to_json(&self) -> Value {
        if self.blocks.is_empty() {
            json!({ "text": self.text })
        } else {
            json!({ "text": self.text, "blocks": self.blocks })
        }
    }

    /// The message's part of `chat.postMessage`'s JSON body. Slack shows nothing of what links lead to.
    #[must_use]
    pub fn to_post(&self) -> Value {
        let mut body = self.to_json();
        body["unfurl_links"] = json!(false);
        body["unfurl_media"] = json!(false);
        body
    }

    /// The message's part of `chat.update`'s, which takes no word on links. `blocks` is there even if it is empty:
    /// without it Slack may leave what the message had before, and its buttons would still be there.
    /// <https://docs.slack.dev/reference/methods/chat.update>
    #[must_use]
    pub fn to_update(&self) -> Value {
        json!({ "text": self.text, "blocks": self.blocks })
    }
}

/// Draws the prompt, pending or decided.
#[must_use]
pub fn prompt(shown: &PromptState<'_>) -> Message {
    match &shown.approval.decision {
        None => pending(shown),
        Some(decision) => decided::decided(shown, decision),
    }
}

fn pending(shown: &PromptState<'_>) -> Message {
    let request = &shown.approval.request;
    let mut blocks = asked(shown);
    blocks.extend(head::addressee(request));
    let barrier = shown.standing.barrier();
    if let Some(barrier) = barrier {
        blocks.push(kit::context(vec![kit::small(why_not(barrier, shown.requested))]));
    }
    blocks.push(controls(shown, barrier));
    blocks.push(kit::context(vec![
        kit::small(names::path(&request.action.path())),
        kit::small_mrkdwn(format!(
            "expires {} ({})",
            remaining(shown),
            kit::moment_in_mrkdwn(request.expires_at)
        )),
        kit::small(digest(shown)),
    ]));
    let called = request.place.as_ref().map(|_| format!("<@{}>: ", request.user)).unwrap_or_default();
    Message { text: format!("{called}{} Approve or deny?", head::sentence(request)), blocks }
}

/// What stays the same when the request is decided: who wants what, why, and with which arguments.
pub(super) fn asked(shown: &PromptState<'_>) -> Vec<SlackBlock> {
    let request = &shown.approval.request;
    let mut blocks = vec![head::summary(request)];
    blocks.extend(head::warning(request));
    blocks.extend(head::reason(request));
    blocks.push(match arguments::shown(&request.arguments) {
        Some(arguments) => arguments,
        None => kit::say("No arguments."),
    });
    blocks
}

fn controls(shown: &PromptState<'_>, barrier: Option<Barrier>) -> SlackBlock {
    let request = &shown.approval.request;
    let about = head::brief(request);
    let mut row = vec![kit::button(
        Control::Approve(request.id),
        "Approve",
        Shown::from("Approve: ").then(about.clone()),
        Style::Primary,
    )];
    if barrier.is_none() {
        row.push(more(shown).into());
    }
    row.push(kit::button(
        Control::Deny(request.id),
        "Deny",
        Shown::from("Deny: ").then(about),
        Style::Danger,
    ));
    row.extend(looks(shown));
    if barrier == Some(Barrier::Locked) && !shown.requested {
        row.push(kit::button(
            Control::RequestUnlock(request.action.id),
            "Request auto-approval",
            Shown::from("Request auto-approval: ")
                .then(harmless::cut_short(head::action(request), 26))
                .then(" in ")
                .then(harmless::cut_short(head::integration(request), 16)),
            Style::Plain,
        ));
    }
    if barrier == Some(Barrier::NotConnected) {
        let name = Shown::from("Connect ").then(harmless::cut_short(head::integration(request), 40));
        row.extend(shown.connect_url.and_then(|url| kit::link(Control::Connect, name.clone(), name, url)));
    }
    kit::actions(row)
}

/// The controls that only look: *Details*, and *Open conversation* if there is an address.
pub(super) fn looks(shown: &PromptState<'_>) -> Vec<slack_morphism::prelude::SlackActionBlockElement> {
    let request = &shown.approval.request;
    let about = head::brief(request);
    let details = kit::button(
        Control::Details(request.id),
        "Details",
        Shown::from("Details: ").then(about),
        Style::Plain,
    );
    let conversation = request.conversation.url.as_ref().and_then(|url| {
        let alone = Shown::from("Open conversation ").then(head::conversation(request));
        kit::link(Control::OpenConversation, "Open conversation", alone, url.as_str())
    });
    std::iter::once(details).chain(conversation).collect()
}

/// The overflow menu: 2 or 3 choices.
fn more(shown: &PromptState<'_>) -> SlackBlockOverflowElement {
    let choices = [
        (Scope::Once, "Approve manually", "Only this once. The next request asks again."),
        (Scope::Conversation, "Auto-approve for this conversation", "A new conversation asks again."),
        (Scope::Always, "Auto-approve always", "In every conversation, whichever agent asks."),
    ];
    let approval = shown.approval.id();
    let options = choices
        .into_iter()
        .filter(|(scope, ..)| *scope != Scope::Conversation || !shown.standing.conversation_closed)
        .map(|(scope, text, means)| {
            SlackBlockChoiceItem::new(kit::plain_only(text), Control::ApproveMore { approval, scope }.value())
                .with_description(kit::plain_only(means))
        })
        .collect();
    let control = Control::ApproveMore { approval, scope: Scope::Once };
    SlackBlockOverflowElement::new(options).with_action_id(control.action_id().into())
}

const fn why_not(barrier: Barrier, requested: bool) -> &'static str {
    match barrier {
        Barrier::Locked if requested => {
            "Auto-approval is off: an admin has not unlocked this action. You have asked for it, and will hear the answer."
        }
        Barrier::Locked => "Auto-approval is off: an admin has not unlocked this action.",
        Barrier::Retired => {
            "Auto-approval is off: the integration no longer offers this action. You can still decide this request."
        }
        Barrier::Changed => {
            "Auto-approval is paused: this action’s description has changed since an admin unlocked it, and no admin has confirmed the change."
        }
        Barrier::Outdated => {
            "Auto-approval is not offered here: this action’s description has changed since this request. The next request offers it."
        }
        Barrier::NotConnected => "Connect this integration to be able to auto-approve.",
    }
}

/// The beginning of the digest; all of it is in the details.
pub(super) fn digest(shown: &PromptState<'_>) -> Shown {
    let digest = shown.approval.request.digest.to_string();
    let kept: String = digest.chars().take("sha256:".len() + 12).collect();
    Shown::own(format!("{kept}…"))
}

/// *in 30 min*: the time left, rounded up, in its largest unit.
fn remaining(shown: &PromptState<'_>) -> String {
    let seconds = (shown.approval.request.expires_at - shown.now).num_seconds().max(0);
    let up = |unit: i64| (seconds + unit - 1) / unit;
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("in {seconds} s"),
        60..5_400 => format!("in {} min", up(60)),
        5_400..172_800 => format!("in {} h", up(3_600)),
        _ => format!("in {} days", up(86_400)),
    }
}
