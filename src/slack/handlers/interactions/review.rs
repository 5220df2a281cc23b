//! *Review*: the requests of a conversation one at a time, in one modal. After each click that decides, it shows the next.

use serde_json::Value;

use crate::{
    domain::{
        decision::{Decision, Verdict},
        ids::{ApprovalId, UserId},
    },
    service::{
        ServiceError,
        shared_prompts::{self, Reviewed},
    },
    slack::{
        handlers::{
            interactions::interaction::{Interaction, looked},
            modals,
            time_limit::{UseCaseError, read, within},
        },
        inbound::response::Response,
        view::{
            controls::{Callback, Control},
            prompt_state::{PromptState, Reader},
            review::{self, Review},
            sentences,
        },
    },
};

/// The review in which the user clicked.
pub(super) fn current(interaction: &Interaction<'_>) -> Option<Review> {
    let payload = interaction.payload;
    let is_review = payload.text("/view/callback_id").and_then(Callback::parse) == Some(Callback::Review);
    is_review.then(|| payload.text("/view/private_metadata").and_then(Review::parse)).flatten()
}

/// Whether a click on this control may end the request that is shown.
pub(super) const fn decides(control: Control) -> bool {
    matches!(
        control,
        Control::Approve(_) | Control::ApproveMore { .. } | Control::Deny(_) | Control::DenyMore { .. }
    )
}

/// Opens the modal with the oldest request, or shows that one in the modal that is open.
pub(super) async fn open(interaction: &Interaction<'_>, like: ApprovalId) -> Response {
    let shown = async {
        let (acting_user, _) = interaction.rights().await.map_err(UseCaseError::Rejected)?;
        acting_user.must_be_member().map_err(UseCaseError::Rejected)?;
        let service = &interaction.context.service;
        within(shared_prompts::may_decide(service, interaction.origin(), &acting_user, like)).await?;
        read(render(interaction, Review::new(like), None)).await
    };
    let view = match shown.await {
        Ok(view) => view,
        Err(error) => return looked::<()>(interaction, Err(error)),
    };
    if current(interaction).is_some() {
        update(interaction, "/view/id", view).await;
        return Response::Taken;
    }
    interaction.show(view, "the review", sentences::TRY_AGAIN).await
}

/// Shows the request after this one, which stays as it is.
pub(super) async fn skip(interaction: &Interaction<'_>, at: ApprovalId) -> Response {
    let Some(review) = current(interaction) else { return Response::Taken };
    let shown = async {
        let (acting_user, _) = interaction.rights().await.map_err(UseCaseError::Rejected)?;
        acting_user.must_be_member().map_err(UseCaseError::Rejected)?;
        read(render(interaction, review, Some(at))).await
    };
    match shown.await {
        Ok(view) => update(interaction, "/view/id", view).await,
        Err(error) => return looked::<()>(interaction, Err(error)),
    }
    Response::Taken
}

/// Brings the review up to date after a click that may have decided: shows the next request if the one that was shown
/// has ended, and the same one again if not. `view` points to the modal's id in the payload.
pub(super) fn follow(interaction: &Interaction<'_>, review: Review, view: &'static str) {
    let Some(view_id) = interaction.payload.text(view).map(str::to_owned) else { return };
    let (context, workspace) = (interaction.context.clone(), interaction.workspace.to_owned());
    let user = interaction.acting_user.user.clone();
    interaction.context.background.spawn(async move {
        // A user who can't approve may deny, but sees no arguments of further requests.
        let person = context.people.identify(&workspace, &user).await;
        if let Err(rejection) = person.and_then(|(acting_user, _)| acting_user.must_be_member()) {
            tracing::info!(%user, code = rejection.code(), "The review shows no further request");
            return;
        }
        let followed = async {
            match shared_prompts::decision(&context.service, &workspace, review.at).await? {
                None => again(&context.service, &workspace, &user, review).await,
                Some(decision) => {
                    let review = counted(review, &decision, &user);
                    next(&context.service, &workspace, &user, review, Some(review.at)).await
                }
            }
        };
        let view = match followed.await {
            Ok(view) => view,
            Err(failure) => {
                tracing::warn!(%failure, approval = %review.at, "Could not read the next request of a review");
                return;
            }
        };
        if let Err(error) = modals::update(&context, &workspace, &view_id, None, &view).await {
            // The user may have closed the modal.
            tracing::info!(%error, approval = %review.at, "Could not update the review");
        }
    });
}

fn counted(review: Review, decision: &Decision, user: &UserId) -> Review {
    match &decision.verdict {
        Verdict::Approved { user: by, .. }
        | Verdict::ApprovedFor { user: by, .. }
        | Verdict::ApprovedEdited { user: by, .. }
            if by == user =>
        {
            Review { approved: review.approved + 1, ..review }
        }
        Verdict::ApprovedTogether(approvers) if approvers.last.clicked_by == *user => {
            Review { approved: review.approved + 1, ..review }
        }
        Verdict::Denied { user: by, .. } if by == user => Review { denied: review.denied + 1, ..review },
        _ => review,
    }
}

async fn render(
    interaction: &Interaction<'_>,
    review: Review,
    after: Option<ApprovalId>,
) -> Result<Value, ServiceError> {
    let service = &interaction.context.service;
    next(service, interaction.workspace, &interaction.acting_user.user, review, after).await
}

async fn next(
    service: &crate::service::Service,
    workspace: &str,
    user: &UserId,
    review: Review,
    after: Option<ApprovalId>,
) -> Result<Value, ServiceError> {
    let (found, total) = shared_prompts::next(service, workspace, user, review.like, after).await?;
    Ok(match found {
        Some(reviewed) => one(&reviewed, Review { at: reviewed.approval.id(), ..review }, service),
        None => review::finished(review, total),
    })
}

async fn again(
    service: &crate::service::Service,
    workspace: &str,
    user: &UserId,
    review: Review,
) -> Result<Value, ServiceError> {
    match shared_prompts::again(service, workspace, user, review.at).await? {
        Some(reviewed) => Ok(one(&reviewed, review, service)),
        None => next(service, workspace, user, review, Some(review.at)).await,
    }
}

fn one(reviewed: &Reviewed, review: Review, service: &crate::service::Service) -> Value {
    let shown = PromptState {
        approval: &reviewed.approval,
        standing: reviewed.around.eligibility,
        grant_live: reviewed.around.grant_live,
        requested: reviewed.around.requested,
        misused: reviewed.around.misused,
        precedent: reviewed.precedent.as_ref(),
        connect_url: reviewed.around.connect_url.as_deref(),
        reader: reviewed.why.as_ref().map_or(Reader::User, Reader::Approver),
        panel: None,
        now: service.now(),
    };
    review::review(&shown, review, reviewed.others)
}

async fn update(interaction: &Interaction<'_>, view: &str, shown: Value) {
    let view_id = interaction.payload.text(view).unwrap_or_default();
    if let Err(error) =
        modals::update(interaction.context, interaction.workspace, view_id, None, &shown).await
    {
        tracing::info!(%error, "Could not update the review");
    }
}
