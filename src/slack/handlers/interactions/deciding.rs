//! Approve and deny, on a prompt or on the Home tab.

use serde_json::json;

use crate::{
    domain::{
        approvals::Approval, decision::DenialReason, decisions::Choice, grants::Scope, ids::ApprovalId,
        rejection::Rejection, text::Prose,
    },
    service::decide::{self, Click},
    slack::{
        handlers::{
            interactions::{
                interaction::{Interaction, Submission, decided},
                recipient, review, together,
            },
            modals,
            time_limit::{UseCaseError, within},
        },
        inbound::response::Response,
        view::{self, deny, rows},
    },
};

/// A denial. It counts even if Slack can't confirm who clicked: the user id in the payload is enough, since a denial
/// only prevents what an agent wants to do.
async fn denial(interaction: &Interaction<'_>, approval: ApprovalId) -> Click {
    let acting_user = match interaction.rights().await {
        Ok((acting_user, _)) => acting_user,
        Err(_) => interaction.acting_user.clone(),
    };
    interaction.click(approval, acting_user)
}

/// Approves, after a look-up of the user that is at most a minute old. If Slack does not answer, nothing is approved.
/// The user is told so, unless a more precise reason exists: the request belongs to another user or has ended.
pub(super) async fn approve(interaction: &Interaction<'_>, approval: ApprovalId, scope: Scope) -> Response {
    let (acting_user, why_unknown) = match interaction.rights().await {
        Ok((acting_user, _)) => (acting_user, None),
        Err(rejection) => (interaction.acting_user.clone(), Some(rejection)),
    };
    let click = interaction.click(approval, acting_user);
    let result = match (decide(interaction, &click, Choice::Approve(scope)).await, why_unknown) {
        (Err(UseCaseError::Rejected(Rejection::LookupUnavailable)), Some(why)) => {
            Err(UseCaseError::Rejected(why))
        }
        (result, _) => result,
    };
    if let Ok(approval) = &result {
        together::offer(interaction, approval, scope);
    }
    decided(interaction, result)
}

/// Decides before Slack's time limit, and stores where the prompt is if the service did not know the clicked message.
async fn decide(
    interaction: &Interaction<'_>,
    click: &Click,
    choice: Choice,
) -> Result<Approval, UseCaseError> {
    let result = within(decide::decide(&interaction.context.service, click, &choice)).await;
    let outcome = match &result {
        Ok(_) => "decided",
        Err(UseCaseError::Rejected(rejection)) => rejection.code(),
        Err(UseCaseError::Repeated) => "repeated",
        Err(UseCaseError::Ours) => "failed",
        Err(UseCaseError::Unclear) => "unclear",
    };
    metrics::counter!("countersign_clicks_total", "outcome" => outcome).increment(1);
    // The list of what waits stays as it is. The prompt, wherever it is, shows the decision.
    if let Ok(approval) = &result
        && interaction.payload.is_ephemeral()
        && let Some(told) = rows::decided(approval)
    {
        interaction.context.reply_privately(interaction.payload, told);
    }
    let (user, approval) = (&click.acting_user.user, click.approval);
    tracing::info!(%user, %approval, outcome, "Approval decided");
    let about = match &result {
        Ok(approval) => Some(approval.clone()),
        Err(UseCaseError::Rejected(Rejection::AlreadyEnded(approval))) => Some((**approval).clone()),
        Err(_) => None,
    };
    if let Some((approval, prompt)) = about.zip(interaction.payload.message()) {
        let service = interaction.context.service.clone();
        let approver = recipient::approver(&approval, &click.acting_user.user, &prompt);
        interaction.context.background.spawn(async move {
            if let Err(failure) = decide::adopt_prompt(&service, &approval, approver.as_ref(), &prompt).await
            {
                tracing::warn!(%failure, "Could not store where a clicked prompt is");
            }
        });
    }
    result
}

/// Denies at once.
pub(super) async fn deny(
    interaction: &Interaction<'_>,
    approval: ApprovalId,
    reason: Option<DenialReason>,
) -> Response {
    let click = denial(interaction, approval).await;
    let reason = reason.map(DenialReason::to_prose);
    decided(interaction, decide(interaction, &click, Choice::Deny(reason)).await)
}

/// Opens the modal that asks for a reason. If it can't be opened in time, the approval is denied without one.
pub(super) async fn ask_why(interaction: &Interaction<'_>, approval: ApprovalId) -> Response {
    let click = denial(interaction, approval).await;
    let approval = match within(decide::may_deny(&interaction.context.service, &click)).await {
        Ok(Some(approval)) => approval,
        Ok(None) => return Response::Taken,
        Err(error) => return decided::<()>(interaction, Err(error)),
    };
    let modal = match review::current(interaction) {
        Some(review) => view::review::on_top(deny::modal(&approval), &approval, review),
        None => deny::modal(&approval),
    };
    match interaction.open(modal).await {
        Ok(_) => {
            // Slack's retry would find its trigger used, and would deny at once.
            let service = interaction.context.service.clone();
            interaction.context.background.spawn(async move {
                if let Err(failure) = decide::remember(&service, &click).await {
                    tracing::warn!(%failure, "Could not remember a click that opened a modal");
                }
            });
            Response::Taken
        }
        // An earlier delivery of the same click opened the modal, and the user may be typing a reason in it.
        Err(error) if modals::is_open(&error) => Response::Taken,
        Err(error) => {
            tracing::info!(%error, approval = %approval.id(), "Could not open the modal for a reason; \
                denying without one");
            decided(interaction, decide(interaction, &click, Choice::Deny(None)).await)
        }
    }
}

/// The user submitted the modal with the reason.
pub(super) async fn submitted(interaction: &Interaction<'_>) -> Response {
    let payload = interaction.payload;
    let metadata = payload.text("/view/private_metadata").and_then(view::review::on_top_of);
    let Some((approval, review)) = metadata else { return Response::Taken };
    let typed =
        payload.typed(deny::REASON_BLOCK, deny::REASON_ACTION).map(str::trim).filter(|text| !text.is_empty());
    let reason = match typed.map(Prose::new).transpose() {
        Ok(reason) => reason,
        Err(fault) => return input_error(&format!("The reason {fault}.")),
    };
    let click = denial(interaction, approval).await;
    let result = decide(interaction, &click, Choice::Deny(reason)).await;
    if let Some(review) = review {
        review::follow(interaction, review, "/view/root_view_id");
    }
    match result {
        Ok(_) => Response::Taken,
        Err(error) => Submission::deciding("Deny").failed(interaction, error),
    }
}

/// Shows an error at the input, which keeps the modal open. Slack doesn't parse its text.
fn input_error(sentence: &str) -> Response {
    Response::Modal(json!({ "response_action": "errors", "errors": { deny::REASON_BLOCK: sentence } }))
}
