//! Makes Slack show the current state of an approval: posts a prompt, or updates those that exist. Several approvals may
//! share a message, which is then rendered for all of them.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::{
    domain::{
        approvals::Approval,
        approvers,
        arguments::Digest,
        ids::ApprovalId,
        people::PersonKind,
        prompts::Prompt,
        text::{Prose, Text},
    },
    outbox::{Claim, Outcome},
    service::{
        Service, ServiceError, give_up, leave, prompt_failures,
        shared_prompts::{self, SharedContext},
        show::{self, PromptContext},
    },
    slack::{
        outbound::{
            metadata,
            sending::{POST, Sender, body},
        },
        view::{
            message::Message,
            plain,
            prompt::prompt,
            prompt_state::{PromptState, Reader},
            shared::{self, SharedState},
        },
        web_api::{
            client::Client,
            error::{CallError, Reason, Refusal},
            users::People,
        },
    },
};

/// How long until a post that was refused for an old token is tried with the new one.
const SOON: TimeDelta = TimeDelta::seconds(1);

/// Renders prompts.
#[derive(Debug, Clone)]
pub struct PromptRenderer {
    /// Posts and updates the messages.
    pub client: Client,
    /// Looks up what the user is in the workspace.
    pub people: Arc<People>,
}

/// A prompt to render, and its priority at the rate limit.
pub(super) struct Rendering {
    /// The approval that the message was made for.
    pub(super) context: PromptContext,
    /// What the message shows if several approvals share it.
    pub(super) shared: Option<SharedContext>,
    /// The row was rate limited before, and goes ahead of new ones.
    in_turn: bool,
    /// Whether another person can decide the approval from a message of theirs.
    others_can_decide: bool,
}

impl Rendering {
    /// The approvals that the message shows.
    fn members(&self) -> &[Approval] {
        match &self.shared {
            Some(shared) => &shared.members,
            None => std::slice::from_ref(&self.context.approval),
        }
    }

    fn ids(&self) -> Vec<ApprovalId> {
        self.members().iter().map(Approval::id).collect()
    }

    /// The messages that show the approvals.
    fn prompts(&self) -> &[Prompt] {
        self.shared.as_ref().map_or(&self.context.prompts, |shared| &shared.prompts)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.members().iter().all(|member| member.decision.is_some())
    }

    /// Whether the message in Slack does not show this approval yet.
    fn is_unseen(&self, approval: &Approval) -> bool {
        match &self.shared {
            Some(shared) => shared.unseen.contains(&approval.id()),
            None => self.context.prompts.is_empty(),
        }
    }
}

impl PromptRenderer {
    /// Renders the approval that an outbox row names.
    pub async fn render(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        let Some(id) = claim.approval else { return Ok(Outcome::done()) };
        let Some(context) = show::prompt(service, claim.workspace, id).await? else {
            return Ok(Outcome::done());
        };
        if context.approval.request.approvers.is_some() {
            return self.render_for_panel(service, context, claim).await;
        }
        let message = shared_prompts::message_of(service, &context.approval).await?;
        let shared = match message {
            Some((message, true)) if message.first == id => {
                // As for Home tabs: the state that is read after this includes what the other rows were written for.
                show::absorb(service, claim).await?;
                Some(shared_prompts::read(service, id).await?)
            }
            // The rows of one queue are processed one after another, so an old state never overwrites a new one. The
            // queue of a shared message is that of the approval that it was made for.
            Some((message, true)) => {
                shared_prompts::render_soon(service, claim.workspace, message.first).await?;
                return Ok(Outcome::done());
            }
            _ => None,
        };
        let in_turn = claim.has_waited();
        let mut rendering = Rendering { context, shared, in_turn, others_can_decide: false };
        if rendering.context.removed && rendering.has_ended() {
            // The app was removed, so the message can't be updated.
            return Ok(Outcome::done());
        }
        let others = self.render_for_others(service, &rendering).await?;
        rendering.others_can_decide = !others.reached.is_empty();
        let outcome = if !rendering.prompts().is_empty() {
            self.change(service, &rendering).await?
        } else if rendering.has_ended() {
            // The approval ended before it was posted, so there is no message to update.
            Outcome::done()
        } else {
            self.post_first(service, &rendering).await?
        };
        let outcome = match (outcome, others.later) {
            (Outcome::Done { .. }, Some(error)) => Outcome::from(error),
            (outcome, _) => outcome,
        };
        if message.is_some_and(|(message, _)| !message.is_shared) && rendering.has_ended() {
            shared_prompts::render_beside(service, &rendering.context.approval.request).await?;
        }
        if let Some(code) = outcome.slack_code() {
            prompt_failures::note(service, claim.workspace, code).await?;
        }
        Ok(outcome)
    }

