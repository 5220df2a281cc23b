//! Making Slack show an approval as it is: a first post, or a change of what was posted.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::{
    domain::{
        approvals::Approval,
        decisions::PersonKind,
        text::{Prose, Text},
    },
    outbox::{Claim, Outcome},
    service::{Failure, Service, give_up, leave, prompt_failures},
    slack::{
        outbound::metadata,
        view::{message::Message, plain, prompt::prompt, prompt_state::PromptState},
        web_api::{
            client::{Client, PATIENT},
            error::{CallError, Reason, Refusal},
            users::People,
        },
    },
    storage,
    storage::{decide::Surroundings, prompts::Prompt},
};

/// How long until what met a token of before is tried with the one of now.
const SOON: TimeDelta = TimeDelta::seconds(1);
const POST: &str = "chat.postMessage";
const UPDATE: &str = "chat.update";

/// Draws prompts.
#[derive(Debug, Clone)]
pub struct Drawer {
    /// Slack's Web API.
    pub client: Client,
    /// Who somebody is.
    pub people: Arc<People>,
}

/// An approval and what is needed to draw it, read together.
struct Scene {
    approval: Approval,
    around: Surroundings,
    slack_id: String,
    /// When the app was installed last, as of the reading.
    installed_at: DateTime<Utc>,
    removed: bool,
    prompts: Vec<Prompt>,
    /// The row has waited for its turn already.
    in_turn: bool,
}

impl Drawer {
    /// Draws the approval that a row names.
    pub async fn draw(&self, service: &Service, claim: &Claim) -> Result<Outcome, Failure> {
        let Some(scene) = read(service, claim).await? else { return Ok(Outcome::done()) };
        if scene.removed && scene.approval.decision.is_some() {
            // There is no longer anybody to show it to.
            return Ok(Outcome::done());
        }
        let outcome = if !scene.prompts.is_empty() {
            self.change(service, &scene).await?
        } else if scene.approval.decision.is_some() {
            // It ended before it was ever shown: there is nothing to correct.
            Outcome::done()
        } else {
            self.post_first(service, &scene).await?
        };
        if let Some(code) = outcome.slack_code() {
            prompt_failures::note(service, claim.workspace, code).await?;
        }
        Ok(outcome)
    }

    async fn post_first(&self, service: &Service, scene: &Scene) -> Result<Outcome, Failure> {
        if scene.removed {
            return undeliverable(service, scene, "the Slack app is no longer installed", None).await;
        }
        let user = &scene.approval.request.user;
        match self.people.profile(&scene.slack_id, user).await {
            Ok(profile) if profile.kind == PersonKind::Member => {}
            Ok(_) => {
                let why = "the user is a guest, a bot, deactivated or of another workspace, and can't decide";
                return undeliverable(service, scene, why, None).await;
            }
            Err(CallError::Refused(refusal)) => return refused(service, scene, refusal).await,
            Err(error) => return Ok(error.into()),
        }
        let message = show(service, scene);
        if let Some(place) = &scene.approval.request.place {
            let thread = place.thread_ts.as_ref().map(Text::as_str);
            match self.post(service, scene, place.channel.as_str(), thread, &message).await? {
                Ok(()) => return Ok(Outcome::done()),
                Err(CallError::Refused(refusal)) if refusal.is_about_the_token() => {
                    return refused(service, scene, refusal).await;
                }
                Err(CallError::Refused(Refusal { reason, code })) if reason != Reason::Content => {
                    tracing::info!(approval = %scene.approval.id(), code, "The channel can't be posted to: asking in the user's direct messages");
                    prompt_failures::note(service, scene.approval.request.workspace, code).await?;
                }
                Err(error) => return Ok(error.into()),
            }
        }
        match self.post(service, scene, user.as_str(), None, &message).await? {
            Ok(()) => Ok(Outcome::done()),
            Err(CallError::Refused(refusal)) if refusal.reason != Reason::Content => {
                refused(service, scene, refusal).await
            }
            Err(error) => Ok(error.into()),
        }
    }

