//! Making Slack show an approval as it is: a first post, or a change of what was posted.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Outcome;
use crate::{
    domain::{
        approvals::Approval,
        decisions::PersonKind,
        text::{Prose, Text},
    },
    service::{Failure, Service, give_up, leave},
    slack::{
        client::{CallError, Client, PATIENT, is_about_the_token},
        pacer::Pacer,
        people::People,
        view::{
            plain,
            prompt::{Message, PromptState, prompt},
        },
    },
    storage::{self, claims::Claim, decide::Surroundings, prompts::Prompt},
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
    /// How fast Slack may be called.
    pub pacer: Arc<Pacer>,
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

/// Why a message could not be brought to Slack.
enum Trouble {
    /// It may work later.
    Later(Outcome),
    /// Slack said no, with this error name.
    Refused(String),
}

impl Drawer {
    /// Draws the approval that a row names.
    pub async fn draw(&self, service: &Service, claim: &Claim) -> Result<Outcome, Failure> {
        let Some(scene) = read(service, claim).await? else { return Ok(Outcome::done()) };
        if scene.removed && scene.approval.decision.is_some() {
            // There is no longer anybody to show it to.
            return Ok(Outcome::done());
        }
        if scene.prompts.is_empty() {
            if scene.approval.decision.is_some() {
                // It ended before it was ever shown: there is nothing to correct.
                return Ok(Outcome::done());
            }
            return self.post_first(service, &scene).await;
        }
        self.change(service, &scene).await
    }

    async fn post_first(&self, service: &Service, scene: &Scene) -> Result<Outcome, Failure> {
        if scene.removed {
            return undeliverable(service, scene, "the Slack app is no longer installed").await;
        }
        let user = &scene.approval.request.user;
        match self.people.profile(&scene.slack_id, user).await {
            Ok(profile) if profile.kind == PersonKind::Member => {}
            Ok(_) => {
                let why = "the user is a guest, a bot, deactivated or of another workspace, and can't decide";
                return undeliverable(service, scene, why).await;
            }
            Err(CallError::Refused(code)) if is_about_the_user(&code) || is_about_the_token(&code) => {
                return refused(service, scene, &code).await;
            }
            Err(error) => return Ok(later(error)),
        }
        let message = show(service, scene);
        if let Some(place) = &scene.approval.request.place {
            let thread = place.thread_ts.as_ref().map(Text::as_str);
            match self.post(service, scene, place.channel.as_str(), thread, &message).await? {
                Ok(()) => return Ok(Outcome::done()),
                Err(Trouble::Later(outcome)) => return Ok(outcome),
                Err(Trouble::Refused(code)) if is_about_the_token(&code) => {
                    return refused(service, scene, &code).await;
                }
                Err(Trouble::Refused(code)) => {
                    tracing::info!(approval = %scene.approval.id(), code, "The channel can't be posted to: asking in the user's direct messages");
                }
            }
        }
        match self.post(service, scene, user.as_str(), None, &message).await? {
            Ok(()) => Ok(Outcome::done()),
            Err(Trouble::Later(outcome)) => Ok(outcome),
            Err(Trouble::Refused(code)) if is_about_the_user(&code) || is_about_the_token(&code) => {
                refused(service, scene, &code).await
            }
            Err(Trouble::Refused(code)) => Ok(failed(format!("Slack says {code}"))),
        }
    }

    async fn change(&self, service: &Service, scene: &Scene) -> Result<Outcome, Failure> {
        let message = show(service, scene);
        let mut shown = false;
        for prompt in &scene.prompts {
            match self.update(service, scene, prompt, &message).await {
                Ok(()) => shown = true,
                Err(Trouble::Later(outcome)) => return Ok(outcome),
                Err(Trouble::Refused(code)) if is_about_the_token(&code) => {
                    if installed_again(service, scene).await? {
                        return Ok(Outcome::Wait(SOON));
                    }
                    if is_gone(&code) {
                        leave::leave_that(service, &scene.slack_id, scene.installed_at, &code).await?;
                    }
                    return Ok(Outcome::Hopeless { why: format!("Slack says {code}"), status: None });
                }
                Err(Trouble::Refused(code)) => {
                    tracing::info!(approval = %scene.approval.id(), code, "A prompt can no longer be changed");
                    let mut db = service.db.acquire().await?;
                    storage::prompts::forget(&mut db, scene.approval.id(), prompt, service.now()).await?;
                }
            }
        }
        if shown {
            return Ok(Outcome::done());
        }
        // The prompt is gone: say it once where the user is sure to see it.
        match self.post(service, scene, scene.approval.request.user.as_str(), None, &message).await? {
            Ok(()) => Ok(Outcome::done()),
            Err(Trouble::Later(outcome)) => Ok(outcome),
            Err(Trouble::Refused(code)) if scene.approval.decision.is_none() => {
                undeliverable(service, scene, &format!("the prompt is gone, and Slack says {code}")).await
            }
            Err(Trouble::Refused(code)) => Ok(Outcome::Hopeless {
                why: format!("the prompt is gone, and Slack says {code}"),
                status: None,
            }),
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
    ) -> Result<Result<(), Trouble>, Failure> {
        let now = service.now();
        let admitted = self
            .pacer
            .is_open(&scene.slack_id, POST, now)
            .and_then(|()| self.pacer.admit(channel, scene.in_turn, now));
        if let Err(pause) = admitted {
            return Ok(Err(Trouble::Later(Outcome::Wait(pause))));
        }
        let mut body = body(channel, message);
        if let Some(ts) = thread {
            body["thread_ts"] = ts.into();
        }
        let answer = match self.call(service, scene, POST, body, channel, thread).await {
            Ok(answer) => answer,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let prompt = Prompt {
            channel: answer["channel"].as_str().unwrap_or(channel).to_owned(),
            ts: answer["ts"].as_str().unwrap_or_default().to_owned(),
        };
        let mut db = service.db.acquire().await?;
        storage::prompts::remember(&mut db, scene.approval.id(), &prompt, now).await?;
        metrics::histogram!("countersign_prompt_delay_seconds")
            .record((service.now() - scene.approval.request.created_at).as_seconds_f64());
        Ok(Ok(()))
    }

    async fn update(
        &self,
        service: &Service,
        scene: &Scene,
        prompt: &Prompt,
        message: &Message,
    ) -> Result<(), Trouble> {
        if let Err(pause) = self.pacer.is_open(&scene.slack_id, UPDATE, service.now()) {
            return Err(Trouble::Later(Outcome::Wait(pause)));
        }
        let mut body = body(&prompt.channel, message);
        body["ts"] = prompt.ts.as_str().into();
        self.call(service, scene, UPDATE, body, &prompt.channel, Some(&prompt.ts)).await.map(|_| ())
    }

    /// Calls Slack; what it finds wrong with our blocks is our fault, so the message goes out once more as plain text.
    async fn call(
        &self,
        service: &Service,
        scene: &Scene,
        method: &'static str,
        body: Value,
        channel: &str,
        ts: Option<&str>,
    ) -> Result<Value, Trouble> {
        let answer = match self.client.post(&scene.slack_id, method, &body, PATIENT).await {
            Err(CallError::Refused(code)) if is_about_our_blocks(&code) => {
                tracing::error!(approval = %scene.approval.id(), code, "Slack refused the blocks of a prompt: it is shown as plain text");
                let mut plain = self::body(channel, &plain::plain(&state(service, scene)));
                if let Some(ts) = ts {
                    plain[if method == UPDATE { "ts" } else { "thread_ts" }] = ts.into();
                }
                self.client.post(&scene.slack_id, method, &plain, PATIENT).await
            }
            answer => answer,
        };
        answer.map_err(|error| match error {
            CallError::Refused(code) => Trouble::Refused(code),
            CallError::RateLimited(after) => {
                let pause = TimeDelta::from_std(after).unwrap_or(TimeDelta::seconds(30));
                self.pacer.block(&scene.slack_id, method, service.now() + pause);
                Trouble::Later(Outcome::Wait(pause))
            }
            error => Trouble::Later(later(error)),
        })
    }
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

fn body(channel: &str, message: &Message) -> Value {
    let mut body = message.to_json();
    body["channel"] = channel.into();
    body["unfurl_links"] = json!(false);
    body["unfurl_media"] = json!(false);
    body
}

async fn undeliverable(service: &Service, scene: &Scene, why: &str) -> Result<Outcome, Failure> {
    let id = scene.approval.id();
    tracing::warn!(approval = %id, why, "An approval can't be shown to its user");
    give_up::give_up(service, id, &Prose::from_stored(why.to_owned())).await?;
    Ok(Outcome::done())
}

/// Slack says no, for good. Where it says that the app is gone, the whole workspace is.
async fn refused(service: &Service, scene: &Scene, code: &str) -> Result<Outcome, Failure> {
    if is_about_the_token(code) && installed_again(service, scene).await? {
        return Ok(Outcome::Wait(SOON));
    }
    let outcome = undeliverable(service, scene, &format!("Slack says {code}")).await?;
    if is_gone(code) {
        leave::leave_that(service, &scene.slack_id, scene.installed_at, code).await?;
    }
    Ok(outcome)
}

/// Whether the app was installed anew since it was read what is to be drawn: what Slack says of a token then is said of
/// an earlier one.
async fn installed_again(service: &Service, scene: &Scene) -> Result<bool, Failure> {
    let at = leave::installed_at(service, &scene.slack_id).await?;
    Ok(at.is_some_and(|at| at != scene.installed_at))
}

/// The app was removed, and the event that says so was lost or is still on its way.
fn is_gone(code: &str) -> bool {
    matches!(code, "account_inactive" | "token_revoked")
}

fn failed(why: String) -> Outcome {
    Outcome::Failed { why, status: None, after: None }
}

fn later(error: CallError) -> Outcome {
    match error {
        CallError::RateLimited(after) => {
            Outcome::Wait(TimeDelta::from_std(after).unwrap_or(TimeDelta::seconds(30)))
        }
        error => failed(error.to_string()),
    }
}

/// Nobody can be asked there, ever.
fn is_about_the_user(code: &str) -> bool {
    matches!(
        code,
        "user_not_found"
            | "user_not_visible"
            | "user_disabled"
            | "cannot_dm_bot"
            | "channel_not_found"
            | "messages_tab_disabled"
    )
}

fn is_about_our_blocks(code: &str) -> bool {
    matches!(code, "invalid_blocks" | "invalid_blocks_format" | "msg_blocks_too_long" | "msg_too_long")
}
