//! The messages of people who may decide an approval beside its user: each in their direct messages, with the reason why
//! they got it. They are rendered whenever the user's own message is.

use super::{
    prompt::{PromptRenderer, Rendering, shared_state, state},
    sending::{POST, body},
};
use crate::{
    domain::{approvers::Why, ids::UserId, people::PersonKind, prompts::ApproverMessage},
    service::{Service, ServiceError, show},
    slack::{
        outbound::metadata,
        view::{
            approvers,
            message::Message,
            plain,
            prompt::prompt,
            prompt_state::{PromptState, Reader},
            shared::{self, SharedState},
        },
        web_api::error::{CallError, Reason, Refusal},
    },
};

/// What came of the messages to others.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Those who can decide it from a message of theirs.
    pub(super) reached: Vec<UserId>,
    /// An error after which the messages have to be rendered again.
    pub(super) later: Option<CallError>,
}

impl PromptRenderer {
    /// Updates the messages of the people who may decide the approval beside its user, or could, and posts those that are
    /// missing. People who are not full members get none.
    pub(super) async fn render_for_others(
        &self,
        service: &Service,
        rendering: &Rendering,
    ) -> Result<Others, ServiceError> {
        let mut others = Others::default();
        let approval = rendering.context.approval.id();
        let may_decide = &rendering.context.others;
        let mut have_one: Vec<&UserId> = Vec::new();
        for message in &rendering.context.approver_messages {
            let why = may_decide.iter().find(|(user, _)| *user == message.user).map(|(_, why)| why);
            match self.update_for(service, rendering, message, why).await {
                Ok(()) => {
                    have_one.push(&message.user);
                    others.reached.extend(why.map(|_| message.user.clone()));
                }
                Err(CallError::Refused(Refusal { reason: Reason::Message, code })) => {
                    tracing::info!(%approval, code, user = %message.user, "An approver's message can no longer be updated");
                    show::forget_approver_message(service, approval, &message.prompt).await?;
                }
                Err(CallError::Refused(refusal)) if !refusal.is_about_the_token() => {
                    tracing::warn!(%approval, code = refusal.code, user = %message.user, "Could not update an approver's message");
                }
                Err(error) => {
                    have_one.push(&message.user);
                    others.later = Some(error);
                }
            }
        }
        if rendering.has_ended() || rendering.context.removed {
            return Ok(others);
        }
        for (user, why) in may_decide.iter().filter(|(user, _)| !have_one.contains(&user)) {
            match self.post_for(service, rendering, user, why).await? {
                Ok(posted) => others.reached.extend(posted.then(|| user.clone())),
                // Another may decide it. Nothing is asked of a person whom Slack can't reach.
                Err(CallError::Refused(refusal)) if !refusal.is_about_the_token() => {
                    tracing::warn!(%approval, code = refusal.code, %user, "Could not ask an approver");
                }
                Err(error) => others.later = Some(error),
            }
        }
        Ok(others)
    }

    async fn update_for(
        &self,
        service: &Service,
        rendering: &Rendering,
        message: &ApproverMessage,
        why: Option<&Why>,
    ) -> Result<(), CallError> {
        let reader = why.map_or(Reader::Former, Reader::Approver);
        let shown = message_for(service, rendering, reader);
        let plain = || plain_for(service, rendering, reader);
        self.sender(rendering).update(&message.prompt, &shown, plain).await.map(drop)
    }

    /// Posts the message if the person is a full member now. `false`: they are not.
    async fn post_for(
        &self,
        service: &Service,
        rendering: &Rendering,
        user: &UserId,
        why: &Why,
    ) -> Result<Result<bool, CallError>, ServiceError> {
        let slack_id = &rendering.context.slack_id;
        match self.people.profile(slack_id, user).await {
            Ok(profile) if profile.kind == PersonKind::Member => {}
            Ok(_) => return Ok(Ok(false)),
            Err(error) if error.is_unknown_user() => return Ok(Ok(false)),
            Err(error) => return Ok(Err(error)),
        }
        let approval = rendering.context.approval.id();
        let reader = Reader::Approver(why);
        let message = message_for(service, rendering, reader);
        let mut json = body(POST, user.as_str(), &message);
        json["metadata"] = metadata::approver(approval, user);
        let sent =
            self.sender(rendering).post(json, &message, || plain_for(service, rendering, reader)).await;
        let (prompt, shown) = match sent {
            Ok(sent) => sent,
            Err(error) => return Ok(Err(error)),
        };
        show::remember_approver_message(service, approval, user, &prompt, &shown).await?;
        Ok(Ok(true))
    }
}

fn message_for(service: &Service, rendering: &Rendering, reader: Reader<'_>) -> Message {
    match &rendering.shared {
        Some(shared) => {
            let request = &rendering.context.approval.request;
            let has_ended = rendering.has_ended();
            let state = SharedState { live_grants: &[], is_users: false, ..shared_state(shared) };
            let message = shared::message(&state);
            if has_ended { message } else { approvers::shared(message, reader, request) }
        }
        None => prompt(&PromptState {
            reader,
            // How it compares with earlier calls only the user learns.
            precedent: None,
            ..state(service, rendering)
        }),
    }
}

fn plain_for(service: &Service, rendering: &Rendering, reader: Reader<'_>) -> Message {
    match &rendering.shared {
        Some(shared) => shared::plain(&shared_state(shared)),
        None => plain::plain(&PromptState { reader, ..state(service, rendering) }),
    }
}
