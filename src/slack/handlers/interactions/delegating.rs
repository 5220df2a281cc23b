//! Delegation: the modal, its submission, and *End*.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::{
    domain::{
        delegations::{self as domain, DelegationReason, Wanted},
        ids::{DelegationId, UserId},
        rejection::Rejection,
    },
    service::{delegations, notifications},
    slack::{
        handlers::{
            context::Context,
            interactions::interaction::{Interaction, Submission, changed},
            modals,
            time_limit::{UseCaseError, read, within},
        },
        inbound::response::Response,
        view::{
            controls::Callback,
            delegation::{self as view, PERSON, REASON, UNTIL},
            sentences,
        },
    },
};

const SUBMISSION: Submission = Submission::changing("Delegation");

/// Renders the modal for a person.
pub(in crate::slack::handlers) async fn modal(
    context: &Context,
    workspace: &str,
    user: &UserId,
) -> Result<Value, UseCaseError> {
    let service = &context.service;
    let found = read(delegations::for_person(service, workspace, user)).await?;
    let zone = read(notifications::find(service, workspace, user)).await?.zone;
    Ok(view::modal(&found, domain::proposed_day(service.now(), zone)))
}

/// *Delegate…* on the Home tab.
pub(super) async fn open(interaction: &Interaction<'_>) -> Response {
    let shown = match modal(interaction.context, interaction.workspace, &interaction.acting_user.user).await {
        Ok(shown) => shown,
        Err(error) => return changed::<()>(interaction, Err(error)),
    };
    interaction.show(shown, "the delegation modal", sentences::SETTINGS_TRY_AGAIN).await
}

/// The person submitted the modal. Both people's membership is checked now.
pub(super) async fn submitted(interaction: &Interaction<'_>) -> Response {
    let payload = interaction.payload;
    let chosen =
        |block: &str, what: &str| payload.text(&format!("/view/state/values/{block}/{block}/{what}"));
    let Some(delegate) = chosen(PERSON, "selected_user").and_then(UserId::parse) else {
        return fault(PERSON, "Choose a person.");
    };
    let day = chosen(UNTIL, "selected_date").and_then(|day| day.parse::<NaiveDate>().ok());
    let reason = chosen(REASON, "value").map(str::trim).filter(|text| !text.is_empty());
    let reason = match reason.map(DelegationReason::new).transpose() {
        Ok(reason) => reason,
        Err(fault_of_text) => return fault(REASON, &format!("The reason {fault_of_text}.")),
    };
    match delegate_to(interaction, delegate, day, reason).await {
        Ok(delegation) => SUBMISSION.replaced(view::confirmed(&delegation)),
        Err(UseCaseError::Rejected(rejection @ (Rejection::OwnDelegate | Rejection::NoDelegate))) => {
            fault(PERSON, &sentences::settings(&rejection))
        }
        Err(UseCaseError::Rejected(rejection @ Rejection::DelegationTime)) => {
            fault(UNTIL, &sentences::settings(&rejection))
        }
        Err(error) => SUBMISSION.failed(interaction, error),
    }
}

async fn delegate_to(
    interaction: &Interaction<'_>,
    delegate: UserId,
    day: Option<NaiveDate>,
    reason: Option<DelegationReason>,
) -> Result<domain::Delegation, UseCaseError> {
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    let (acting_user, _) = interaction.rights().await.map_err(UseCaseError::Rejected)?;
    let people = &interaction.context.people;
    let (delegate, _) = people.identify(workspace, &delegate).await.map_err(UseCaseError::Rejected)?;
    let zone = read(notifications::find(service, workspace, &acting_user.user)).await?.zone;
    let until = day.and_then(|day| domain::end_of_day(day, zone));
    let until = until.ok_or(UseCaseError::Rejected(Rejection::DelegationTime))?;
    let wanted = Wanted { delegate, until, reason };
    within(delegations::begin(service, interaction.origin(), &acting_user, &wanted)).await
}

/// *End* in the modal: by either of the two. Like every revocation it works while Slack can't confirm who clicked.
pub(super) async fn end(interaction: &Interaction<'_>, delegation: DelegationId) -> Response {
    let user = &interaction.acting_user.user;
    let service = &interaction.context.service;
    let ended = within(delegations::end(service, interaction.origin(), user, delegation)).await;
    let is_modal =
        interaction.payload.text("/view/callback_id").and_then(Callback::parse) == Some(Callback::Delegate);
    if ended.is_ok()
        && is_modal
        && let Some(id) = interaction.payload.text("/view/id")
        && let Ok(shown) = modal(interaction.context, interaction.workspace, user).await
        && let Err(error) = modals::update(interaction.context, interaction.workspace, id, None, &shown).await
    {
        tracing::info!(%error, "Could not update the delegation modal");
    }
    changed(interaction, ended)
}

/// Shows an error at an input, which keeps the modal open. Slack doesn't parse its text.
fn fault(block: &str, sentence: &str) -> Response {
    Response::Modal(json!({ "response_action": "errors", "errors": { block: sentence } }))
}
