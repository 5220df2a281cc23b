//! *Edit and approve…*.

use serde_json::json;

use crate::{
    domain::{ids::ApprovalId, rejection::Rejection},
    service::editing::{self, Editable, Submitted},
    slack::{
        handlers::{
            interactions::{
                interaction::{Interaction, Submission, decided},
                review,
            },
            time_limit::{UseCaseError, within},
        },
        inbound::response::Response,
        view::{
            editing as view,
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
    let Editable { approval, schema } =
        match within(editing::open(&interaction.context.service, &click)).await {
            Ok(editable) => editable,
            Err(error) => return decided::<()>(interaction, Err(error)),
        };
    let Some(mut view) = view::modal(&approval, &schema) else {
        return decided::<()>(interaction, Err(UseCaseError::Rejected(Rejection::NotEditable)));
    };
    if let Some(review) = review::current(interaction) {
        view = on_top(view, &approval, review);
    }
    interaction.show(view, "the modal for changes", sentences::TRY_AGAIN).await
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
    let click = interaction.click(approval, acting_user);
    let entered = |key: &str| payload.entered(&view::block_id(key), view::ACTION).map(str::to_owned);
    let result = within(editing::submit(&interaction.context.service, &click, entered)).await;
    let outcome = match &result {
        Ok(Submitted::Approved { changed: true }) => "edited",
        Ok(Submitted::Approved { changed: false }) => "decided",
        Ok(Submitted::Faults(..)) => "invalid",
        Err(UseCaseError::Rejected(rejection)) => rejection.code(),
        Err(UseCaseError::Repeated) => "repeated",
        Err(UseCaseError::Ours) => "failed",
        Err(UseCaseError::Unclear) => "unclear",
    };
    metrics::counter!("countersign_clicks_total", "outcome" => outcome).increment(1);
    tracing::info!(user = %click.acting_user.user, %approval, outcome, "Edited arguments submitted");
    if let Some(review) = review.filter(|_| !matches!(result, Ok(Submitted::Faults(..)))) {
        review::follow(interaction, review, "/view/root_view_id");
    }
    match result {
        Ok(Submitted::Approved { changed: true }) => Response::Taken,
        Ok(Submitted::Approved { changed: false }) => SUBMISSION.replaced(view::UNCHANGED.to_owned()),
        Ok(Submitted::Faults(editable, faults)) => {
            let errors = view::errors(&editable.approval, &editable.schema, faults);
            Response::Modal(json!({ "response_action": "errors", "errors": errors }))
        }
        Err(error) => SUBMISSION.failed(interaction, error),
    }
}
