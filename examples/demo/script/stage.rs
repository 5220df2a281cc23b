//! What the chapters share: who plays, and what they do and see.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use sandbox::{
    ambient,
    backend::{Agent, AgentBackend, Ask, BackendOptions, Delivery as Webhook, Outcome, Run, Waiting},
    catalog,
    slack::{Message, Surface, names::ALICE},
};

use crate::{say::Teller, world::World};

/// How long an effect in the background may take.
pub(super) const SOON: Duration = Duration::from_secs(15);

/// The choices of the prompt's menu.
pub(super) const FOR_THIS_CONVERSATION: &str = "Auto-approve for this conversation";
pub(super) const ALWAYS: &str = "Auto-approve always";
pub(super) const CHOICES: [&str; 4] = ["Approve manually", FOR_THIS_CONVERSATION, ALWAYS, "More options…"];

/// Where the story is played.
pub(super) struct DemoContext<'s> {
    pub(super) world: &'s World,
    pub(super) teller: &'s Teller,
    /// An agent of the first backend.
    pub(super) scout: Agent,
    /// Another one.
    pub(super) quill: Agent,
    /// Another backend, and its agent.
    pub(super) night_jobs: AgentBackend,
    pub(super) ledger: Agent,
    /// The approvals that were pending once: the agent learns how each ended.
    pub(super) asked: Vec<String>,
    /// Those that a standing permission answered.
    pub(super) answered_at_once: usize,
}

impl<'s> DemoContext<'s> {
    /// Brings in the agents, and a second backend.
    pub(super) async fn set(world: &'s World, teller: &'s Teller) -> anyhow::Result<Self> {
        let clock = world.clock.clone();
        let clock = ambient::Clock::from_fn(move || clock.now());
        let night_jobs = AgentBackend::start(BackendOptions { clock }).await?;
        world.enrol("Acme night jobs", &night_jobs).await?;
        let (scout, quill) = (world.backend.agent("scout", "Scout"), world.backend.agent("quill", "Quill"));
        let ledger = night_jobs.agent("ledger", "Ledger");
        Ok(Self { world, teller, scout, quill, night_jobs, ledger, asked: Vec::new(), answered_at_once: 0 })
    }

    /// Asks, where a person has to answer. `agent` belongs to the first backend.
    pub(super) async fn asks(&mut self, agent: &Agent, ask: Ask) -> anyhow::Result<Waiting> {
        let waiting = agent.ask(ask).await;
        let (status, id) = (waiting.reply.status, waiting.approval().to_owned());
        ensure!(status == 201, "the service answered {status}: {}", waiting.reply.text);
        let answer = waiting.reply.approval_status();
        ensure!(answer == "pending", "it is {answer}: {}", waiting.reply.body["decision"]);
        self.asked.push(id);
        Ok(waiting)
    }

    /// Asks, where a standing permission of `scope` answers, and runs the tool.
    pub(super) async fn asks_and_runs(
        &mut self,
        agent: &Agent,
        ask: Ask,
        scope: &str,
    ) -> anyhow::Result<Run> {
        let prompts = self.world.slack.direct_messages(ALICE).len();
        let waiting = agent.ask(ask).await;
        let reply = &waiting.reply;
        ensure!(reply.status == 201, "the service answered {}: {}", reply.status, reply.text);
        let found = [reply.approval_status(), reply.str("/decision/by"), reply.str("/decision/scope")];
        ensure!(found == ["approved", "auto", scope], "it is {found:?}");
        let run = ran(agent.settle(&waiting, SOON).await)?;
        ensure!(self.world.slack.direct_messages(ALICE).len() == prompts, "Alice was asked all the same");
        self.answered_at_once += 1;
        Ok(run)
    }

    /// The prompt of an approval, once the user has it.
    pub(super) async fn prompt(&self, user: &str, id: &str) -> anyhow::Result<Message> {
        let about_it = |message: &Message| message.to_json().to_string().contains(id);
        let message = self.world.slack.wait_for_direct_message(user, about_it, SOON).await;
        message.with_context(|| format!("no prompt for {user}"))
    }

    /// The message, once it satisfies something.
    pub(super) async fn becomes(
        &self,
        message: &Message,
        what: impl Fn(&Message) -> bool,
    ) -> anyhow::Result<Message> {
        let slack = &self.world.slack;
        let now = || slack.message(&message.channel, &message.ts);
        let found = slack.wait_for(|_| now().filter(|now| what(now)), SOON).await;
        found.with_context(|| {
            format!("the message stayed as it is: {}", now().map(|now| now.all_text()).unwrap_or_default())
        })
    }

    /// Clicks the button with this label.
    pub(super) async fn click(&self, user: &str, message: &Message, label: &str) -> anyhow::Result<()> {
        let delivery = self.world.slack.click_label(user, Surface::message(message), label).await?;
        ensure!(delivery.is_ok(), "the click was not taken: {:?}", delivery.error);
        Ok(())
    }

    /// Picks a choice of the menu.
    pub(super) async fn choose(&self, user: &str, message: &Message, label: &str) -> anyhow::Result<()> {
        let options = message.overflow_options();
        let option = options.iter().find(|option| option.label == label);
        let option = option.with_context(|| format!("the menu lacks {label}"))?;
        let surface = Surface::message(message);
        let delivery = self.world.slack.choose(user, surface, &option.action_id, &option.value).await?;
        ensure!(delivery.is_ok(), "the choice was not taken: {:?}", delivery.error);
        Ok(())
    }

    /// The webhook that says how an approval ended, which must be of this kind.
    pub(super) async fn received_webhook(&self, id: &str, kind: &str) -> anyhow::Result<Webhook> {
        let about_it = |event: &Webhook| event.approval_id() == id;
        let event = self.world.backend.wait_for_event(about_it, SOON).await;
        let event = event.with_context(|| format!("no verified webhook about {id}"))?;
        ensure!(event.kind == kind, "the webhook is {} and not {kind}", event.kind);
        Ok(event)
    }
}

/// A call of the catalog, as Alice's in a conversation with this id and title.
pub(super) fn call(integration: &str, action: &str, conversation: (&str, &str)) -> anyhow::Result<Ask> {
    let call = catalog::call(integration, action).context("the catalog lacks this call")?;
    let mut ask = call.ask(ALICE, conversation.0);
    ask.conversation.title = Some(conversation.1.to_owned());
    Ok(ask)
}

/// The action of most of the story, in the conversation of most of the story.
pub(super) fn create_issue() -> anyhow::Result<Ask> {
    call("github", "create_issue", ("c-1", "Voucher rounding"))
}

/// The tool was run.
pub(super) fn ran(outcome: Outcome) -> anyhow::Result<Run> {
    match outcome {
        Outcome::Ran(run) => Ok(run),
        other => bail!("the agent did not run it: {other:?}"),
    }
}

/// The tool was not run: the approval's status, and the reason that the agent heard.
pub(super) fn stopped(outcome: Outcome) -> anyhow::Result<(String, Option<String>)> {
    match outcome {
        Outcome::Stopped { status, reason } => Ok((status, reason)),
        other => bail!("the agent was not stopped: {other:?}"),
    }
}
