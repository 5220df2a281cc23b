//! Admins unlock actions, and change what people may do with an action's requests. Rights are checked on every click.

use crate::{
    domain::{
        catalog::UnlockedFor,
        ids::{ActionId, ActionVersionId, UnlockRequestId},
        overview::OptionsLine,
        rejection::Rejection,
        shell::is_shell,
    },
    service::{
        action_options::{self, Options},
        unlock::{self, LockCommand, Seen},
        unlock_requests::{self, Answer},
    },
    slack::{
        handlers::{
            interactions::{
                interaction::{Interaction, Submission, changed},
                unlocking::{self, admin},
            },
            time_limit::{UseCaseError, read, within},
        },
        inbound::response::Response,
        view::{
            action_options::{self as view, Form, MUST_READ, UNLOCKED_FOR},
            sentences,
        },
    },
};

/// *Unlock* for an action. Of a destructive one, or one that runs any command, a modal asks what it is unlocked for.
pub(super) async fn unlock(
    interaction: &Interaction<'_>,
    action: ActionId,
    version: Option<ActionVersionId>,
) -> Response {
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    match look(interaction, read(action_options::look(service, workspace, action))).await {
        Ok(line) if asks(&line) => open(interaction, view::unlock(&line, None)).await,
        Ok(_) => {
            let command = LockCommand::Unlock(UnlockedFor::Always);
            unlocking::set(interaction, action, (command, Seen::on_button(version))).await
        }
        Err(error) => changed::<()>(interaction, Err(error)),
    }
}

/// *Unlock* on a request to unlock, in the same way.
pub(super) async fn grant_request(
    interaction: &Interaction<'_>,
    request: UnlockRequestId,
    version: Option<ActionVersionId>,
) -> Response {
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    match look(interaction, read(action_options::look_for_request(service, workspace, request))).await {
        Ok(Some(line)) if asks(&line) => open(interaction, view::unlock(&line, Some(request))).await,
        Ok(_) => {
            let answer = Answer::Unlock(UnlockedFor::Always, Seen::on_button(version));
            unlocking::answer(interaction, request, answer).await
        }
        Err(error) => changed::<()>(interaction, Err(error)),
    }
}

/// *Edit options for …*: opens the modal.
pub(super) async fn options(interaction: &Interaction<'_>, action: ActionId) -> Response {
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    match look(interaction, read(action_options::look(service, workspace, action))).await {
        Ok(line) => open(interaction, view::options(&line)).await,
        Err(error) => changed::<()>(interaction, Err(error)),
    }
}

/// Whether unlocking the action needs a choice.
fn asks(line: &OptionsLine) -> bool {
    line.unlocked.is_none() && (line.impact.is_destructive() || is_shell(&line.path))
}

/// Reads, if the user who clicked is an admin now.
async fn look<T>(
    interaction: &Interaction<'_>,
    reading: impl Future<Output = Result<T, UseCaseError>>,
) -> Result<T, UseCaseError> {
    admin(interaction).await?;
    reading.await
}

async fn open(interaction: &Interaction<'_>, modal: serde_json::Value) -> Response {
    interaction.show(modal, "an action's options", sentences::SETTINGS_TRY_AGAIN).await
}

/// The admin submitted the modal behind *Unlock*.
pub(super) async fn unlock_submitted(interaction: &Interaction<'_>) -> Response {
    let Some((form, Some(Some(what)))) = submitted(interaction) else { return Response::Taken };
    let (service, seen) = (&interaction.context.service, Seen::Version(form.version));
    let result = match (admin(interaction).await, form.request) {
        (Err(error), _) => Err(error),
        (Ok(admin), Some(request)) => {
            let answer = Answer::Unlock(what, seen);
            within(unlock_requests::answer(service, interaction.origin(), &admin, request, answer)).await
        }
        (Ok(admin), None) => {
            let command = (LockCommand::Unlock(what), seen);
            within(unlock::set_by_admin(service, interaction.origin(), form.action, command, &admin))
                .await
                .and_then(|changed| {
                    // Another admin has unlocked it since, perhaps for something else.
                    if changed { Ok(()) } else { Err(UseCaseError::Rejected(Rejection::ChangedSinceShown)) }
                })
        }
    };
    closed(interaction, "Unlock", result)
}

/// The admin submitted the modal behind *Edit options for …*. Only what they changed is changed.
pub(super) async fn options_submitted(interaction: &Interaction<'_>) -> Response {
    let Some((form, what)) = submitted(interaction) else { return Response::Taken };
    let chosen = interaction.payload.text(&selected(MUST_READ)).and_then(view::must_read);
    let command = match (form.unlocked, what.flatten()) {
        (before, now) if before == now => None,
        (None, Some(what)) => Some(LockCommand::Unlock(what)),
        (Some(_), Some(what)) => Some(LockCommand::SetFor(what)),
        // Locking has a button of its own, which asks first.
        (_, None) => None,
    };
    let options = Options { command, must_read: chosen.filter(|chosen| *chosen != form.must_read) };
    if options == Options::default() {
        return Response::Taken;
    }
    let result = match admin(interaction).await {
        Ok(admin) => {
            let (service, seen) = (&interaction.context.service, Seen::Version(form.version));
            let setting = action_options::set_by_admin(
                service,
                interaction.origin(),
                form.action,
                (options, seen),
                &admin,
            );
            within(setting).await
        }
        Err(error) => Err(error),
    };
    closed(interaction, "Options", result)
}

/// What the modal was rendered with, and what the admin chose.
#[expect(clippy::option_option, reason = "the inner one is the choice to keep it locked")]
fn submitted(interaction: &Interaction<'_>) -> Option<(Form, Option<Option<UnlockedFor>>)> {
    let form = interaction.payload.text("/view/private_metadata").and_then(Form::read)?;
    let what = interaction.payload.text(&selected(UNLOCKED_FOR)).and_then(view::unlocked_for);
    Some((form, what))
}

fn selected(id: &str) -> String {
    format!("/view/state/values/{id}/{id}/selected_option/value")
}

/// Closes the modal, or says why nothing was changed.
fn closed(interaction: &Interaction<'_>, title: &'static str, result: Result<(), UseCaseError>) -> Response {
    match result {
        Ok(()) => Response::Taken,
        Err(error) => Submission::changing(title).failed(interaction, error),
    }
}
