//! *Request auto-approval*, and what admins do with such requests. Rights are checked on every click.

use crate::{
    domain::{
        ids::{ActionId, UnlockRequestId, UserId},
        rejection::Rejection,
    },
    service::{
        self,
        unlock::{self, LockCommand, Seen},
        unlock_requests::{self, Answer},
    },
    slack::{
        handlers::{
            interactions::{
                interaction::{Interaction, changed},
                settings::{finish, refused, unconfirmed, update_modal},
            },
            time_limit::{UseCaseError, within},
            unconfirmed_revocation::Revoking,
        },
        inbound::response::Response,
        view::{controls::Screen, sentences},
    },
};

/// Sends the admins a request to unlock an action.
pub(super) async fn request(interaction: &Interaction<'_>, action: ActionId) -> Response {
    let result = match interaction.rights().await {
        Ok((acting_user, _)) => {
            within(unlock_requests::ask(
                &interaction.context.service,
                interaction.origin(),
                &acting_user,
                action,
            ))
            .await
        }
        Err(rejection) => refused(rejection),
    };
    let Ok(first) = result else { return finish(interaction, result) };
    if interaction.in_settings() {
        let screen = Screen::read(interaction.payload.text("/view/private_metadata").unwrap_or_default());
        update_modal(interaction, screen, Some(sentences::REQUESTED.to_owned()));
    } else if first {
        interaction.context.reply_privately(interaction.payload, sentences::REQUESTED.to_owned());
    }
    Response::Taken
}

/// An admin unlocks the requested action or declines.
pub(super) async fn answer(
    interaction: &Interaction<'_>,
    request: UnlockRequestId,
    answer: Answer,
) -> Response {
    let result = match admin(interaction).await {
        Ok(admin) => {
            within(unlock_requests::answer(
                &interaction.context.service,
                interaction.origin(),
                &admin,
                request,
                answer,
            ))
            .await
        }
        Err(error) => Err(error),
    };
    changed(interaction, result)
}

/// An admin unlocks, confirms or locks an action.
pub(super) async fn set(
    interaction: &Interaction<'_>,
    action: ActionId,
    command: (LockCommand, Seen),
) -> Response {
    let result = match admin(interaction).await {
        Ok(admin) => {
            within(unlock::set_by_admin(
                &interaction.context.service,
                interaction.origin(),
                action,
                command,
                &admin,
            ))
            .await
        }
        Err(error) => Err(error),
    };
    match result {
        Err(UseCaseError::Unclear) if command.0 == LockCommand::Lock => {
            unconfirmed(interaction, Revoking::Lock(action))
        }
        result => changed(interaction, result),
    }
}

/// The user who clicked, if they are an admin now. Anyone else gets an ephemeral reply, and the audit records the
/// attempt.
pub(super) async fn admin(interaction: &Interaction<'_>) -> Result<UserId, UseCaseError> {
    let (acting_user, is_admin) = interaction.rights().await.map_err(UseCaseError::Rejected)?;
    if is_admin {
        return Ok(acting_user.user);
    }
    within(service::settings::refuse_admin(
        &interaction.context.service,
        interaction.origin(),
        &acting_user.user,
    ))
    .await?;
    refused(Rejection::NotAdmin)
}
