//! The modals in which an admin sees what is paused and which agents asked lately, pauses them and resumes them.

use std::fmt;

use serde_json::Value;
use slack_morphism::prelude::{
    SlackActionBlockElement, SlackBlock, SlackBlockChoiceItem, SlackBlockId, SlackBlockPlainTextInputElement,
    SlackBlockStaticSelectElement, SlackInputBlock, SlackModalView,
};

use super::controls::{Callback, Control};
use super::deny::view;
use super::names;
use super::paused;
use crate::{
    domain::{
        ids::{AgentId, BackendId},
        overview::{AgentLine, AgentsPage, PauseLine},
        pauses::{PauseTarget, PausedRequests},
    },
    slack::view::{
        blocks::{self, Style, paragraph, plain_only, quote, say, words},
        sanitize::{in_quotes, safe_text::SafeText},
    },
};

/// The `block_id` and `action_id` of the reason.
pub const REASON: &str = "pause_reason";
/// The `block_id` and `action_id` of the choice of what is paused.
pub const WHAT: &str = "pause_what";
/// The `block_id` and `action_id` of the choice of what happens to requests.
pub const REQUESTS: &str = "pause_requests";
/// The longest reason, in characters.
const REASON_MAX: u64 = 300;
/// The most pauses that the list shows.
const PAUSED: usize = 20;

/// What the modal pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pausing {
    /// An agent that asked lately, or its backend.
    Agent(AgentId),
    /// A backend.
    Backend(BackendId),
}

/// What the modal that pauses was rendered with: its `private_metadata`. It only names things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// What it pauses.
    pub what: Pausing,
    /// The page of the list below it.
    pub page: usize,
}

impl Form {
    /// Parses what its `Display` wrote.
    #[must_use]
    pub fn read(metadata: &str) -> Option<Self> {
        let (page, what) = metadata.split_once(':')?;
        let agent = what.parse().ok().map(Pausing::Agent);
        let what = agent.or_else(|| what.parse().ok().map(Pausing::Backend))?;
        Some(Self { what, page: page.parse().ok()? })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            Pausing::Agent(agent) => write!(f, "{}:{agent}", self.page),
            Pausing::Backend(backend) => write!(f, "{}:{backend}", self.page),
        }
    }
}

/// How far a pause of an agent reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The agent of this backend.
    Agent,
    /// The agents with this id of all backends.
    Everywhere,
    /// The whole backend.
    Backend,
}

impl Extent {
    const ALL: [Self; 3] = [Self::Agent, Self::Everywhere, Self::Backend];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Everywhere => "everywhere",
            Self::Backend => "backend",
        }
    }

    /// Parses the value of the choice.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == value)
    }

    /// What is paused if this is chosen for the agent.
    #[must_use]
    pub fn target(self, agent: &AgentLine) -> PauseTarget {
        match self {
            Self::Agent => PauseTarget::Agent { backend: Some(agent.backend), agent: agent.agent.clone() },
            Self::Everywhere => PauseTarget::Agent { backend: None, agent: agent.agent.clone() },
            Self::Backend => PauseTarget::Backend(agent.backend),
        }
    }
}

/// Renders the list. Its `callback_id` is [`Callback::Agents`].
#[must_use]
pub fn list(shown: &AgentsPage) -> Value {
    let mut all = Vec::new();
    if !shown.paused.is_empty() {
        all.push(blocks::heading("Paused"));
        all.extend(shown.paused.iter().take(PAUSED).map(pause_line));
        if let Some(more) = shown.paused.len().checked_sub(PAUSED).filter(|more| *more > 0) {
            let more = format!("… and {more} more. “countersign agent list” shows all.");
            all.push(say(SafeText::own(more)));
        }
    }
    all.push(blocks::heading("Agents that asked in the last 30 days"));
    if shown.agents.is_empty() {
        all.push(say(if shown.page > 0 {
            "No more agents."
        } else {
            "None. An agent appears here within a minute after it asks."
        }));
    }
    all.extend(shown.agents.iter().map(|line| agent_line(line, shown)));
    all.extend(pager(shown));
    view(
        SlackModalView::new(plain_only("Agents"), all)
            .with_close(plain_only("Close"))
            .with_callback_id(Callback::Agents.as_str().into())
            .with_private_metadata(shown.page.to_string()),
    )
}

/// What is paused, why and by whom, with *Resume*.
fn pause_line(line: &PauseLine) -> SlackBlock {
    pause_line_and(line, None)
}

/// The same with another fact.
pub(super) fn pause_line_and(line: &PauseLine, more: Option<SafeText>) -> SlackBlock {
    let pause = &line.pause;
    let alone = SafeText::from("Resume ").then(names::short(paused::name(line).as_str()));
    let resume = blocks::beside(Control::Resume(pause.id), "Resume", alone);
    let mut facts = vec![
        blocks::fact(paused::reason(pause)),
        blocks::own_fact(format!(
            "Paused by {}, {}. {}",
            paused::by(pause),
            blocks::moment_in_mrkdwn(pause.at),
            paused::requests(pause.requests)
        )),
    ];
    facts.extend(more.map(blocks::fact));
    blocks::section(paused::name(line), facts, Some(resume))
}

