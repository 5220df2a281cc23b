//! The prompt: the message that asks the user, and later says what was decided.

use slack_morphism::prelude::{
    SlackActionBlockElement, SlackBlock, SlackBlockChoiceItem, SlackBlockConfirmItem,
    SlackBlockOverflowElement,
};

use super::approvers;
use super::controls::Control;
use super::decided;
use super::deny;
use super::editing;
use super::limits;
use super::message::Message;
use super::names;
use super::narrowing;
use super::paused;
use super::prompt_state::{PromptState, Reader};
use super::request;
use crate::{
    domain::{catalog::Blocker, grants::Scope},
    slack::view::{
        blocks::{self, Style},
        sanitize::{self, safe_text::SafeText},
        summary,
    },
};

/// Renders the prompt, pending or decided.
#[must_use]
pub fn prompt(shown: &PromptState<'_>) -> Message {
    match &shown.approval.decision {
        None if shown.reader == Reader::Former => approvers::former(&shown.approval.request),
        None => pending(shown),
        Some(decision) => decided::decided(shown, decision),
    }
}

fn pending(shown: &PromptState<'_>) -> Message {
    let request = &shown.approval.request;
    let conversation = &request.conversation;
    let conversation = conversation.title.as_ref().map_or(conversation.id.as_str(), |title| title.as_str());
    let mut blocks: Vec<SlackBlock> = approvers::why(shown.reader, request).into_iter().collect();
    blocks.extend(approvers::rule(shown));
    blocks.extend(request::asked(shown));
    let blocker = shown.standing.blocker();
    if let Some(pause) = &shown.approval.pause {
        blocks.push(paused::notice(pause));
    } else if !shown.reader.is_user() {
        // Whether the user could auto-approve it does not concern the others.
    } else if let Some(blocker) = blocker {
        blocks.push(blocks::context(vec![blocks::small(why_not(blocker, shown.requested))]));
    } else if shown.standing.conversation_closed && !shown.standing.allows_always() {
        blocks.push(blocks::context(vec![blocks::small(
            "Auto-approval is off here: this conversation is closed, and the action is unlocked for conversations only.",
        )]));
    } else if let Some(limits) = limits::of_rule(shown.standing.bounds) {
        blocks.push(blocks::context(vec![blocks::small(limits)]));
    }
    if request.action.must_read && shown.approval.pause.is_none() {
        blocks.push(blocks::context(vec![blocks::small(
            "Must be read: Approve works after you open Details.",
        )]));
    }
    blocks.push(if shown.reader == Reader::Onlooker {
        blocks::actions(request::looks(shown))
    } else if shown.approval.pause.is_some() {
        blocks::actions(deny_only(shown))
    } else {
        controls(shown, blocker)
    });
    blocks.push(blocks::context(vec![
        blocks::small(SafeText::from("in ").then(sanitize::in_quotes(&names::name(conversation)))),
        blocks::small_mrkdwn(format!("expires {}", blocks::moment_in_mrkdwn(request.expires_at))),
        blocks::small(names::path(&request.action.path())),
        blocks::small(request::digest(shown)),
    ]));
    let called = match approvers::why_in_text(shown.reader, request) {
        Some(why) => format!("{why} "),
        None => request.place.as_ref().map(|_| format!("<@{}>: ", request.user)).unwrap_or_default(),
    };
    let asks = match shown.approval.pause.as_deref() {
        _ if shown.reader == Reader::Onlooker => "Others decide it.".to_owned(),
        None => "Approve or deny?".to_owned(),
        Some(pause) => paused::in_text(pause),
    };
    Message { text: format!("{called}{} {asks}", summary::text(request)), blocks }
}

/// The controls while the agent or its backend is paused.
fn deny_only(shown: &PromptState<'_>) -> Vec<SlackActionBlockElement> {
    let request = &shown.approval.request;
    let alone = SafeText::from("Deny: ").then(summary::brief(request));
    let mut row = vec![
        blocks::button(Control::Deny(request.id), "Deny", alone, Style::Plain),
        deny::menu(request.id).into(),
    ];
    row.extend(request::looks(shown));
    row
}

