//! What is said of a pause: in the prompts of what is paused, and in lists.

use slack_morphism::prelude::SlackBlock;

use super::names;
use crate::{
    domain::{
        audit::Actor,
        overview::PauseLine,
        pauses::{Pause, PausedRequests},
    },
    slack::view::{
        blocks::{self, bold, paragraph, quote, rich, words},
        sanitize::{self, cut_short, in_quotes, safe_text::SafeText},
    },
};

/// Longest reason.
const REASON: usize = 300;

/// *Paused by @Ada, today at 14:30: …* with the reason, in a prompt that can't be approved.
pub(super) fn notice(pause: &Pause) -> SlackBlock {
    let by = match &pause.by {
        Actor::User(admin) => blocks::person(admin),
        _ => words("the operator"),
    };
    let what = what(pause);
    let parts = vec![
        bold("Paused"),
        words(" by "),
        by,
        words(", "),
        blocks::moment(pause.at),
        words(SafeText::own(format!(
            ". You can deny this, but not approve it until an admin resumes the {what}."
        ))),
    ];
    rich(vec![paragraph(parts), quote(reason(pause))])
}

/// *Paused by @Ada: deny only.* in mrkdwn, for notifications and replies.
pub(super) fn in_text(pause: &Pause) -> String {
    format!("Paused by {}: it can be denied, but not approved.", by(pause))
}

/// Who paused something, in mrkdwn.
pub(super) fn by(pause: &Pause) -> String {
    match &pause.by {
        Actor::User(admin) => {
            let id: String = admin.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
            format!("<@{id}>")
        }
        _ => "the operator".to_owned(),
    }
}

/// *agent* or *backend*.
pub(super) const fn what(pause: &Pause) -> &'static str {
    if pause.target.agent().is_some() { "agent" } else { "backend" }
}

pub(super) fn reason(pause: &Pause) -> SafeText {
    cut_short(sanitize::line(pause.reason.as_str()), REASON).between("“", "”")
}

/// What happens to requests.
pub(super) const fn requests(requests: PausedRequests) -> &'static str {
    match requests {
        PausedRequests::Held => "Its requests are held.",
        PausedRequests::Denied => "Its new requests are denied.",
    }
}

/// What is paused: *Agent “atlas” of “agents”*.
pub(super) fn name(line: &PauseLine) -> SafeText {
    let quoted = |name: &str| in_quotes(&names::name(name));
    match (line.pause.target.agent(), &line.backend) {
        (Some(agent), Some(backend)) => {
            SafeText::from("Agent ").then(quoted(agent.as_str())).then(" of ").then(quoted(backend))
        }
        (Some(agent), None) => {
            SafeText::from("Agent ").then(quoted(agent.as_str())).then(" of every backend")
        }
        (None, Some(backend)) => SafeText::from("Backend ").then(quoted(backend)),
        (None, None) => "A backend".into(),
    }
}
