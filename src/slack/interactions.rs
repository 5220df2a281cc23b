//! What people click: read, handed to one use case, answered once its transaction is committed.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Slack,
    client::CallError,
    dispatch::Answer,
    payload::Payload,
    view::{
        controls::{Callback, Control},
        deny, details, notice, sentences,
    },
    whisper::whisper,
};
use crate::{
    domain::{
        Rejection,
        approvals::Approval,
        decisions::{Choice, Clicker, PersonKind},
        grants::Scope,
        ids::{ApprovalId, GrantId},
        text::Prose,
    },
    service::{
        Failure,
        decide::{self, Click},
        turn_off,
    },
    storage,
};

/// Slack waits three seconds for an answer; a modal must be opened, and a decision taken, within less.
const MODAL: Duration = Duration::from_millis(1500);
const DECISION: Duration = Duration::from_millis(2500);

/// Handles one interaction.
pub async fn handle(slack: &Slack, payload: &Payload) -> Answer {
    let (Some(workspace), Some(clicker)) = (payload.workspace(), payload.clicker()) else {
        tracing::warn!(kind = payload.kind(), "An interaction names no workspace or no user");
        return Answer::Taken;
    };
    match payload.kind() {
        "block_actions" => {
            let Some((action_id, value)) = payload.action() else { return Answer::Taken };
            let Some(control) = Control::parse(action_id, value) else {
                tracing::warn!(action_id, "A control that no view has was clicked");
                whisper(slack, payload, sentences::UNKNOWN_CONTROL.to_owned());
                return Answer::Taken;
            };
            clicked(slack, payload, control, workspace, clicker).await
        }
        "view_submission" => submitted(slack, payload, workspace, clicker).await,
        _ => Answer::Taken,
    }
}

async fn clicked(
    slack: &Slack,
    payload: &Payload,
    control: Control,
    workspace: &str,
    clicker: Clicker,
) -> Answer {
    match control {
        Control::Approve(id) => {
            approve(slack, payload, click(slack, workspace, id, clicker).await, Scope::Once).await
        }
        Control::ApproveMore { approval, scope } => {
            approve(slack, payload, click(slack, workspace, approval, clicker).await, scope).await
        }
        Control::Deny(id) => ask_why(slack, payload, click(slack, workspace, id, clicker).await).await,
        Control::Details(id) => open_details(slack, payload, workspace, id, &clicker).await,
        Control::DetailsPrevious { approval, page } | Control::DetailsNext { approval, page } => {
            turn_page(slack, payload, workspace, approval, page, &clicker).await
        }
        Control::TurnOff(grant) => turn_grant_off(slack, payload, workspace, &clicker, grant).await,
        Control::OpenConversation | Control::Connect => Answer::Taken,
    }
}

/// Completes who clicked with what `users.info` says of them, if it says so in time. The prompt was posted to a full
/// member, so without an answer they are taken for one still.
async fn click(slack: &Slack, workspace: &str, approval: ApprovalId, mut clicker: Clicker) -> Click {
    if clicker.kind == PersonKind::Member
        && let Ok(profile) = slack.people.profile(workspace, &clicker.user).await
    {
        clicker.kind = profile.kind;
    }
    Click { workspace: workspace.to_owned(), approval, clicker }
}

async fn approve(slack: &Slack, payload: &Payload, click: Click, scope: Scope) -> Answer {
    decided(slack, payload, decide(slack, payload, &click, Choice::Approve(scope)).await)
}

/// Decides in time for Slack, and learns of a prompt that was clicked and that we didn't know of.
async fn decide(
    slack: &Slack,
    payload: &Payload,
    click: &Click,
    choice: Choice,
) -> Result<Approval, Trouble> {
    let result = within(decide::decide(&slack.service, click, &choice)).await;
    let outcome = match &result {
        Ok(_) => "decided",
        Err(Trouble::Rejected(rejection)) => rejection.code(),
        Err(Trouble::Ours) => "failed",
    };
    metrics::counter!("countersign_clicks_total", "outcome" => outcome).increment(1);
    let (user, approval) = (&click.clicker.user, click.approval);
    tracing::info!(%user, %approval, outcome, "A person decided");
    let about = match &result {
        Ok(approval) => Some(approval.clone()),
        Err(Trouble::Rejected(Rejection::AlreadyEnded(approval))) => Some((**approval).clone()),
        Err(_) => None,
    };
    if let Some((approval, prompt)) = about.zip(payload.message()) {
        let service = slack.service.clone();
        slack.aside.spawn(async move {
            if let Err(failure) = decide::adopt_prompt(&service, &approval, &prompt).await {
                tracing::warn!(%failure, "A prompt that was clicked could not be remembered");
            }
        });
    }
    result
}

/// Why a click led to nothing.
enum Trouble {
    Rejected(Rejection),
    /// The database failed, or took too long.
    Ours,
}

async fn within<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Trouble> {
    match tokio::time::timeout(DECISION, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Failure::Rejected(rejection))) => Err(Trouble::Rejected(rejection)),
        Ok(Err(failure)) => {
            tracing::error!(%failure, "A click could not be handled");
            Err(Trouble::Ours)
        }
        Err(_) => {
            tracing::error!(limit_ms = 2500, "A click could not be handled in time");
            Err(Trouble::Ours)
        }
    }
}

