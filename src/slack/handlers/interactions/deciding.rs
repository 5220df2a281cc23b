//! Approve and deny, on a prompt or on the Home tab.

use serde_json::json;

use crate::{
    domain::{
        approvals::Approval, decisions::Choice, grants::Scope, ids::ApprovalId, rejection::Rejection,
        text::Prose,
    },
    service::{decide, decide::Click},
    slack::{
        handlers::{
            interactions::interaction::{Interaction, decided},
            modals,
            time_limit::{UseCaseError, within},
        },
        inbound::response::Response,
        view::{controls::Callback, deny, notice, sentences},
    },
};

/// A denial. If Slack doesn't say who clicked, it counts all the same, by whoever's id the request carries: nothing that
/// an agent wants to do happens for it.
async fn denial(interaction: &Interaction<'_>, approval: ApprovalId) -> Click {
    let acting_user = match interaction.rights().await {
        Ok((acting_user, _)) => acting_user,
        Err(_) => interaction.acting_user.clone(),
    };
    Click {
        workspace: interaction.workspace.to_owned(),
        approval,
        acting_user,
        request: Some(interaction.payload.request()),
    }
}

/// Approves. It wants to know who approves, as of at most a minute ago. Without an answer nothing is decided, and they
/// are told so unless there is a better reason: it is another's to decide, or has ended.
pub(super) async fn approve(interaction: &Interaction<'_>, approval: ApprovalId, scope: Scope) -> Response {
    let (acting_user, why_unknown) = match interaction.rights().await {
        Ok((acting_user, _)) => (acting_user, None),
        Err(rejection) => (interaction.acting_user.clone(), Some(rejection)),
    };
    let click = Click {
        workspace: interaction.workspace.to_owned(),
        approval,
        acting_user,
        request: Some(interaction.payload.request()),
    };
    let result = match (decide(interaction, &click, Choice::Approve(scope)).await, why_unknown) {
        (Err(UseCaseError::Rejected(Rejection::LookupUnavailable)), Some(why)) => {
            Err(UseCaseError::Rejected(why))
        }
        (result, _) => result,
    };
    decided(interaction, result)
}

/// Decides in time for Slack, and learns of a prompt that was clicked and that we didn't know of.
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
    let (user, approval) = (&click.acting_user.user, click.approval);
    tracing::info!(%user, %approval, outcome, "Approval decided");
    let about = match &result {
        Ok(approval) => Some(approval.clone()),
        Err(UseCaseError::Rejected(Rejection::AlreadyEnded(approval))) => Some((**approval).clone()),
        Err(_) => None,
    };
    if let Some((approval, prompt)) = about.zip(interaction.payload.message()) {
        let service = interaction.context.service.clone();
        interaction.context.background.spawn(async move {
            if let Err(failure) = decide::adopt_prompt(&service, &approval, &prompt).await {
                tracing::warn!(%failure, "Could not store where a clicked prompt is");
            }
        });
    }
    result
}

/// Opens the modal that asks why. If it can't be opened in time, the approval is denied without a reason.
pub(super) async fn ask_why(interaction: &Interaction<'_>, approval: ApprovalId) -> Response {
    let click = denial(interaction, approval).await;
    let approval = match within(decide::may_deny(&interaction.context.service, &click)).await {
        Ok(Some(approval)) => approval,
        Ok(None) => return Response::Taken,
        Err(trouble) => return decided::<()>(interaction, Err(trouble)),
    };
    match interaction.open(deny::modal(&approval)).await {
        Ok(_) => {
            // Sent again, it would find the trigger used, and deny at once.
            let service = interaction.context.service.clone();
            interaction.context.background.spawn(async move {
                if let Err(failure) = decide::remember(&service, &click).await {
                    tracing::warn!(%failure, "Could not remember a click that opened a modal");
                }
            });
            Response::Taken
        }
        // The same click came before: its modal is open, and a reason may be being typed.
        Err(error) if modals::is_open(&error) => Response::Taken,
        Err(error) => {
            tracing::info!(%error, approval = %approval.id(), "Could not open the modal for a reason; \
                denying without one");
            decided(interaction, decide(interaction, &click, Choice::Deny(None)).await)
        }
    }
}

/// The modal for the reason was submitted.
pub(super) async fn submitted(interaction: &Interaction<'_>) -> Response {
    let payload = interaction.payload;
    let callback = payload.text("/view/callback_id").and_then(Callback::parse);
    let approval = payload.text("/view/private_metadata").and_then(|id| id.parse().ok());
    let (Some(Callback::Deny), Some(approval)) = (callback, approval) else { return Response::Taken };
    let typed =
        payload.typed(deny::REASON_BLOCK, deny::REASON_ACTION).map(str::trim).filter(|text| !text.is_empty());
    let reason = match typed.map(Prose::new).transpose() {
        Ok(reason) => reason,
        Err(fault) => return complain(&format!("The reason {fault}.")),
    };
    let click = denial(interaction, approval).await;
    match decide(interaction, &click, Choice::Deny(reason)).await {
        Ok(_) | Err(UseCaseError::Repeated) => Response::Taken,
        Err(UseCaseError::Rejected(rejection)) => {
            let view = notice::notice("Deny", sentences::sentence(&rejection));
            Response::Modal(json!({ "response_action": "update", "view": view }))
        }
        Err(UseCaseError::Ours) => complain(sentences::TRY_AGAIN),
        Err(UseCaseError::Unclear) => complain(sentences::UNCLEAR),
    }
}

/// Says beside the input what has to be done before the modal can be sent. Slack doesn't parse it.
fn complain(sentence: &str) -> Response {
    Response::Modal(json!({ "response_action": "errors", "errors": { deny::REASON_BLOCK: sentence } }))
}
