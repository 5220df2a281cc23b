//! *Approve all…* and *Deny all*.

use serde_json::json;

use crate::{
    domain::{
        alike::{Alike, Together},
        approvals::Approval,
        grants::Scope,
        ids::{ApprovalId, UserId},
        people::ActingUser,
    },
    service::{
        decide,
        decide_together::{self, ChoiceForAll},
        shared_prompts,
    },
    slack::{
        handlers::{
            interactions::{
                interaction::{Interaction, Submission, decided, looked},
                recipient,
            },
            time_limit::{UseCaseError, read, within},
        },
        inbound::response::Response,
        view::{sentences, together},
    },
};

const SUBMISSION: Submission = Submission::deciding("Approve all");

/// Opens the modal that lists what one submission approves.
pub(super) async fn open(interaction: &Interaction<'_>, group: (ApprovalId, Alike)) -> Response {
    let (approvals, count) = match find(interaction, group).await {
        Ok(found) => found,
        Err(error) => return looked::<()>(interaction, Err(error)),
    };
    if approvals.is_empty() {
        interaction.context.reply_privately(interaction.payload, together::NONE_LEFT.to_owned());
        return Response::Taken;
    }
    interaction
        .show(together::modal(&approvals, count), "the list of what to approve", sentences::TRY_AGAIN)
        .await
}

async fn find(
    interaction: &Interaction<'_>,
    group: (ApprovalId, Alike),
) -> Result<(Vec<Approval>, usize), UseCaseError> {
    let (acting_user, _) = interaction.rights().await.map_err(UseCaseError::Rejected)?;
    acting_user.must_be_member().map_err(UseCaseError::Rejected)?;
    let whose = may_decide(interaction, &acting_user, group).await?;
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    read(decide_together::alike(service, workspace, &whose, group, ChoiceForAll::Approve)).await
}

/// A shared message may stand in a channel, where others see its buttons: they are told whose requests these are. If the
/// service did not know where the message is, it does from now on. Returns whose requests they are.
async fn may_decide(
    interaction: &Interaction<'_>,
    acting_user: &ActingUser,
    (like, alike): (ApprovalId, Alike),
) -> Result<UserId, UseCaseError> {
    if alike != Alike::Message {
        return Ok(acting_user.user.clone());
    }
    let service = interaction.context.service.clone();
    let approval =
        within(shared_prompts::may_decide(&service, interaction.origin(), acting_user, like)).await?;
    if let Some(prompt) = interaction.payload.message() {
        let approver = recipient::approver(&approval, &acting_user.user, &prompt);
        let approval = approval.clone();
        interaction.context.background.spawn(async move {
            if let Err(failure) = decide::adopt_prompt(&service, &approval, approver.as_ref(), &prompt).await
            {
                tracing::warn!(%failure, "Could not store where a clicked prompt is");
            }
        });
    }
    Ok(approval.request.user)
}

/// The user submitted the list. Approves what it named, and nothing that came since.
pub(super) async fn submitted(interaction: &Interaction<'_>) -> Response {
    let listed = together::listed(interaction.payload.text("/view/private_metadata").unwrap_or_default());
    let acting_user = match interaction.rights().await {
        Ok((acting_user, _)) => acting_user,
        Err(rejection) => return SUBMISSION.failed(interaction, UseCaseError::Rejected(rejection)),
    };
    let service = &interaction.context.service;
    let approving = decide_together::decide_together(
        service,
        interaction.origin(),
        &acting_user,
        &listed,
        ChoiceForAll::Approve,
    );
    match within(approving).await {
        // The messages say what was approved.
        Ok(outcome) if outcome.left == 0 => Response::Taken,
        Ok(outcome) => {
            Response::Modal(json!({ "response_action": "update", "view": together::approved(outcome) }))
        }
        Err(error) => SUBMISSION.failed(interaction, error),
    }
}

/// Denies all that are waiting. Like every denial it counts even if Slack can't confirm who clicked.
pub(super) async fn deny(interaction: &Interaction<'_>, group: (ApprovalId, Alike)) -> Response {
    let acting_user = match interaction.rights().await {
        Ok((acting_user, _)) => acting_user,
        Err(_) => interaction.acting_user.clone(),
    };
    let whose = match may_decide(interaction, &acting_user, group).await {
        Ok(whose) => whose,
        Err(error) => return decided::<()>(interaction, Err(error)),
    };
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    let denying = async {
        let (found, _) =
            decide_together::alike(service, workspace, &whose, group, ChoiceForAll::Deny).await?;
        let ids: Vec<_> = found.iter().map(Approval::id).collect();
        let origin = interaction.origin();
        decide_together::decide_together(service, origin, &acting_user, &ids, ChoiceForAll::Deny).await
    };
    let result = within(denying).await;
    if let Ok(outcome) = &result {
        let told = match *outcome {
            Together { decided: 0, left: 0 } => together::NONE_LEFT.to_owned(),
            outcome => together::denied(outcome),
        };
        interaction.context.reply_privately(interaction.payload, told);
    }
    decided(interaction, result)
}

/// After a grant was given: offers to approve the other requests that it covers and that are waiting already. None of
/// them is approved without another click.
pub(super) fn offer(interaction: &Interaction<'_>, approval: &Approval, scope: Scope) {
    let alike = match scope {
        Scope::Once => return,
        Scope::Conversation => Alike::Conversation,
        Scope::Always => Alike::Action,
    };
    let context = interaction.context.clone();
    let (workspace, user) = (interaction.workspace.to_owned(), approval.request.user.clone());
    let (approval, Some(reply_to)) = (approval.clone(), context.reply_to(interaction.payload)) else {
        return;
    };
    interaction.context.background.spawn(async move {
        let group = (approval.id(), alike);
        match decide_together::alike(&context.service, &workspace, &user, group, ChoiceForAll::Approve).await
        {
            Ok((_, 0)) => {}
            Ok((_, count)) => context.ephemeral.send(reply_to, together::offer(&approval, alike, count)),
            Err(failure) => tracing::warn!(%failure, "Could not look for requests that a new grant covers"),
        }
    });
}
