//! One interaction, and the responses to its outcome.

use serde_json::{Value, json};

use crate::{
    domain::{ids::ApprovalId, people::ActingUser, rejection::Rejection},
    service::{decide::Click, workspaces::Origin},
    slack::{
        handlers::{context::Context, modals, time_limit::UseCaseError},
        inbound::{payload::Payload, response::Response},
        view::{controls::Callback, notice, sentences},
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
    /// The user with what Slack says about them, as of at most a minute ago, and whether they are an admin. An error
    /// stops everything that needs rights.
    pub(super) async fn rights(&self) -> Result<(ActingUser, bool), Rejection> {
        self.context.people.identify(self.workspace, &self.acting_user.user).await
    }

    /// The request that the click came with, for repeat detection and the audit.
    pub(super) fn origin(&self) -> Origin<'_> {
        Origin { workspace: self.workspace, request: Some(self.payload.request()) }
    }

    /// Whether the user clicked in the settings modal.
    pub(super) fn in_settings(&self) -> bool {
        self.payload.text("/view/callback_id").and_then(Callback::parse) == Some(Callback::Settings)
    }

    /// Opens a modal, on top of the one in which the user clicked if there is one.
    pub(super) async fn open(&self, view: Value) -> Result<Value, CallError> {
        let trigger = self.payload.trigger().unwrap_or_default();
        if self.payload.text("/view/type") == Some("modal") {
            return modals::push(self.context, self.workspace, trigger, &view).await;
        }
        modals::open(self.context, self.workspace, trigger, &view).await
    }

    /// Opens a modal and responds to the click. A repeated click whose first delivery opened it changes nothing; after
    /// another error an ephemeral reply says `try_again`. `modal`: what it is, for the log.
    pub(super) async fn show(&self, view: Value, modal: &'static str, try_again: &str) -> Response {
        match self.open(view).await {
            Ok(_) => {}
            Err(error) if modals::is_open(&error) => {}
            Err(error) => {
                tracing::warn!(%error, modal, "Could not open a modal");
                self.context.reply_privately(self.payload, try_again.to_owned());
            }
        }
        Response::Taken
    }

    /// The click on an approval, by a user who was looked up.
    pub(super) fn click(&self, approval: ApprovalId, acting_user: ActingUser) -> Click {
        Click {
            workspace: self.workspace.to_owned(),
            approval,
            acting_user,
            request: Some(self.payload.request()),
        }
    }
}

/// Responds to a click that decides. If nothing was decided, an ephemeral reply says why.
pub(super) fn decided<T>(interaction: &Interaction<'_>, result: Result<T, UseCaseError>) -> Response {
    answered(interaction, result, sentences::sentence, sentences::TRY_AGAIN)
}

/// Responds to a click that shows a request. If it can't be shown, an ephemeral reply says why.
pub(super) fn looked<T>(interaction: &Interaction<'_>, result: Result<T, UseCaseError>) -> Response {
    answered(interaction, result, sentences::looking, sentences::TRY_AGAIN)
}

/// Responds to a click that changes settings or rights. If nothing changed, an ephemeral reply says why.
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

/// The title of a modal, and what it says where a submission failed.
pub(super) struct Submission {
    pub(super) title: &'static str,
    /// Why a rule refused it.
    pub(super) why: fn(&Rejection) -> String,
    /// After an internal error.
    pub(super) try_again: &'static str,
}

impl Submission {
    /// A submission that decides about requests.
    pub(super) const fn deciding(title: &'static str) -> Self {
        Self { title, why: sentences::sentence, try_again: sentences::TRY_AGAIN }
    }

    /// A submission that changes settings.
    pub(super) const fn changing(title: &'static str) -> Self {
        Self { title, why: sentences::settings, try_again: sentences::SETTINGS_TRY_AGAIN }
    }

    /// Responds to a submission that failed. If it may succeed a moment later, the modal stays with what was typed, and its
    /// first input says why: Slack keeps the contents of a modal that gets errors. One without an input says it on top.
    /// Otherwise a notice replaces the modal.
    /// <https://docs.slack.dev/surfaces/modals#displaying_errors>
    pub(super) fn failed(self, interaction: &Interaction<'_>, error: UseCaseError) -> Response {
        let (sentence, may_be_repeated) = match error {
            UseCaseError::Repeated => return Response::Taken,
            UseCaseError::Rejected(rejection) => ((self.why)(&rejection), rejection.is_passing()),
            UseCaseError::Ours => (self.try_again.to_owned(), true),
            UseCaseError::Unclear => (sentences::UNCLEAR.to_owned(), true),
        };
        if !may_be_repeated {
            return self.replaced(sentence);
        }
        if let Some(input) = interaction.payload.first_input() {
            return Response::Modal(json!({ "response_action": "errors", "errors": { input: sentence } }));
        }
        match notice::above(interaction.payload.view(), sentence.clone()) {
            Some(view) => Response::Modal(json!({ "response_action": "update", "view": view })),
            None => self.replaced(sentence),
        }
    }

    /// Replaces the modal with a notice.
    pub(super) fn replaced(self, sentence: String) -> Response {
        Response::Modal(json!({
            "response_action": "update", "view": notice::notice(self.title, sentence)
        }))
    }
}