    /// Changes every message that shows the approval. As long as one may still have its buttons, because Slack said
    /// something that passes, no other is posted in its place.
    async fn change(&self, service: &Service, scene: &Scene) -> Result<Outcome, Failure> {
        let message = show(service, scene);
        let (mut shown, mut gone, mut later) = (false, Vec::new(), None);
        for prompt in &scene.prompts {
            match self.update(scene, prompt, &message, service).await {
                Ok(()) => shown = true,
                Err(CallError::Refused(refusal)) if refusal.is_about_the_token() => {
                    if installed_again(service, scene).await? {
                        return Ok(Outcome::Wait(SOON));
                    }
                    if refusal.reason == Reason::AppRemoved {
                        leave::leave_that(service, &scene.slack_id, scene.installed_at, refusal.code).await?;
                    }
                    return Ok(refusal.into());
                }
                Err(CallError::Refused(Refusal { reason: Reason::Message, code })) => {
                    tracing::info!(approval = %scene.approval.id(), code, "A prompt can no longer be changed");
                    gone.push(prompt);
                }
                Err(error) => later = later.or(Some(error)),
            }
        }
        if shown || later.is_some() {
            forget(service, scene, &gone).await?;
            return Ok(later.map_or_else(Outcome::done, Outcome::from));
        }
        // The prompt is gone: say it once where the user is sure to see it. Until that is done it is not forgotten, so
        // that the next try comes here again.
        match self.post(service, scene, scene.approval.request.user.as_str(), None, &message).await? {
            Ok(()) => {
                forget(service, scene, &gone).await?;
                Ok(Outcome::done())
            }
            Err(CallError::Refused(refusal)) if refusal.reason == Reason::Content => {
                Ok(CallError::from(refusal).into())
            }
            Err(CallError::Refused(refusal)) if scene.approval.decision.is_none() => {
                let why = format!("the prompt is gone, and {refusal}");
                undeliverable(service, scene, &why, Some(refusal.code)).await
            }
            Err(CallError::Refused(refusal)) => Ok(refusal.into()),
            Err(error) => Ok(error.into()),
        }
    }

