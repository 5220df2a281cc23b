//! Toggles, gears and *Turn off*. They always apply to the settings of the user who clicked.

use crate::{
    domain::{
        ids::{ActionId, ApiKeyId, GrantId, IntegrationId},
        notifications::Change,
        people::ActingUser,
        rejection::Rejection,
        settings::Toggle,
    },
    service::{self, settings::Changed},
    slack::{
        handlers::{
            interactions::interaction::{Interaction, changed},
            modals::{self, OpenModal},
            time_limit::{UseCaseError, within},
            unconfirmed_revocation::{Revoking, retry_until_confirmed},
        },
        inbound::response::Response,
        view::{controls::Screen, digest, sentences},
        web_api::client::PATIENT,
    },
};

/// The toggle *Auto-approve always*. It is saved before the response; the modal is then updated to show the stored
/// state.
pub(super) async fn toggle(interaction: &Interaction<'_>, action: ActionId, toggle: Toggle) -> Response {
    let result = match interaction.rights().await {
        Ok((acting_user, _)) => set(interaction, &acting_user, action, toggle).await,
        // A user whom Slack can't look up may still revoke what they allowed.
        Err(_) if toggle == Toggle::Off => set(interaction, &interaction.acting_user, action, toggle).await,
        Err(rejection) => Err(UseCaseError::Rejected(rejection)),
    };
    match result {
        Err(UseCaseError::Unclear) if toggle == Toggle::Off => {
            unconfirmed(interaction, Revoking::Action(action, interaction.payload.clicked_at()))
        }
        result => finish(interaction, result),
    }
}

/// Tells the user that the database did not confirm the revocation in time, and keeps retrying it in the background.
pub(super) fn unconfirmed(interaction: &Interaction<'_>, what: Revoking) -> Response {
    retry_until_confirmed(
        interaction.context,
        interaction.payload,
        interaction.workspace,
        &interaction.acting_user.user,
        what,
    );
    if interaction.in_settings() {
        update_modal(interaction, screen(interaction), Some(sentences::UNCONFIRMED.to_owned()));
    } else {
        interaction.context.reply_privately(interaction.payload, sentences::UNCONFIRMED.to_owned());
    }
    Response::Failed
}

async fn set(
    interaction: &Interaction<'_>,
    acting_user: &ActingUser,
    action: ActionId,
    toggle: Toggle,
) -> Result<Changed, UseCaseError> {
    let at = interaction.payload.clicked_at();
    within(service::settings::set(
        &interaction.context.service,
        interaction.origin(),
        acting_user,
        action,
        toggle,
        at,
    ))
    .await
}

/// *Turn off* for one grant, on a prompt, the Home tab or in the settings modal.
pub(super) async fn turn_off(interaction: &Interaction<'_>, grant: GrantId) -> Response {
    let user = &interaction.acting_user.user;
    match within(service::turn_off::turn_off(&interaction.context.service, interaction.origin(), user, grant))
        .await
    {
        Err(UseCaseError::Unclear) => unconfirmed(interaction, Revoking::Grant(grant)),
        result => finish(interaction, result),
    }
}

/// *Revoke* for one of the user's own API keys, on the Home tab.
pub(super) async fn revoke_key(interaction: &Interaction<'_>, key: ApiKeyId) -> Response {
    let user = &interaction.acting_user.user;
    let service = &interaction.context.service;
    match within(service::user_keys::revoke_own(service, interaction.origin(), user, key)).await {
        Err(UseCaseError::Unclear) => unconfirmed(interaction, Revoking::Key(key)),
        result => finish(interaction, result),
    }
}

/// *Turn off* in a digest. A reply says what happened, and the message loses the button.
pub(super) async fn turn_off_reported(interaction: &Interaction<'_>, grant: GrantId) -> Response {
    let user = &interaction.acting_user.user;
    match within(service::turn_off::turn_off(&interaction.context.service, interaction.origin(), user, grant))
        .await
    {
        Err(UseCaseError::Unclear) => unconfirmed(interaction, Revoking::Grant(grant)),
        Ok(()) => {
            interaction.context.reply_privately(interaction.payload, sentences::TURNED_OFF.to_owned());
            update_digest(interaction);
            Response::Taken
        }
        result => finish(interaction, result),
    }
}

