//! Names of things in lists.

use chrono::{DateTime, Utc};
use slack_morphism::prelude::SlackBlockText;

use crate::{
    domain::{
        approvals::Request,
        narrowing::Narrowing,
        overview::{ActionLine, GrantLine},
        risk::{Impact, Risk, Risks},
        shell::is_shell,
    },
    slack::view::{
        blocks, limits,
        sanitize::{self, cut_short, in_mrkdwn, in_quotes, runs_right_to_left, safe_text::SafeText},
    },
};

/// Longest name in a list.
const NAME: usize = 100;
/// Longest description in a list.
const DESCRIPTION: usize = 400;
/// Longest path: two keys of 100 characters and a dot.
const PATH: usize = 201;

/// An untrusted name, on one line.
pub(super) fn name(text: &str) -> SafeText {
    cut_short(sanitize::line(text), NAME)
}

/// A name short enough for a control's label.
pub(super) fn short(text: &str) -> SafeText {
    cut_short(sanitize::line(text), 24)
}

/// A description, on one line.
pub(super) fn description(text: &str) -> SafeText {
    cut_short(sanitize::line(text), DESCRIPTION)
}

/// A path. It contains only letters, digits and a few signs.
pub(super) fn path(text: &str) -> SafeText {
    cut_short(sanitize::line(text), PATH)
}

/// *Salesforce: Create record*, on two lines if one of the names runs from right to left.
pub(super) fn pair(integration: &str, action: &str) -> SafeText {
    let (integration, action) = (name(integration), name(action));
    let apart = runs_right_to_left(integration.as_str()) || runs_right_to_left(action.as_str());
    integration.then(if apart { "\n" } else { ": " }).then(action)
}

/// *“Salesforce: Create record”* within a sentence of mrkdwn, or the path if a right-to-left name could reorder the
/// sentence.
pub(super) fn in_sentence(integration: &str, action: &str, path: &str) -> String {
    let names = [name(integration), name(action)];
    if names.iter().any(|name| runs_right_to_left(name.as_str())) {
        return in_mrkdwn(&in_quotes(&self::path(path)));
    }
    let [integration, action] = names;
    in_mrkdwn(&in_quotes(&integration.then(": ").then(action)))
}

/// A path for mrkdwn, between backticks: keys contain only letters, digits, dots and two signs. A slash may
/// separate them.
pub(super) fn key(path: &str) -> String {
    path.chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | '/'))
        .collect()
}

/// *Create record in Salesforce*, for a control's label.
pub(super) fn brief(integration: &str, action: &str) -> SafeText {
    short(action).then(" in ").then(cut_short(sanitize::line(integration), 16))
}

/// The scope of a grant.
pub(super) fn reach(conversation: Option<&str>, narrowing: Option<&Narrowing>) -> SafeText {
    let named = |title| SafeText::from("In the conversation ").then(in_quotes(&name(title)));
    let (conditions, is_narrowed) = (narrowing.and_then(limits::conditions), narrowing.is_some());
    let place = match (conversation, &conditions) {
        (Some(title), None) => named(title).then(" only"),
        (Some(title), Some(_)) => named(title),
        (None, _) if is_narrowed => "In every conversation".into(),
        (None, _) => "Always, in every conversation".into(),
    };
    match conditions {
        // A name that runs from right to left can't reorder what is on another line.
        Some(conditions) if runs_right_to_left(place.as_str()) || runs_right_to_left(conditions.as_str()) => {
            place.then(",\n").then(conditions)
        }
        Some(conditions) => place.then(", ").then(conditions),
        None => place,
    }
}

/// The backend's id for a conversation, where its title is not enough to tell it from another.
pub(super) fn conversation_id(id: &str) -> SafeText {
    SafeText::from("Conversation id ").then(in_quotes(&name(id)))
}

/// What a list says of a grant: its scope and its use.
pub(super) fn facts(grant: &GrantLine) -> Vec<SlackBlockText> {
    let id = grant.conversation_id.as_deref().map(|id| blocks::fact(conversation_id(id)));
    let reach = blocks::fact(reach(grant.conversation.as_deref(), grant.narrowing.as_ref()));
    let end = grant.narrowing.as_ref().and_then(limits::end_in_mrkdwn).map(blocks::own_fact);
    std::iter::once(reach).chain(end).chain([blocks::own_fact(use_of(grant))]).chain(id).collect()
}

