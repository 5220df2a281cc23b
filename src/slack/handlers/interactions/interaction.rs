//! One interaction, and how its outcome is answered.

use serde_json::Value;

use crate::{
    domain::{people::ActingUser, rejection::Rejection},
    service::workspaces::Origin,
    slack::{
        handlers::{context::Context, modals, time_limit::UseCaseError},
        inbound::{payload::Payload, response::Response},
        view::{controls::Callback, sentences},
        web_api::error::CallError,
    },
};

/// An interaction: who did what, in which workspace.
pub(super) struct Interaction<'a> {
    pub(super) context: &'a Context,
    pub(super) payload: &'a Payload,
    /// Slack's id of the workspace.
    pub(super) workspace: &'a str,
    pub(super) acting_user: ActingUser,
}

impl Interaction<'_> {
    /// Completes who clicked with what Slack says of them, as of at most a minute ago. Without an answer nothing that
    /// needs rights is done.
    pub(super) async fn rights(&self) -> Result<(ActingUser, bool), Rejection> {
        self.context.people.identify(self.workspace, &self.acting_user.user).await
    }

    /// Where what it leads to comes from.
    pub(super) fn origin(&self) -> Origin<'_> {
        Origin { workspace: self.workspace, request: Some(self.payload.request()) }
    }

    /// Whether the click was made in the settings modal.
    pub(super) fn in_settings(&self) -> bool {
        self.payload.text("/view/callback_id").and_then(Callback::parse) == Some(Callback::Settings)
    }

    pub(super) async fn open(&self, view: Value) -> Result<Value, CallError> {
        modals::open(self.context, self.workspace, self.payload.trigger().unwrap_or_default(), &view).await
    }
}

/// Answers a click that decides: where nothing was decided, privately why.
pub(super) fn decided<T>(interaction: &Interaction<'_>, result: Result<T, UseCaseError>) -> Response {
    answered(interaction, result, sentences::sentence, sentences::TRY_AGAIN)
}

/// Answers a click that looks at a request, in the same way.
pub(super) fn looked<T>(interaction: &Interaction<'_>, result: Result<T, UseCaseError>) -> Response {
    answered(interaction, result, sentences::looking, sentences::TRY_AGAIN)
}

/// Answers a click that changes settings or rights, in the same way.
pub(super) fn changed<T>(interaction: &Interaction<'_>, result: Result<T, UseCaseError>) -> Response {
    answered(interaction, result, sentences::settings, sentences::SETTINGS_TRY_AGAIN)
}

fn answered<T>(
    interaction: &Interaction<'_>,
    result: Result<T, UseCaseError>,
    why: impl FnOnce(&Rejection) -> String,
    try_again: &str,
) -> Response {
    match result {
        Ok(_) | Err(UseCaseError::Repeated) => Response::Taken,
        Err(UseCaseError::Rejected(rejection)) => {
            interaction.context.reply_privately(interaction.payload, why(&rejection));
            Response::Taken
        }
        Err(UseCaseError::Ours) => {
            interaction.context.reply_privately(interaction.payload, try_again.to_owned());
            Response::Failed
        }
        Err(UseCaseError::Unclear) => {
            interaction.context.reply_privately(interaction.payload, sentences::UNCLEAR.to_owned());
            Response::Failed
        }
    }
}
