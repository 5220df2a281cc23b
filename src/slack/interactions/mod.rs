//! What people click: read, handed to one use case, answered once its transaction is committed.
//!
//! A payload says what was clicked and who clicked. What it says of anything else, in a value or in a view's
//! `private_metadata`, names things; whether this person may touch them is judged by the use case.

mod deciding;
mod looking;
mod settings;
mod unlocking;

use std::time::Duration;

use serde_json::Value;

use super::{
    Slack,
    client::CallError,
    dispatch::Answer,
    payload::Payload,
    view::{
        controls::{Callback, Control},
        sentences,
    },
    whisper::whisper,
};
use crate::{
    domain::{Rejection, decisions::Clicker, grants::Scope, unlocking::Answer as Answered},
    service::{
        Failure,
        unlock::{Seen, Wish},
        workspaces::Origin,
    },
};

/// Slack waits three seconds for an answer, of which some are the network's.
pub(super) const BUDGET: Duration = Duration::from_millis(2700);
/// How long one use case may take of it: a modal may have to be opened besides.
const USE_CASE: Duration = Duration::from_millis(1800);

/// Handles one interaction, in time for Slack.
pub async fn handle(slack: &Slack, payload: &Payload) -> Answer {
    if let Ok(answer) = tokio::time::timeout(BUDGET, take(slack, payload)).await {
        return answer;
    }
    tracing::error!(limit_ms = 2700, "A click could not be handled in time");
    whisper(slack, payload, sentences::UNCLEAR.to_owned());
    Answer::Failed
}

async fn take(slack: &Slack, payload: &Payload) -> Answer {
    let (Some(workspace), Some(clicker)) = (payload.workspace(), payload.clicker()) else {
        tracing::warn!(kind = payload.kind(), "An interaction names no workspace or no user");
        return Answer::Taken;
    };
    let act = Act { slack, payload, workspace, clicker };
    match payload.kind() {
        "block_actions" => {
            let Some((action_id, value)) = payload.action() else { return Answer::Taken };
            let Some(control) = Control::parse(action_id, &value) else {
                tracing::warn!(action_id, "A control that no view has was clicked");
                whisper(slack, payload, sentences::UNKNOWN_CONTROL.to_owned());
                return Answer::Taken;
            };
            clicked(&act, control).await
        }
        "view_submission" => deciding::submitted(&act).await,
        _ => Answer::Taken,
    }
}

/// Somebody does something.
struct Act<'a> {
    slack: &'a Slack,
    payload: &'a Payload,
    /// Slack's id of the workspace.
    workspace: &'a str,
    clicker: Clicker,
}

impl Act<'_> {
    /// Completes who clicked with what Slack says of them, as of at most a minute ago. Without an answer nothing that
    /// needs rights is done.
    async fn rights(&self) -> Result<(Clicker, bool), Rejection> {
        self.slack.people.identify(self.workspace, &self.clicker.user).await
    }

    /// Where what it leads to comes from.
    fn origin(&self) -> Origin<'_> {
        Origin { workspace: self.workspace, request: Some(self.payload.request()) }
    }

    /// Whether the click was made in the settings modal.
    fn in_settings(&self) -> bool {
        self.payload.text("/view/callback_id").and_then(Callback::parse) == Some(Callback::Settings)
    }

    async fn open(&self, view: Value) -> Result<Value, CallError> {
        super::modals::open(self.slack, self.workspace, self.payload.trigger().unwrap_or_default(), &view)
            .await
    }
}