/// The screen reader's label for *Turn off*: an action may have several grants, each for another conversation.
pub(super) fn turning_off(grant: &GrantLine) -> SafeText {
    let action = SafeText::from("Turn off ").then(short(&grant.action_name));
    match &grant.conversation {
        Some(conversation) => action.then(" in the conversation ").then(short(conversation)),
        None if grant.narrowing.is_some() => action.then(" with limits, in every conversation"),
        None => action.then(" always, in every conversation"),
    }
}

/// When a grant was given and how it was used, for mrkdwn; first, whether it is paused.
fn use_of(grant: &GrantLine) -> String {
    since_and_use(grant.created_at, grant.use_count, grant.last_used_at, grant.paused)
}

pub(super) fn since_and_use(
    created_at: DateTime<Utc>,
    use_count: u64,
    last_used_at: Option<DateTime<Utc>>,
    paused: bool,
) -> String {
    let since = blocks::moment_in_mrkdwn(created_at);
    let used = match (use_count, last_used_at) {
        (0, _) | (_, None) => format!("Since {since}. Not used yet."),
        (1, Some(last)) => format!("Since {since}. Used once, {}.", blocks::moment_in_mrkdwn(last)),
        (count, Some(last)) => {
            format!("Since {since}. Used {count} times, last {}.", blocks::moment_in_mrkdwn(last))
        }
    };
    if paused { format!("Paused: {PAUSED} {used}") } else { used }
}

/// Why a grant approves nothing although it has not ended.
pub(super) const PAUSED: &str = "the action’s description has changed since an admin unlocked it. Every request asks you until an admin confirms the change.";

/// What a backend declares about an action, in our words; nothing if it declares no risk.
pub(super) fn nature(action: &ActionLine) -> SafeText {
    if action.impact == Impact::Changes(Risks::NONE) { SafeText::default() } else { effect(action.impact) }
}

/// The same from the declaration itself.
pub(super) fn effect(impact: Impact) -> SafeText {
    match impact {
        Impact::Undeclared => "Effect not declared.".into(),
        Impact::ReadOnly => "Marked as read-only.".into(),
        Impact::Changes(risks) if risks.is_empty() => "No risk declared.".into(),
        Impact::Changes(risks) => {
            let names: Vec<&str> = risks.iter().map(risk).collect();
            SafeText::own(format!("⚠ {}.", names.join(". ")))
        }
    }
}

/// The button that unlocks an action: for one that is destructive or runs any command, it opens a modal.
pub(super) fn unlock(impact: Impact, path: &str) -> &'static str {
    if unlocks_with_care(impact, path) { "Unlock…" } else { "Unlock" }
}

/// Whether a modal asks what people may allow before the action is unlocked.
pub(super) fn unlocks_with_care(impact: Impact, path: &str) -> bool {
    impact.is_destructive() || is_shell(path)
}

/// What a risk means.
pub(super) const fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Destructive => "Destructive: deleted data cannot be recovered",
        Risk::Money => "Moves money",
        Risk::External => "External: this may reach people outside your organisation",
    }
}

/// What requests that are decided together may do: for each of these risks, how many have it, if any. What is destructive
/// is decided separately, so it has no line here.
pub(super) fn risks_of(requests: &[&Request], risks: Risks) -> Vec<String> {
    let total = requests.len();
    let line = |risk: Risk| {
        let count = requests.iter().filter(|request| request.action.impact.risks().contains(risk)).count();
        let does = match risk {
            Risk::Destructive => return None,
            Risk::Money if count == 1 => "moves money",
            Risk::Money => "move money",
            Risk::External => "may reach people outside your organisation",
        };
        let which = match count {
            0 => return None,
            1 if total == 1 => "This request".to_owned(),
            all if all == total => format!("All {all} of these"),
            some => format!("{some} of these"),
        };
        Some(format!("⚠ {which} {does}."))
    };
    risks.iter().filter_map(line).collect()
}

/// *1 action*, *3 actions*.
pub(super) fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The title of a section that may have pages.
pub(super) fn titled(title: &str, total: usize, number: usize, pages: usize) -> SafeText {
    SafeText::own(match (total, pages) {
        (0, _) => title.to_owned(),
        (_, 0 | 1) => format!("{title} ({total})"),
        _ => format!("{title} ({total}), page {} of {pages}", number + 1),
    })
}

/// A time that may be missing, for mrkdwn.
pub(super) fn moment(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "never".to_owned(), blocks::moment_in_mrkdwn)
}