fn agent_line(line: &AgentLine, shown: &AgentsPage) -> SlackBlock {
    let covers = |pause: &&PauseLine| pause.pause.target.covers(line.backend, &line.agent);
    let is_paused = shown.paused.iter().any(|pause| covers(&pause));
    let mut facts = vec![blocks::fact(SafeText::from("Of the backend ").then(quoted(&line.backend_name)))];
    if line.name.is_some() {
        facts.push(blocks::fact(SafeText::from("Agent id ").then(quoted(line.agent.as_str()))));
    }
    let paused = if is_paused { "Paused. " } else { "" };
    facts.push(blocks::own_fact(format!(
        "{paused}Last asked {}.",
        blocks::moment_in_mrkdwn(line.last_asked_at)
    )));
    let alone = SafeText::from("Pause ").then(names::short(line.label()));
    let pause = blocks::beside(Control::PauseAgent(line.id), "Pause…", alone);
    blocks::section(names::name(line.label()), facts, Some(pause))
}

fn quoted(name: &str) -> SafeText {
    in_quotes(&names::name(name))
}

fn pager(shown: &AgentsPage) -> Option<SlackBlock> {
    let mut row: Vec<SlackActionBlockElement> = Vec::new();
    if shown.page > 0 {
        let control = Control::AgentsPrevious(shown.page - 1);
        row.push(blocks::button(control, "Previous page", "Previous page of agents", Style::Plain));
    }
    if shown.more {
        let control = Control::AgentsNext(shown.page + 1);
        row.push(blocks::button(control, "Next page", "Next page of agents", Style::Plain));
    }
    (!row.is_empty()).then(|| blocks::actions(row))
}

/// Renders the modal that pauses an agent, or its backend. Its `callback_id` is [`Callback::Pause`].
#[must_use]
pub fn pause_agent(agent: &AgentLine, page: usize) -> Value {
    let about = blocks::rich(vec![
        paragraph(vec![words("Agent")]),
        quote(names::name(agent.label())),
        paragraph(vec![words("Its id, and its backend")]),
        quote(names::name(agent.agent.as_str())),
        quote(names::name(&agent.backend_name)),
    ]);
    let extents = [
        (Extent::Agent, "This agent", "The agent with this id of this backend."),
        (Extent::Everywhere, "This agent id everywhere", "The agents with this id of all backends."),
        (Extent::Backend, "The whole backend", "Every agent of it, whatever it calls them."),
    ];
    let extents = extents.map(|(extent, text, means)| (extent.as_str(), text, means));
    let what = choice("What to pause", WHAT, &extents);
    let trust = say(
        "The backend gives its agents their ids. If you don’t trust it to keep them, pause the whole backend.",
    );
    form(vec![about, what, trust], Form { what: Pausing::Agent(agent.id), page })
}

/// Renders the modal that pauses a backend.
#[must_use]
pub fn pause_backend(backend: BackendId, name: &str) -> Value {
    let about = blocks::rich(vec![paragraph(vec![words("Backend")]), quote(names::name(name))]);
    form(vec![about], Form { what: Pausing::Backend(backend), page: 0 })
}

fn form(mut all: Vec<SlackBlock>, form: Form) -> Value {
    let held = PausedRequests::Held.as_str();
    let denied = PausedRequests::Denied.as_str();
    let requests = [
        (held, "Hold them", "They wait. People can deny them, but not approve them."),
        (denied, "Deny new ones at once", "The agent gets your reason. Those that wait are held."),
    ];
    all.push(choice("Its requests", REQUESTS, &requests));
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(REASON.into())
        .with_multiline(true)
        .with_max_length(REASON_MAX)
        .with_focus_on_load(true);
    all.push(
        SlackInputBlock::new(plain_only("Reason"), input.into())
            .with_block_id(SlackBlockId::new(REASON.to_owned()))
            .with_hint(plain_only(
                "People whose requests wait read it, with your name. The agent reads it too.",
            ))
            .into(),
    );
    view(
        SlackModalView::new(plain_only("Pause"), all)
            .with_submit(plain_only("Pause"))
            .with_close(plain_only("Cancel"))
            .with_callback_id(Callback::Pause.as_str().into())
            .with_private_metadata(form.to_string()),
    )
}

/// A choice of which the first is chosen.
fn choice(
    label: &'static str,
    id: &'static str,
    choices: &[(&'static str, &'static str, &'static str)],
) -> SlackBlock {
    let option = |(value, text, means): &(&'static str, &'static str, &'static str)| {
        SlackBlockChoiceItem::new(plain_only(*text), (*value).to_owned()).with_description(plain_only(*means))
    };
    let select = SlackBlockStaticSelectElement::new()
        .with_action_id(id.into())
        .with_placeholder(plain_only("Choose"))
        .with_options(choices.iter().map(option).collect())
        .opt_initial_option(choices.first().map(option));
    SlackInputBlock::new(plain_only(label), select.into())
        .with_block_id(SlackBlockId::new(id.to_owned()))
        .into()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_submission_reads_what_the_modal_wrote() {
        let id = Uuid::from_u128(1);
        for what in [Pausing::Agent(AgentId::new(id)), Pausing::Backend(BackendId::new(id))] {
            let form = Form { what, page: 3 };
            assert_eq!(Form::read(&form.to_string()), Some(form));
        }
        for metadata in
            ["", "1:", "x:agt_00000000000000000000000000000001", "1:act_00000000000000000000000000000001"]
        {
            assert_eq!(Form::read(metadata), None, "{metadata}");
        }
        for extent in Extent::ALL {
            assert_eq!(Extent::from_value(extent.as_str()), Some(extent));
        }
    }
}
