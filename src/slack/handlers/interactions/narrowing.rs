//! *More options…*.

use serde_json::json;

use crate::{
    domain::{
        ids::ApprovalId,
        limits::{Period, Uses},
        narrowing::Choices,
    },
    service::narrowing::{self, Narrowable, Submitted},
    slack::{
        handlers::{
            interactions::{
                interaction::{Interaction, Submission, decided},
                review,
            },
            time_limit::{UseCaseError, within},
        },
        inbound::{payload::Payload, response::Response},
        view::{
            narrowing as view,
            review::{on_top, on_top_of},
            sentences,
        },
    },
};

const SUBMISSION: Submission = Submission::deciding(view::TITLE);

/// Opens the modal. It shows arguments, so Slack has to confirm who clicked.
pub(super) async fn open(interaction: &Interaction<'_>, approval: ApprovalId) -> Response {
    let acting_user = match interaction.rights().await {
        Ok((acting_user, _)) => acting_user,
        Err(rejection) => return decided::<()>(interaction, Err(UseCaseError::Rejected(rejection))),
    };
    let click = interaction.click(approval, acting_user);
    let Narrowable { approval, eligibility, suggestion } =
        match within(narrowing::open(&interaction.context.service, &click)).await {
            Ok(narrowable) => narrowable,
            Err(error) => return decided::<()>(interaction, Err(error)),
        };
    let mut view = view::modal(&approval, eligibility, suggestion.as_ref());
    if let Some(review) = review::current(interaction) {
        view = on_top(view, &approval, review);
    }
    interaction.show(view, "the modal for more options", sentences::TRY_AGAIN).await
}

/// The user submitted the modal. Like *Approve*, this needs a look-up of the user that is at most a minute old.
pub(super) async fn submitted(interaction: &Interaction<'_>) -> Response {
    let payload = interaction.payload;
    let metadata = payload.text("/view/private_metadata").and_then(on_top_of);
    let Some((approval, review)) = metadata else { return Response::Taken };
    let acting_user = match interaction.rights().await {
        Ok((acting_user, _)) => acting_user,
        Err(rejection) => return SUBMISSION.failed(interaction, UseCaseError::Rejected(rejection)),
    };
    let Ok(uses) = uses(payload) else {
        return Response::Modal(json!({
            "response_action": "errors", "errors": { view::USES: view::uses_error() }
        }));
    };
    let click = interaction.click(approval, acting_user);
    let choices = |request: &_| {
        let scope = view::scope(payload.entered(view::SCOPE, view::ACTION)?)?;
        let period = Period::from_name(payload.entered(view::PERIOD, view::ACTION)?)?;
        let fixed = view::chosen_arguments(request, &payload.checked_in(view::is_group, view::ACTION));
        let this_agent = !payload.checked_in(|id| id == view::AGENT, view::ACTION).is_empty();
        Some(Choices { scope, fixed, this_agent, period, uses })
    };
    let result = within(narrowing::submit(&interaction.context.service, &click, choices)).await;
    let outcome = match &result {
        Ok(Submitted::Approved) => "narrowed",
        Ok(Submitted::Fault(..)) => "invalid",
        Err(UseCaseError::Rejected(rejection)) => rejection.code(),
        Err(UseCaseError::Repeated) => "repeated",
        Err(UseCaseError::Ours) => "failed",
        Err(UseCaseError::Unclear) => "unclear",
    };
    metrics::counter!("countersign_clicks_total", "outcome" => outcome).increment(1);
    tracing::info!(user = %click.acting_user.user, %approval, outcome, "More options submitted");
    if let Some(review) = review.filter(|_| !matches!(result, Ok(Submitted::Fault(..)))) {
        review::follow(interaction, review, "/view/root_view_id");
    }
    match result {
        Ok(Submitted::Approved) => Response::Taken,
        Ok(Submitted::Fault(approval, fault)) => {
            let (block, why) = view::error(&approval.request, fault);
            Response::Modal(json!({ "response_action": "errors", "errors": { block: why } }))
        }
        Err(error) => SUBMISSION.failed(interaction, error),
    }
}

/// The number of uses. `None`: any number. An error if it is not a number that the modal offers.
fn uses(payload: &Payload) -> Result<Option<Uses>, ()> {
    match payload.entered(view::USES, view::ACTION).unwrap_or_default().trim() {
        "" => Ok(None),
        number => number.parse().ok().and_then(Uses::new).map(Some).ok_or(()),
    }
}
