//! The requests that agents made from the page, and their results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use maud::{Markup, html};
use tokio::sync::watch;

use super::super::blocks::Names;
use super::super::live::{List, Part};
use crate::backend::{AgentBackend, Ask, Outcome, Reply, Waiting};

/// How long an agent waits for a decision if the request doesn't say when it expires. It is longer than the 30 minutes
/// after which the service expires it.
const PATIENCE: Duration = Duration::from_mins(31);

/// All requests, oldest first. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Asks {
    asked: Arc<Mutex<Vec<Asked>>>,
    version: watch::Sender<u64>,
}

/// One request and its progress.
#[derive(Debug, Clone)]
struct Asked {
    number: usize,
    ask: Ask,
    approval: String,
    mark: Mark,
}

/// The progress of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mark {
    /// It is being sent to the service.
    Asking,
    /// It waits for a person's decision.
    Waiting,
    /// The agent ran the tool.
    Ran {
        /// Approved by a standing permission, without a person.
        auto: bool,
    },
    /// The agent did not run the tool.
    Stopped(String),
}

impl Asks {
    pub(super) fn new() -> Self {
        Self { asked: Arc::default(), version: watch::Sender::new(0) }
    }

    /// Makes the agent named in `ask` request approval in the background, and run the tool if it is approved.
    pub(super) fn ask(&self, backend: &AgentBackend, ask: Ask) {
        // The page's agents run what the person makes of it.
        let ask = ask.editable();
        let number = {
            let mut asked = self.lock();
            let number = asked.len() + 1;
            asked.push(Asked { number, ask: ask.clone(), approval: String::new(), mark: Mark::Asking });
            number
        };
        self.moved();
        let name = ask.agent.name.clone().unwrap_or_default();
        let agent = backend.agent(&ask.agent.id, &name);
        let patience = ask.expires_in.map_or(PATIENCE, |seconds| Duration::from_secs(seconds + 60));
        let asks = self.clone();
        tokio::spawn(async move {
            let waiting = agent.ask(ask).await;
            asks.note(number, waiting.approval(), Mark::Waiting);
            let outcome = agent.settle(&waiting, patience).await;
            if let Outcome::Ran(run) = &outcome {
                // Nothing depends on it.
                agent.report(run).await;
            }
            asks.note(number, waiting.approval(), mark(&waiting, outcome));
        });
    }

    /// A signal that changes with the progress of any request.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// The requests, newest first.
    pub(super) fn list(&self, names: &Names) -> List {
        let parts = self.lock().iter().rev().map(|asked| asked.part(names)).collect();
        List { id: "asks".into(), class: "cards", role: Some("list"), newest_first: true, items: parts }
    }

    fn note(&self, number: usize, approval: &str, mark: Mark) {
        if let Some(asked) = self.lock().iter_mut().find(|asked| asked.number == number) {
            approval.clone_into(&mut asked.approval);
            asked.mark = mark;
        }
        self.moved();
    }

    fn moved(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mark(waiting: &Waiting, outcome: Outcome) -> Mark {
    match outcome {
        Outcome::Ran(_) => Mark::Ran { auto: waiting.reply.str("/decision/by") == "auto" },
        Outcome::Stopped { status, reason: None } => Mark::Stopped(status),
        Outcome::Stopped { status, reason: Some(reason) } => Mark::Stopped(format!("{status}: {reason}")),
        Outcome::Unsafe { problem } => Mark::Stopped(problem.to_owned()),
        Outcome::NotPermitted(reply) | Outcome::Refused(reply) => {
            let status = if reply.status == 0 { "no answer".to_owned() } else { reply.status.to_string() };
            Mark::Stopped(format!("{status}: {}", fault(&reply)))
        }
    }
}

/// The service's error, or the reason why it could not be reached.
pub(super) fn fault(reply: &Reply) -> &str {
    let said = [reply.str("/detail"), reply.str("/title"), reply.error.as_deref().unwrap_or_default()];
    said.into_iter().find(|words| !words.is_empty()).unwrap_or(&reply.text)
}

impl Asked {
    fn part(&self, names: &Names) -> Part {
        let name = self.ask.agent.name.as_deref().unwrap_or(&self.ask.agent.id);
        let user = names.users.get(&self.ask.user).unwrap_or(&self.ask.user);
        let inside = html! {
            div.card data-testid="asked" data-approval=(self.approval) {
                div.card-head {
                    span.card-name { (path(&self.ask.integration, &self.ask.action)) }
                    (self.mark.render())
                }
                div.card-more { (name) " in " (self.ask.conversation.id) " for " (user) }
                @if let Mark::Stopped(why) = &self.mark { div.card-more { (why) } }
            }
        };
        Part { role: Some("listitem"), ..Part::new(format!("ask-{}", self.number), "card-slot", inside) }
    }
}

/// `github.create_issue`, which may be broken after the dot and after each word.
fn path(integration: &str, action: &str) -> Markup {
    html! {
        (integration) "."
        @for word in action.split_inclusive('_') { wbr; (word) }
    }
}

impl Mark {
    fn render(&self) -> Markup {
        let (class, words) = match self {
            Self::Asking => ("mark-asking", "asking"),
            Self::Waiting => ("mark-waiting", "waiting"),
            Self::Ran { auto: true } => ("mark-ran", "ran, auto-approved"),
            Self::Ran { auto: false } => ("mark-ran", "ran, approved"),
            Self::Stopped(_) => ("mark-stopped", "stopped"),
        };
        html! { span.mark.(class) { (words) } }
    }
}
