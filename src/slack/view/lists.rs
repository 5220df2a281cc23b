//! The replies to `/approvals`, which only the user who typed it sees.

use super::history::{self, Address};
use super::names;
use super::rows;
use super::sections::pager;
use super::together;
use crate::{
    domain::{
        action_ref::ActionRef,
        overview::{DecisionLine, Group, Page, Section, WaitingLine},
    },
    slack::view::{
        blocks,
        message::Message,
        sanitize::{cut_short, in_mrkdwn, in_quotes, line, safe_text::SafeText},
    },
};

/// The reply to `/approvals help`.
pub const HELP: &str = "Commands:
• `/approvals` opens your settings: what runs without asking you
• `/approvals list` shows what is waiting for you
• `/approvals on salesforce.create_record` always auto-approves an action
• `/approvals off salesforce.create_record` asks you again, starting with the next request
• `/approvals off all` turns off all your auto-approvals
• `/approvals history` shows your recent decisions, `/approvals history salesforce.create_record` those on one action
• `/approvals delegate` lets another person decide your requests until a date, and shows for whom you decide
• `/approvals help` shows this list
Auto-approval applies only to your requests. The Home tab of this app shows the same settings.";

/// The reply when the settings modal could not be opened.
pub const NOT_OPENED: &str =
    "Could not open the settings. Type the command again, or open the Home tab of this app.";

/// The reply to `/approvals on` and `off` without an action.
pub const WHICH: &str = "Which action? Name it, for example: `/approvals off salesforce.create_record`. Type \
    `/approvals` to see the actions.";

/// A page of the reply to `/approvals list`. The first one has the groups.
#[must_use]
pub fn waiting(page: &Page<WaitingLine>, groups: &[Group]) -> Message {
    if page.items.is_empty() {
        return plain("Nothing is waiting for you.".to_owned());
    }
    let text = names::count(page.total, "request is waiting for you", "requests are waiting for you");
    let text = if page.count > 1 {
        format!("{text}, oldest first: page {} of {}.", page.number + 1, page.count)
    } else {
        text + "."
    };
    let mut blocks = vec![blocks::say(SafeText::own(text.clone()))];
    if !groups.is_empty() {
        blocks.push(blocks::heading("Decide together"));
        blocks.extend(groups.iter().flat_map(together::group));
        blocks.push(blocks::heading("All, oldest first"));
    }
    blocks.extend(rows::rows(&page.items));
    blocks.extend(pager(Section::Waiting, "what is waiting", page));
    blocks.push(blocks::say("The Home tab of this app shows them with all options."));
    Message { text, blocks }
}

/// The reply to `/approvals history`. `path`: the only action that is shown, such as `salesforce.create_record`.
#[must_use]
pub fn history(page: &Page<DecisionLine>, path: Option<&str>, address: Address<'_>) -> Message {
    let only = path.map(|path| format!(" on {}", in_mrkdwn(&in_quotes(&names::path(path)))));
    let only = only.unwrap_or_default();
    if page.items.is_empty() {
        return plain(format!("No decisions{only} yet."));
    }
    let text = format!("Your recent decisions{only}, newest first.");
    let mut blocks = vec![blocks::own(text.clone())];
    blocks.extend(history::apart(page, address));
    blocks.push(blocks::say(match (path, page.count > 1) {
        (Some(_), true) => "There are earlier ones. The Home tab of this app shows those of all actions.",
        (Some(_), false) => "Type /approvals history to see those of all actions.",
        (None, true) => {
            "The Home tab of this app shows earlier ones. Name an action to see only its own: /approvals \
                history salesforce.create_record"
        }
        (None, false) => "The Home tab of this app shows them too.",
    }));
    Message { text, blocks }
}

/// The reply to `/approvals on`.
#[must_use]
pub fn turned_on(action: &ActionRef, changed: bool) -> Message {
    let name = named(action);
    plain(if changed {
        format!(
            "On: {name} runs without asking you, in every conversation, whichever agent asks. Requests that are already waiting still need your decision. To turn auto-approval off, type `/approvals off {}`.",
            names::key(&action.path())
        )
    } else {
        format!("{name} was already on: it runs without asking you.")
    })
}

/// The reply to `/approvals off`.
#[must_use]
pub fn turned_off(action: &ActionRef, changed: bool) -> Message {
    let name = named(action);
    plain(if changed {
        format!("Off: {name} asks you again, starting with the next request, in every conversation.")
    } else {
        format!("{name} was already off: every request asks you.")
    })
}

/// The reply to `/approvals off all`.
#[must_use]
pub fn all_off(count: usize) -> Message {
    plain(match count {
        0 => "There was nothing to turn off: every request already asks you.".to_owned(),
        1 => "Off: your only auto-approval has ended. From now on every request asks you.".to_owned(),
        count => {
            format!("Off: your {count} auto-approvals have ended. From now on every request asks you.")
        }
    })
}

/// The reply for an unknown action, with the nearest names.
#[must_use]
pub fn no_such_action(typed: &str, nearest: &[String]) -> Message {
    let typed = in_mrkdwn(&in_quotes(&cut_short(line(typed), 100)));
    if nearest.is_empty() {
        return plain(format!("Unknown action {typed}. Type `/approvals` to see the actions."));
    }
    let names: Vec<String> = nearest.iter().map(|near| format!("`{}`", names::key(near))).collect();
    plain(format!("Unknown action {typed}. Did you mean {}?", names.join(" or ")))
}

/// The reply for an unknown command.
#[must_use]
pub fn no_such_word(typed: &str) -> Message {
    plain(format!("Unknown command {}.\n{HELP}", in_mrkdwn(&in_quotes(&cut_short(line(typed), 60)))))
}

/// A message with one sentence, which must contain only safe text.
#[must_use]
pub fn plain(text: String) -> Message {
    Message { text, blocks: Vec::new() }
}

fn named(action: &ActionRef) -> String {
    names::in_sentence(&action.integration_name, &action.action_name, &action.path())
}