    /// Renders an approval that other people decide than its user: each has a message of their own.
    async fn render_for_panel(
        &self,
        service: &Service,
        context: PromptContext,
        claim: &Claim,
    ) -> Result<Outcome, ServiceError> {
        let in_turn = claim.has_waited();
        let rendering = Rendering { context, shared: None, in_turn, others_can_decide: false };
        if rendering.context.removed {
            return if rendering.has_ended() {
                Ok(Outcome::done())
            } else {
                undeliverable(service, &rendering, "the Slack app is no longer installed", None).await
            };
        }
        let others = self.render_for_others(service, &rendering).await?;
        // An earlier version may have posted the user's own.
        let own = if rendering.prompts().is_empty() {
            Outcome::done()
        } else {
            self.change(service, &rendering).await?
        };
        if let Some(error) = others.later {
            return Ok(error.into());
        }
        if !rendering.has_ended() && !rendering.context.will_escalate {
            let PromptContext { approval, panel, others: audience, .. } = &rendering.context;
            if !approvers::can_be_met(&approval.request, panel, audience, &others.reached) {
                let why = "Slack can't reach enough of the people who decide it";
                return undeliverable(service, &rendering, why, None).await;
            }
        }
        Ok(own)
    }

    async fn post_first(&self, service: &Service, rendering: &Rendering) -> Result<Outcome, ServiceError> {
        if rendering.context.removed {
            return undeliverable(service, rendering, "the Slack app is no longer installed", None).await;
        }
        let user = &rendering.context.approval.request.user;
        match self.people.profile(&rendering.context.slack_id, user).await {
            Ok(profile) if profile.kind == PersonKind::Member => {}
            Ok(_) => {
                let why = "the user is a guest, a bot, deactivated or of another workspace, and can't decide";
                return undeliverable(service, rendering, why, None).await;
            }
            Err(CallError::Refused(refusal)) => return refused(service, rendering, refusal).await,
            Err(error) => return Ok(error.into()),
        }
        let message = message(service, rendering);
        if let Some(place) = &rendering.context.approval.request.place {
            let thread = place.thread_ts.as_ref().map(Text::as_str);
            match self.post(service, rendering, place.channel.as_str(), thread, &message).await? {
                Ok(()) => return Ok(Outcome::done()),
                Err(CallError::Refused(refusal)) if refusal.is_about_the_token() => {
                    return refused(service, rendering, refusal).await;
                }
                Err(CallError::Refused(Refusal { reason, code })) if reason != Reason::Content => {
                    tracing::info!(approval = %rendering.context.approval.id(), code, "Could not post to the channel; posting to the user's direct messages");
                    prompt_failures::note(service, rendering.context.approval.request.workspace, code)
                        .await?;
                }
                Err(error) => return Ok(error.into()),
            }
        }
        match self.post(service, rendering, user.as_str(), None, &message).await? {
            Ok(()) => Ok(Outcome::done()),
            Err(CallError::Refused(refusal)) if refusal.reason != Reason::Content => {
                refused(service, rendering, refusal).await
            }
            Err(error) => Ok(error.into()),
        }
    }