/// Updates a digest in which *Turn off* was clicked. Which calls it counted is stored for the last one only, so the
/// message is the one that Slack sent with the click.
fn update_digest(interaction: &Interaction<'_>) {
    let payload = interaction.payload;
    let value = payload.text("/actions/0/value").unwrap_or_default();
    let shown = digest::turned_off(&payload.value()["message"], value);
    let Some((mut body, place)) = shown.zip(payload.message()) else { return };
    body["channel"] = place.channel.into();
    body["ts"] = place.ts.into();
    let (context, workspace) = (interaction.context.clone(), interaction.workspace.to_owned());
    interaction.context.background.spawn(async move {
        if let Err(error) = context.client.post(&workspace, "chat.update", &body, PATIENT).await {
            // The reply said what happened.
            tracing::info!(%error, "Could not update a digest");
        }
    });
}

/// A change of what the user is told without having asked. It permits nothing, so no rights are needed.
pub(super) async fn notify(interaction: &Interaction<'_>, change: Change) -> Response {
    let user = &interaction.acting_user.user;
    let service = &interaction.context.service;
    finish(
        interaction,
        within(service::notifications::change(service, interaction.origin(), user, change)).await,
    )
}

/// *Notifications…*: opens the settings.
pub(super) async fn open(interaction: &Interaction<'_>) -> Response {
    open_at(interaction, Screen::default()).await
}

/// Responds to a change of settings: updates the modal if the click was in it, otherwise sends an ephemeral reply.
pub(super) fn finish<T>(interaction: &Interaction<'_>, result: Result<T, UseCaseError>) -> Response {
    if !interaction.in_settings() {
        return changed(interaction, result);
    }
    let (note, answer) = match result {
        Ok(_) | Err(UseCaseError::Repeated) => (None, Response::Taken),
        Err(UseCaseError::Rejected(rejection)) => (Some(sentences::settings(&rejection)), Response::Taken),
        Err(UseCaseError::Ours) => (Some(sentences::SETTINGS_TRY_AGAIN.to_owned()), Response::Failed),
        Err(UseCaseError::Unclear) => (Some(sentences::UNCLEAR.to_owned()), Response::Failed),
    };
    update_modal(interaction, screen(interaction), note);
    answer
}

/// Shows a page of the modal in which the user clicked.
pub(super) fn show(interaction: &Interaction<'_>, screen: Screen) -> Response {
    update_modal(interaction, screen, None);
    Response::Taken
}

/// Updates the modal in which the user clicked, with a sentence above its content.
pub(super) fn update_modal(interaction: &Interaction<'_>, screen: Screen, note: Option<String>) {
    let Some(view_id) = interaction.payload.text("/view/id") else { return };
    let (workspace, user) = (interaction.workspace.to_owned(), interaction.acting_user.user.clone());
    let hash = interaction.payload.text("/view/hash").map(str::to_owned);
    let modal = OpenModal { view_id: view_id.to_owned(), hash };
    modals::update_settings(interaction.context, workspace, user, screen, note, modal);
}

/// The page of the settings on which the user clicked. It only says which page to show.
fn screen(interaction: &Interaction<'_>) -> Screen {
    Screen::read(interaction.payload.text("/view/private_metadata").unwrap_or_default())
}

/// The gear: opens the modal, or shows the integration in the modal that is open.
pub(super) async fn open_gear(interaction: &Interaction<'_>, integration: IntegrationId) -> Response {
    let screen = Screen { integration: Some(integration), page: 0 };
    if interaction.in_settings() {
        return show(interaction, screen);
    }
    open_at(interaction, screen).await
}

async fn open_at(interaction: &Interaction<'_>, screen: Screen) -> Response {
    let trigger = interaction.payload.trigger().unwrap_or_default();
    let (workspace, user) = (interaction.workspace, &interaction.acting_user.user);
    if let Err(error) = modals::open_settings(interaction.context, workspace, user, trigger, screen).await {
        tracing::warn!(%error, "Could not open the settings");
        interaction.context.reply_privately(interaction.payload, sentences::SETTINGS_TRY_AGAIN.to_owned());
    }
    Response::Taken
}

/// The result for a user whose role does not permit the change.
pub(super) const fn refused<T>(rejection: Rejection) -> Result<T, UseCaseError> {
    Err(UseCaseError::Rejected(rejection))
}
