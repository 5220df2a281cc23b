//! Admins see what all users auto-approve, and revoke it. Rights are checked on every click.

use crate::{
    domain::{
        ids::{GrantId, UserId},
        rejection::Rejection,
        revocation::RevocationReason,
    },
    service::revoke_grants::{self, GrantChoice},
    slack::{
        handlers::{
            interactions::{
                interaction::{Interaction, Submission, changed},
                unlocking::admin,
            },
            modals,
            time_limit::{UseCaseError, read, within},
        },
        inbound::response::Response,
        view::{
            controls::Callback,
            everyones_grants::{self as view, Form, Listed, REASON},
            sentences,
        },
    },
};

/// *Auto-approvals…* on the Home tab opens the list. In the list, *Everyone* shows those of all users again.
pub(super) async fn open(interaction: &Interaction<'_>) -> Response {
    if interaction.payload.text("/view/callback_id").and_then(Callback::parse)
        == Some(Callback::EveryonesGrants)
    {
        return show(interaction, Listed::default()).await;
    }
    let shown = match rendered(interaction, Listed::default()).await {
        Ok(shown) => shown,
        Err(error) => return changed::<()>(interaction, Err(error)),
    };
    interaction.show(shown, "the auto-approvals of all users", sentences::SETTINGS_TRY_AGAIN).await
}

/// The menu of users: shows those of one.
pub(super) async fn pick(interaction: &Interaction<'_>) -> Response {
    let user = interaction.payload.text("/actions/0/selected_user").and_then(UserId::parse);
    show(interaction, Listed { user, page: 0 }).await
}

/// Shows another page.
pub(super) async fn turn(interaction: &Interaction<'_>, page: usize) -> Response {
    let listed = Listed::read(interaction.payload.text("/view/private_metadata").unwrap_or_default());
    show(interaction, Listed { page, ..listed }).await
}

/// *Revoke…*: asks why.
pub(super) async fn ask_why(interaction: &Interaction<'_>, grant: GrantId) -> Response {
    let listed = Listed::read(interaction.payload.text("/view/private_metadata").unwrap_or_default());
    let found = async {
        admin(interaction).await?;
        let (service, workspace) = (&interaction.context.service, interaction.workspace);
        read(revoke_grants::one(service, workspace, grant)).await
    };
    let shown = match found.await {
        Ok(grant) => view::revoke(&grant, listed),
        // It ended since the list was rendered.
        Err(UseCaseError::Rejected(Rejection::UnknownGrant)) => return show(interaction, listed).await,
        Err(error) => return changed::<()>(interaction, Err(error)),
    };
    interaction.show(shown, "the reason of a revocation", sentences::SETTINGS_TRY_AGAIN).await
}

/// The admin submitted the modal behind *Revoke…*. The list below it is rendered again.
pub(super) async fn submitted(interaction: &Interaction<'_>) -> Response {
    let payload = interaction.payload;
    let Some(form) = payload.text("/view/private_metadata").and_then(Form::read) else {
        return Response::Taken;
    };
    let written = payload.text(&format!("/view/state/values/{REASON}/{REASON}/value"));
    // Slack itself limits the length.
    let reason = written.and_then(|text| RevocationReason::new(text.trim()).ok());
    let result = match admin(interaction).await {
        Ok(admin) => {
            let which = GrantChoice::One(form.grant);
            let (service, origin) = (&interaction.context.service, interaction.origin());
            within(revoke_grants::revoke_by_admin(service, origin, &which, reason.as_ref(), &admin)).await
        }
        Err(error) => Err(error),
    };
    match result {
        // It ended already, which is what the admin wants.
        Ok(_) | Err(UseCaseError::Rejected(Rejection::UnknownGrant)) => {
            refresh(interaction, form.listed).await;
            Response::Taken
        }
        Err(error) => Submission::changing("Revoke").failed(interaction, error),
    }
}

/// Updates the list under the modal that was submitted. It is out of date until then, which harms nothing.
async fn refresh(interaction: &Interaction<'_>, listed: Listed) {
    let Some(list) = interaction.payload.text("/view/previous_view_id") else { return };
    let Ok(shown) = rendered(interaction, listed).await else { return };
    let updated = modals::update(interaction.context, interaction.workspace, list, None, &shown).await;
    if let Err(error) = updated {
        tracing::info!(%error, "Could not update the list of auto-approvals");
    }
}

async fn show(interaction: &Interaction<'_>, listed: Listed) -> Response {
    let shown = match rendered(interaction, listed).await {
        Ok(shown) => shown,
        Err(error) => return changed::<()>(interaction, Err(error)),
    };
    let view_id = interaction.payload.text("/view/id").unwrap_or_default();
    let hash = interaction.payload.text("/view/hash");
    let updated = modals::update(interaction.context, interaction.workspace, view_id, hash, &shown).await;
    if let Err(error) = updated {
        tracing::warn!(%error, "Could not show a page of auto-approvals");
    }
    Response::Taken
}

/// The list, if the user who clicked is an admin now.
async fn rendered(interaction: &Interaction<'_>, listed: Listed) -> Result<serde_json::Value, UseCaseError> {
    admin(interaction).await?;
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    let page = read(revoke_grants::page(service, workspace, listed.user, listed.page)).await?;
    Ok(view::list(&page))
}