fn decided<T>(slack: &Slack, payload: &Payload, result: Result<T, Trouble>) -> Answer {
    match result {
        Ok(_) => Answer::Taken,
        Err(Trouble::Rejected(rejection)) => {
            whisper(slack, payload, sentences::sentence(&rejection));
            Answer::Taken
        }
        Err(Trouble::Ours) => {
            whisper(slack, payload, sentences::TRY_AGAIN.to_owned());
            Answer::Failed
        }
    }
}

/// Opens the modal that asks why. If it can't be opened in time, the approval is denied without a reason.
async fn ask_why(slack: &Slack, payload: &Payload, click: Click) -> Answer {
    let approval = match within(decide::may_decide(&slack.service, &click)).await {
        Ok(approval) => approval,
        Err(trouble) => return decided::<()>(slack, payload, Err(trouble)),
    };
    match open(slack, payload, &click.workspace, deny::modal(&approval)).await {
        Ok(_) => Answer::Taken,
        Err(error) => {
            tracing::info!(%error, approval = %approval.id(), "The modal for a reason could not be opened: denying without one");
            decided(slack, payload, decide(slack, payload, &click, Choice::Deny(None)).await)
        }
    }
}

async fn submitted(slack: &Slack, payload: &Payload, workspace: &str, clicker: Clicker) -> Answer {
    let callback = payload.text("/view/callback_id").and_then(Callback::parse);
    let approval = payload.text("/view/private_metadata").and_then(|id| id.parse().ok());
    let (Some(Callback::Deny), Some(approval)) = (callback, approval) else { return Answer::Taken };
    let typed =
        payload.typed(deny::REASON_BLOCK, deny::REASON_ACTION).map(str::trim).filter(|text| !text.is_empty());
    let reason = match typed.map(Prose::new).transpose() {
        Ok(reason) => reason,
        Err(fault) => return complain(&format!("The reason {fault}.")),
    };
    let click = click(slack, workspace, approval, clicker).await;
    match decide(slack, payload, &click, Choice::Deny(reason)).await {
        Ok(_) => Answer::Taken,
        Err(Trouble::Rejected(rejection)) => {
            let view = notice::notice("Deny", sentences::sentence(&rejection));
            Answer::Modal(json!({ "response_action": "update", "view": view }))
        }
        Err(Trouble::Ours) => complain(sentences::TRY_AGAIN),
    }
}

/// Says beside the input what has to be done before the modal can be sent. Slack doesn't parse it.
fn complain(sentence: &str) -> Answer {
    Answer::Modal(json!({ "response_action": "errors", "errors": { deny::REASON_BLOCK: sentence } }))
}

async fn open(slack: &Slack, payload: &Payload, workspace: &str, view: Value) -> Result<Value, CallError> {
    let trigger = payload.trigger().unwrap_or_default();
    let body = json!({ "trigger_id": trigger, "view": view });
    slack.client.post(workspace, "views.open", &body, MODAL).await
}

/// Shows the whole request. Whoever sees the prompt may see what was cut from it, strangers aside.
async fn open_details(
    slack: &Slack,
    payload: &Payload,
    workspace: &str,
    id: ApprovalId,
    clicker: &Clicker,
) -> Answer {
    let approval = match find(slack, workspace, id, clicker).await {
        Ok(approval) => approval,
        Err(trouble) => return decided::<()>(slack, payload, Err(trouble)),
    };
    match open(slack, payload, workspace, details::details(&approval, 0)).await {
        Ok(_) => Answer::Taken,
        Err(error) => {
            tracing::warn!(%error, approval = %id, "The details could not be opened");
            whisper(slack, payload, sentences::TRY_AGAIN.to_owned());
            Answer::Taken
        }
    }
}

async fn turn_page(
    slack: &Slack,
    payload: &Payload,
    workspace: &str,
    id: ApprovalId,
    page: usize,
    clicker: &Clicker,
) -> Answer {
    let approval = match find(slack, workspace, id, clicker).await {
        Ok(approval) => approval,
        Err(trouble) => return decided::<()>(slack, payload, Err(trouble)),
    };
    let body = json!({
        "view_id": payload.text("/view/id"),
        "hash": payload.text("/view/hash"),
        "view": details::details(&approval, page),
    });
    if let Err(error) = slack.client.post(workspace, "views.update", &body, MODAL).await {
        tracing::warn!(%error, approval = %id, "A page of the details could not be shown");
    }
    Answer::Taken
}

async fn find(
    slack: &Slack,
    workspace: &str,
    id: ApprovalId,
    clicker: &Clicker,
) -> Result<Approval, Trouble> {
    if clicker.kind == PersonKind::Stranger {
        return Err(Trouble::Rejected(Rejection::OtherWorkspace));
    }
    within(async {
        let mut db = slack.service.db.acquire().await?;
        let found = storage::approvals::find_in_workspace(&mut db, workspace, id).await?;
        Ok(found.ok_or(Rejection::UnknownApproval)?)
    })
    .await
}

async fn turn_grant_off(
    slack: &Slack,
    payload: &Payload,
    workspace: &str,
    clicker: &Clicker,
    grant: GrantId,
) -> Answer {
    let result = within(turn_off::turn_off(&slack.service, workspace, &clicker.user, grant)).await;
    decided(slack, payload, result)
}