async fn clicked(act: &Act<'_>, control: Control) -> Answer {
    match control {
        Control::Approve(approval) => deciding::approve(act, approval, Scope::Once).await,
        Control::ApproveMore { approval, scope } => deciding::approve(act, approval, scope).await,
        Control::Deny(approval) => deciding::ask_why(act, approval).await,
        Control::Details(approval) => looking::open_details(act, approval).await,
        Control::DetailsPrevious { approval, page } | Control::DetailsNext { approval, page } => {
            looking::turn_details(act, approval, page).await
        }
        Control::SectionPrevious { section, page } | Control::SectionNext { section, page } => {
            looking::turn_section(act, section, page).await
        }
        Control::Pick(integration) => looking::pick(act, Some(integration)).await,
        Control::PickNone => looking::pick(act, None).await,
        Control::TurnOff(grant) => settings::turn_off(act, grant).await,
        Control::Toggle { action, wish } => settings::toggle(act, action, wish).await,
        Control::Gear(integration) => settings::open_gear(act, integration).await,
        Control::SettingsPrevious(screen) | Control::SettingsNext(screen) => settings::show(act, screen),
        Control::SettingsAll => settings::show(act, super::view::controls::Screen::default()),
        Control::RequestUnlock(action) => unlocking::request(act, action).await,
        Control::GrantRequest { request, version } => {
            unlocking::answer(act, request, (Answered::Unlocked, Seen::on_button(version))).await
        }
        Control::DeclineRequest(request) => {
            unlocking::answer(act, request, (Answered::Declined, Seen::Unknown)).await
        }
        Control::Unlock { action, version } => {
            unlocking::set(act, action, (Wish::Unlock, Seen::on_button(version))).await
        }
        Control::Confirm { action, version } => {
            unlocking::set(act, action, (Wish::Confirm, Seen::Version(version))).await
        }
        Control::Lock(action) => unlocking::set(act, action, (Wish::Lock, Seen::Unknown)).await,
        Control::OpenConversation | Control::Connect => Answer::Taken,
    }
}

/// Why a click led to nothing.
pub(super) enum Trouble {
    /// It was refused.
    Rejected(Rejection),
    /// The same request was taken before, and what it led to holds.
    Repeated,
    /// The database failed: nothing has changed.
    Ours,
    /// The database took too long, or its answer to a commit was lost: it may have changed.
    Unclear,
}

/// Does it while Slack still waits.
pub(super) async fn within<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Trouble> {
    match tokio::time::timeout(USE_CASE, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Failure::Rejected(rejection))) => Err(Trouble::Rejected(rejection)),
        Ok(Err(Failure::Repeated)) => {
            metrics::counter!("countersign_slack_requests_repeated_total").increment(1);
            tracing::warn!("Repeated signed request ignored");
            Err(Trouble::Repeated)
        }
        Ok(Err(failure @ Failure::Unclear(_))) => {
            tracing::error!(%failure, "It is not known whether a click took effect");
            Err(Trouble::Unclear)
        }
        Ok(Err(failure)) => {
            tracing::error!(%failure, "A click could not be handled");
            Err(Trouble::Ours)
        }
        Err(_) => {
            tracing::error!(limit_ms = 1800, "A use case took too long for a click");
            Err(Trouble::Unclear)
        }
    }
}

/// The same for what only reads: too late, nothing has changed all the same.
pub(super) async fn read<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Trouble> {
    within(work).await.map_err(|trouble| match trouble {
        Trouble::Unclear => Trouble::Ours,
        trouble => trouble,
    })
}

/// Answers a click that decides: where nothing was decided, privately why.
fn decided<T>(act: &Act<'_>, result: Result<T, Trouble>) -> Answer {
    answered(act, result, sentences::sentence, sentences::TRY_AGAIN)
}

/// Answers a click that looks at a request, in the same way.
fn looked<T>(act: &Act<'_>, result: Result<T, Trouble>) -> Answer {
    answered(act, result, sentences::looking, sentences::TRY_AGAIN)
}

/// Answers a click that changes settings or rights, in the same way.
fn changed<T>(act: &Act<'_>, result: Result<T, Trouble>) -> Answer {
    answered(act, result, sentences::settings, sentences::SETTINGS_TRY_AGAIN)
}

fn answered<T>(
    act: &Act<'_>,
    result: Result<T, Trouble>,
    why: impl FnOnce(&Rejection) -> String,
    try_again: &str,
) -> Answer {
    match result {
        Ok(_) | Err(Trouble::Repeated) => Answer::Taken,
        Err(Trouble::Rejected(rejection)) => {
            whisper(act.slack, act.payload, why(&rejection));
            Answer::Taken
        }
        Err(Trouble::Ours) => {
            whisper(act.slack, act.payload, try_again.to_owned());
            Answer::Failed
        }
        Err(Trouble::Unclear) => {
            whisper(act.slack, act.payload, sentences::UNCLEAR.to_owned());
            Answer::Failed
        }
    }
}