    /// Posts, and remembers where. Inner error: Slack's; outer: ours.
    async fn post(
        &self,
        service: &Service,
        scene: &Scene,
        channel: &str,
        thread: Option<&str>,
        message: &Message,
    ) -> Result<Result<(), CallError>, Failure> {
        let mut body = body(POST, channel, message);
        body["metadata"] = metadata::prompt(scene.approval.id());
        if let Some(ts) = thread {
            body["thread_ts"] = ts.into();
        }
        let answer = match self.client.post_message(&scene.slack_id, &body, scene.in_turn, PATIENT).await {
            Err(CallError::Refused(refusal)) if refusal.reason == Reason::Content => {
                self.plainly(service, scene, POST, body, refusal).await
            }
            answer => answer,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        let prompt = Prompt {
            channel: answer["channel"].as_str().unwrap_or(channel).to_owned(),
            ts: answer["ts"].as_str().unwrap_or_default().to_owned(),
        };
        let mut db = service.db.acquire().await?;
        storage::prompts::remember(&mut db, scene.approval.id(), &prompt, service.now()).await?;
        metrics::histogram!("countersign_prompt_delay_seconds")
            .record((service.now() - scene.approval.request.created_at).as_seconds_f64());
        Ok(Ok(()))
    }

    async fn update(
        &self,
        scene: &Scene,
        prompt: &Prompt,
        message: &Message,
        service: &Service,
    ) -> Result<(), CallError> {
        let mut body = body(UPDATE, &prompt.channel, message);
        body["ts"] = prompt.ts.as_str().into();
        match self.client.post(&scene.slack_id, UPDATE, &body, PATIENT).await {
            Err(CallError::Refused(refusal)) if refusal.reason == Reason::Content => {
                self.plainly(service, scene, UPDATE, body, refusal).await.map(|_| ())
            }
            answer => answer.map(|_| ()),
        }
    }

    /// What Slack finds wrong with our blocks is our fault, so the message goes out once more as plain text.
    async fn plainly(
        &self,
        service: &Service,
        scene: &Scene,
        method: &str,
        refused: Value,
        refusal: Refusal,
    ) -> Result<Value, CallError> {
        tracing::error!(approval = %scene.approval.id(), code = refusal.code, "Slack refused the blocks of a prompt: it is shown as plain text");
        let channel = refused["channel"].as_str().unwrap_or_default();
        let mut plain = body(method, channel, &plain::plain(&state(service, scene)));
        for place in ["ts", "thread_ts"] {
            if let Some(ts) = refused.get(place) {
                plain[place] = ts.clone();
            }
        }
        if let Some(metadata) = refused.get("metadata").filter(|_| !refusal.code.contains("metadata")) {
            plain["metadata"] = metadata.clone();
        }
        self.client.post(&scene.slack_id, method, &plain, PATIENT).await
    }
}

/// Slack no longer lets these messages be changed.
async fn forget(service: &Service, scene: &Scene, gone: &[&Prompt]) -> Result<(), Failure> {
    for prompt in gone {
        let mut db = service.db.acquire().await?;
        storage::prompts::forget(&mut db, scene.approval.id(), prompt, service.now()).await?;
    }
    Ok(())
}

async fn read(service: &Service, claim: &Claim) -> Result<Option<Scene>, Failure> {
    let Some(id) = claim.approval else { return Ok(None) };
    let mut db = service.db.acquire().await?;
    let Some(approval) = storage::approvals::find(&mut db, id).await? else { return Ok(None) };
    let around = storage::decide::surroundings(&mut db, &approval).await?;
    let workspace = storage::workspaces::find(&mut db, claim.workspace).await?;
    let prompts = storage::prompts::of(&mut db, id).await?;
    let Some(workspace) = workspace else { return Ok(None) };
    Ok(Some(Scene {
        approval,
        around,
        slack_id: workspace.slack_id,
        installed_at: workspace.installed_at,
        removed: workspace.removed,
        prompts,
        in_turn: claim.has_waited(),
    }))
}

fn show(service: &Service, scene: &Scene) -> Message {
    prompt(&state(service, scene))
}

fn state<'a>(service: &Service, scene: &'a Scene) -> PromptState<'a> {
    PromptState {
        approval: &scene.approval,
        standing: scene.around.standing,
        grant_live: scene.around.grant_live,
        requested: scene.around.requested,
        connect_url: scene.around.connect_url.as_deref(),
        now: service.now(),
    }
}

fn body(method: &str, channel: &str, message: &Message) -> Value {
    let mut body = if method == UPDATE { message.to_update() } else { message.to_post() };
    body["channel"] = channel.into();
    body
}

async fn undeliverable(
    service: &Service,
    scene: &Scene,
    why: &str,
    code: Option<&'static str>,
) -> Result<Outcome, Failure> {
    let id = scene.approval.id();
    tracing::warn!(approval = %id, why, code, "An approval can't be shown to its user");
    give_up::give_up(service, id, &Prose::from_stored(why.to_owned())).await?;
    if let Some(code) = code {
        prompt_failures::note(service, scene.approval.request.workspace, code).await?;
    }
    Ok(Outcome::done())
}

/// Slack says no, for good. Where it says that the app is gone, the whole workspace is.
async fn refused(service: &Service, scene: &Scene, refusal: Refusal) -> Result<Outcome, Failure> {
    if refusal.is_about_the_token() && installed_again(service, scene).await? {
        return Ok(Outcome::Wait(SOON));
    }
    let outcome = undeliverable(service, scene, &refusal.to_string(), Some(refusal.code)).await?;
    if refusal.reason == Reason::AppRemoved {
        leave::leave_that(service, &scene.slack_id, scene.installed_at, refusal.code).await?;
    }
    Ok(outcome)
}

/// Whether the app was installed anew since it was read what is to be drawn: what Slack says of a token then is said of
/// an earlier one.
async fn installed_again(service: &Service, scene: &Scene) -> Result<bool, Failure> {
    let at = leave::installed_at(service, &scene.slack_id).await?;
    Ok(at.is_some_and(|at| at != scene.installed_at))
}