    /// Updates every message that shows the approval. No replacement is posted while one may still have its buttons
    /// because of a temporary error.
    async fn change(&self, service: &Service, rendering: &Rendering) -> Result<Outcome, ServiceError> {
        let message = message(service, rendering);
        let (mut shown, mut gone, mut later) = (false, Vec::new(), None);
        for prompt in rendering.prompts() {
            match self.sender(rendering).update(prompt, &message, || plain(service, rendering)).await {
                Ok(digest) => {
                    remember(service, rendering, prompt, &digest).await?;
                    shown = true;
                }
                Err(CallError::Refused(refusal)) if refusal.is_about_the_token() => {
                    if installed_again(service, rendering).await? {
                        return Ok(Outcome::Wait(SOON));
                    }
                    if refusal.reason == Reason::AppRemoved {
                        leave::leave_that(
                            service,
                            &rendering.context.slack_id,
                            rendering.context.installed_at,
                            refusal.code,
                        )
                        .await?;
                    }
                    return Ok(refusal.into());
                }
                Err(CallError::Refused(Refusal { reason: Reason::Message, code })) => {
                    tracing::info!(approval = %rendering.context.approval.id(), code, "Prompt can no longer be updated");
                    gone.push(prompt);
                }
                Err(error) => later = later.or(Some(error)),
            }
        }
        if shown || later.is_some() {
            forget(service, rendering, &gone).await?;
            return Ok(later.map_or_else(Outcome::done, Outcome::from));
        }
        // The prompt was deleted: post the decision once where the user is sure to see it. Its place is forgotten only
        // after that, so that a retry gets here again.
        match self
            .post(service, rendering, rendering.context.approval.request.user.as_str(), None, &message)
            .await?
        {
            Ok(()) => {
                forget(service, rendering, &gone).await?;
                Ok(Outcome::done())
            }
            Err(CallError::Refused(refusal)) if refusal.reason == Reason::Content => {
                Ok(CallError::from(refusal).into())
            }
            Err(CallError::Refused(refusal)) if !rendering.has_ended() && !rendering.others_can_decide => {
                let why = format!("the prompt is gone, and {refusal}");
                undeliverable(service, rendering, &why, Some(refusal.code)).await
            }
            Err(CallError::Refused(refusal)) => Ok(refusal.into()),
            Err(error) => Ok(error.into()),
        }
    }

    pub(super) fn sender<'a>(&'a self, rendering: &'a Rendering) -> Sender<'a> {
        Sender {
            client: &self.client,
            slack_id: &rendering.context.slack_id,
            approval: rendering.context.approval.id(),
            in_turn: rendering.in_turn,
        }
    }