fn controls(shown: &PromptState<'_>, blocker: Option<Blocker>) -> SlackBlock {
    let request = &shown.approval.request;
    let about = summary::brief(request);
    let approve = (Control::Approve(request.id), SafeText::from("Approve: ").then(about.clone()));
    let is_destructive = request.action.impact.is_destructive();
    let mut row = vec![if is_destructive {
        blocks::confirmed_button(approve.0, "Approve", approve.1, confirmation(shown))
    } else {
        blocks::button(approve.0, "Approve", approve.1, Style::Primary)
    }];
    if blocker.is_none() && shown.reader.is_user() {
        row.extend(more(shown).map(Into::into));
    }
    if shown.reader.is_user() {
        row.extend(editing::button(request, blocker.is_none()));
        row.extend(narrowing::button(request, shown.standing));
    }
    row.push(blocks::button(
        Control::Deny(request.id),
        "Deny",
        SafeText::from("Deny: ").then(about),
        // Red is for an approval that is dangerous.
        Style::Plain,
    ));
    row.push(deny::menu(request.id).into());
    row.extend(request::looks(shown));
    if !shown.reader.is_user() {
        return blocks::actions(row);
    }
    if blocker == Some(Blocker::Locked) && !shown.requested {
        row.push(blocks::button(
            Control::RequestUnlock(request.action.id),
            "Request auto-approval",
            SafeText::from("Request auto-approval: ")
                .then(sanitize::cut_short(summary::action(request), 26))
                .then(" in ")
                .then(sanitize::cut_short(summary::integration(request), 16)),
            Style::Plain,
        ));
    }
    if blocker == Some(Blocker::NotConnected) {
        let name = SafeText::from("Connect ").then(sanitize::cut_short(summary::integration(request), 40));
        row.extend(shown.connect_url.and_then(|url| blocks::link(Control::Connect, name.clone(), name, url)));
    }
    blocks::actions(row)
}

/// Asked before a destructive action is approved: names the target.
fn confirmation(shown: &PromptState<'_>) -> SlackBlockConfirmItem {
    let target = summary::target(&shown.approval.request);
    blocks::confirmation(
        "Approve a destructive action?",
        target.then("\nDeleted data cannot be recovered."),
        "Approve",
    )
}

/// The overflow menu: 2 to 5 choices, which is Slack's most. `None` if nothing but *Approve manually* is left.
fn more(shown: &PromptState<'_>) -> Option<SlackBlockOverflowElement> {
    let choices = [
        (Scope::Once, "Approve manually", "Only this once. The next request asks again."),
        (Scope::Conversation, "Auto-approve for this conversation", "A new conversation asks again."),
        (Scope::Always, "Auto-approve always", "In every conversation, whichever agent asks."),
    ];
    let approval = shown.approval.id();
    let options = choices
        .into_iter()
        .filter(|(scope, ..)| match scope {
            Scope::Once => true,
            Scope::Conversation => !shown.standing.conversation_closed,
            Scope::Always => shown.standing.allows_always(),
        })
        .map(|(scope, text, means)| {
            SlackBlockChoiceItem::new(
                blocks::plain_only(text),
                Control::ApproveMore { approval, scope }.value(),
            )
            .with_description(blocks::plain_only(means))
        })
        .chain(editing::choice(&shown.approval.request))
        .chain(narrowing::choice(&shown.approval.request, shown.standing))
        .collect::<Vec<_>>();
    // Slack's least number.
    if options.len() < 2 {
        return None;
    }
    let control = Control::ApproveMore { approval, scope: Scope::Once };
    let menu = SlackBlockOverflowElement::new(options).with_action_id(control.action_id().into());
    Some(if shown.approval.request.action.impact.is_destructive() {
        menu.with_confirm(confirmation(shown))
    } else {
        menu
    })
}

const fn why_not(blocker: Blocker, requested: bool) -> &'static str {
    match blocker {
        Blocker::Locked if requested => {
            "Auto-approval is off: no admin has unlocked this action. You requested it and will get an answer."
        }
        Blocker::Locked => "Auto-approval is off: no admin has unlocked this action.",
        Blocker::Retired => {
            "Auto-approval is off: the integration no longer has this action. You can still decide this request."
        }
        Blocker::Changed => {
            "Auto-approval is paused: this action’s description has changed since an admin unlocked it, and no admin has confirmed the change."
        }
        Blocker::Outdated => {
            "Auto-approval is not offered here: this action’s description has changed since this request. The next request offers it."
        }
        Blocker::NotConnected => "Connect this integration to auto-approve its actions.",
        Blocker::Ruled => "A rule of your admins asks for this each time.",
    }
}
