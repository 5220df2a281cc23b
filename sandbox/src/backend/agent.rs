//! An agent that runs a tool only after a person approved it, with exactly the approved arguments: those that it asked
//! for, or those that the person changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::canonical::digest;
use super::reply::Reply;
use super::request::{AgentRef, Ask};
use super::{AgentBackend, Delivery, outcome};

/// A tool that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The approval that allowed it.
    pub approval: String,
    /// The integration's key.
    pub integration: String,
    /// The action's key.
    pub action: String,
    /// The arguments that it was run with.
    pub arguments: Value,
    /// The digest of the arguments, equal to the approved one.
    pub digest: String,
    /// The time by the backend's clock.
    pub ran_at: DateTime<Utc>,
}

/// The result of an attempt to run a tool.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It was approved, and run.
    Ran(Run),
    /// The tool was not run, because the approval ended in another way.
    Stopped {
        /// `denied`, `expired`, `cancelled` or `undeliverable`; `pending` if no decision came in time.
        status: String,
        /// What the person wrote, if anything.
        reason: Option<String>,
    },
    /// The tool was not run, because the call differs from the approved one.
    Unsafe {
        /// The difference.
        problem: &'static str,
    },
    /// The tool was not run, because the service refused the permit: it was used before, for instance.
    NotPermitted(Box<Reply>),
    /// The tool was not run, because the service refused the request.
    Refused(Box<Reply>),
}

impl Outcome {
    /// Whether the tool was run.
    #[must_use]
    pub fn ran(&self) -> bool {
        matches!(self, Self::Ran(_))
    }
}

/// A request that was sent, and the call to run once it is approved.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The service's response to the request.
    pub reply: Reply,
    ask: Ask,
}

impl Waiting {
    /// The approval's id.
    #[must_use]
    pub fn approval(&self) -> &str {
        self.reply.id()
    }
}

/// An agent of a backend. Clones are the same agent.
#[derive(Debug, Clone)]
pub struct Agent {
    backend: AgentBackend,
    identity: AgentRef,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    runs: Vec<Run>,
}

impl Agent {
    pub(super) fn new(backend: AgentBackend, id: &str, name: &str) -> Self {
        let identity = AgentRef { id: id.to_owned(), name: Some(name.to_owned()) };
        Self { backend, identity, memory: Arc::default() }
    }

    /// Requests approval, waits at most `limit` for the decision, and runs the tool if it was approved.
    pub async fn act(&self, ask: Ask, limit: Duration) -> Outcome {
        let waiting = self.ask(ask).await;
        self.settle(&waiting, limit).await
    }

    /// Requests approval in this agent's name, without waiting for the decision.
    pub async fn ask(&self, mut ask: Ask) -> Waiting {
        ask.agent = self.identity.clone();
        let reply = self.backend.api().ask(&ask).await;
        Waiting { reply, ask }
    }

    /// Waits at most `limit` for the decision to come by webhook, and runs the tool if it was approved. Runs it
    /// immediately if the response says that it is approved.
    pub async fn settle(&self, waiting: &Waiting, limit: Duration) -> Outcome {
        if !waiting.reply.is_success() {
            return Outcome::Refused(Box::new(waiting.reply.clone()));
        }
        if waiting.reply.approval_status() != "pending" {
            return self.finish(&waiting.ask, &waiting.reply.body).await;
        }
        let about_it = |event: &Delivery| event.approval_id() == waiting.approval();
        if let Some(event) = self.backend.wait_for_event(about_it, limit).await {
            return self.finish(&waiting.ask, event.approval()).await;
        }
        // The webhook may have been lost, so ask the service. Any answer other than "approved" stops the agent.
        let now = self.backend.api().get(waiting.approval()).await;
        self.finish(&waiting.ask, &now.body).await
    }

    /// Reports what came of a run, for the person who approved it.
    pub async fn report(&self, run: &Run) -> Reply {
        self.backend.api().report(&run.approval, &outcome::result(run)).await
    }

    /// The runs so far.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.memory().runs.clone()
    }

    async fn finish(&self, ask: &Ask, approval: &Value) -> Outcome {
        let run = match self.judge(ask, approval) {
            Ok(run) => run,
            Err(stopped) => return *stopped,
        };
        // The last thing before it runs: the caller that gets the permit runs the tool, and no other does.
        let permit = self.backend.api().take_permit(&run.approval, &run.digest, "").await;
        if !permit.is_success() {
            return Outcome::NotPermitted(Box::new(permit));
        }
        self.memory().runs.push(run.clone());
        Outcome::Ran(run)
    }

    /// The run that an approval allows, before its permit is taken.
    fn judge(&self, ask: &Ask, approval: &Value) -> Result<Run, Box<Outcome>> {
        let text = |pointer: &str| approval.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if text("/status") != "approved" || text("/decision/outcome") != "approved" {
            let status = if text("/status").is_empty() { "unknown" } else { text("/status") };
            let reason = Some(text("/decision/reason")).filter(|reason| !reason.is_empty());
            return Err(Box::new(Outcome::Stopped {
                status: status.to_owned(),
                reason: reason.map(str::to_owned),
            }));
        }
        if (text("/integration"), text("/action")) != (&ask.integration, &ask.action) {
            return Err(Box::new(Outcome::Unsafe { problem: "another action was approved" }));
        }
        let asked = digest(&ask.arguments);
        if text("/arguments_digest") != asked {
            return Err(Box::new(Outcome::Unsafe { problem: "other arguments were approved" }));
        }
        let edited = approval.pointer("/decision/arguments").filter(|edited| !edited.is_null());
        let (arguments, digest) = match edited {
            None => (&ask.arguments, asked),
            Some(_) if ask.editable != Some(true) => {
                return Err(Box::new(Outcome::Unsafe { problem: "arguments were changed that can't be" }));
            }
            Some(edited) => (edited, digest(edited)),
        };
        if edited.is_some() && text("/decision/arguments_digest") != digest {
            return Err(Box::new(Outcome::Unsafe { problem: "other changes were approved" }));
        }
        Ok(Run {
            approval: text("/id").to_owned(),
            integration: ask.integration.clone(),
            action: ask.action.clone(),
            arguments: arguments.clone(),
            digest,
            ran_at: self.backend.clock().now(),
        })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