    /// Posts the message and stores where it is and what it shows. The inner error is Slack's, the outer one the service's.
    async fn post(
        &self,
        service: &Service,
        rendering: &Rendering,
        channel: &str,
        thread: Option<&str>,
        message: &Message,
    ) -> Result<Result<(), CallError>, ServiceError> {
        let mut body = body(POST, channel, message);
        body["metadata"] = metadata::prompt(rendering.context.approval.id());
        if let Some(ts) = thread {
            body["thread_ts"] = ts.into();
        }
        match self.sender(rendering).post(body, message, || plain(service, rendering)).await {
            Ok((prompt, shown)) => {
                show::remember_prompt(service, &rendering.ids(), &prompt, &shown).await?;
                record_delay(service, rendering);
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }
}

/// Forgets messages that Slack no longer lets the app update.
async fn forget(service: &Service, rendering: &Rendering, gone: &[&Prompt]) -> Result<(), ServiceError> {
    for prompt in gone {
        show::forget_prompt(service, &rendering.ids(), prompt).await?;
    }
    Ok(())
}

/// Records that a message which existed shows approvals that joined it.
async fn remember(
    service: &Service,
    rendering: &Rendering,
    prompt: &Prompt,
    shown: &Digest,
) -> Result<(), ServiceError> {
    let unseen = rendering.shared.as_ref().map(|shared| shared.unseen.as_slice()).unwrap_or_default();
    if !unseen.is_empty() {
        show::remember_prompt(service, unseen, prompt, shown).await?;
        record_delay(service, rendering);
    }
    Ok(())
}

/// Records how long the requests waited that a message shows for the first time.
fn record_delay(service: &Service, rendering: &Rendering) {
    let new = rendering.members().iter().filter(|member| rendering.is_unseen(member));
    for member in new.filter(|member| member.decision.is_none()) {
        metrics::histogram!("countersign_prompt_delay_seconds")
            .record((service.now() - member.request.created_at).as_seconds_f64());
    }
}

fn message(service: &Service, rendering: &Rendering) -> Message {
    match &rendering.shared {
        Some(shared) => shared::message(&shared_state(shared)),
        None => prompt(&state(service, rendering)),
    }
}

fn plain(service: &Service, rendering: &Rendering) -> Message {
    match &rendering.shared {
        Some(shared) => shared::plain(&shared_state(shared)),
        None => plain::plain(&state(service, rendering)),
    }
}

pub(super) fn shared_state(shared: &SharedContext) -> SharedState<'_> {
    SharedState {
        members: &shared.members,
        waiting: shared.waiting,
        live_grants: &shared.live_grants,
        is_users: true,
    }
}

pub(super) fn state<'a>(service: &Service, rendering: &'a Rendering) -> PromptState<'a> {
    PromptState {
        approval: &rendering.context.approval,
        standing: rendering.context.around.eligibility,
        grant_live: rendering.context.around.grant_live,
        requested: rendering.context.around.requested,
        misused: rendering.context.around.misused,
        connect_url: rendering.context.around.connect_url.as_deref(),
        precedent: rendering.context.precedent.as_ref(),
        reader: match rendering.context.approval.request.approvers {
            None => Reader::User,
            Some(_) => Reader::Onlooker,
        },
        panel: Some(&rendering.context.panel),
        now: service.now(),
    }
}

async fn undeliverable(
    service: &Service,
    rendering: &Rendering,
    why: &str,
    code: Option<&'static str>,
) -> Result<Outcome, ServiceError> {
    for member in rendering.members().iter().filter(|member| member.decision.is_none()) {
        let id = member.id();
        tracing::warn!(approval = %id, why, code, "Prompt undeliverable");
        give_up::give_up(service, id, &Prose::from_stored(why.to_owned())).await?;
    }
    if let Some(code) = code {
        prompt_failures::note(service, rendering.context.approval.request.workspace, code).await?;
    }
    Ok(Outcome::done())
}

/// Slack refused permanently. If the reason is that the app was removed, the whole workspace is marked so.
async fn refused(
    service: &Service,
    rendering: &Rendering,
    refusal: Refusal,
) -> Result<Outcome, ServiceError> {
    if refusal.is_about_the_token() && installed_again(service, rendering).await? {
        return Ok(Outcome::Wait(SOON));
    }
    if rendering.others_can_decide && refusal.reason != Reason::AppRemoved {
        tracing::warn!(approval = %rendering.context.approval.id(), code = refusal.code, "Could not ask the user; others can decide");
        return Ok(refusal.into());
    }
    let outcome = undeliverable(service, rendering, &refusal.to_string(), Some(refusal.code)).await?;
    if refusal.reason == Reason::AppRemoved {
        leave::leave_that(service, &rendering.context.slack_id, rendering.context.installed_at, refusal.code)
            .await?;
    }
    Ok(outcome)
}

/// Whether the app was installed again after the rendering was read. A refused token then belongs to the earlier
/// installation.
async fn installed_again(service: &Service, rendering: &Rendering) -> Result<bool, ServiceError> {
    let at = leave::installed_at(service, &rendering.context.slack_id).await?;
    Ok(at.is_some_and(|at| at != rendering.context.installed_at))
}
