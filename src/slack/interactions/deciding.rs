//! Approve and deny, on a prompt or on the Home tab.

use serde_json::json;

use super::{Act, Answer, Trouble, decided, within};
use crate::{
    domain::{
        Rejection, approvals::Approval, decisions::Choice, grants::Scope, ids::ApprovalId, text::Prose,
    },
    service::decide::{self, Click},
    slack::{
        modals,
        view::{controls::Callback, deny, notice, sentences},
    },
};

/// A denial. If Slack doesn't say who clicked, it counts all the same, by whoever's id the request carries: nothing that
/// an agent wants to do happens for it.
async fn denial(act: &Act<'_>, approval: ApprovalId) -> Click {
    let clicker = match act.rights().await {
        Ok((clicker, _)) => clicker,
        Err(_) => act.clicker.clone(),
    };
    Click { workspace: act.workspace.to_owned(), approval, clicker, request: Some(act.payload.request()) }
}

/// Approves. It wants to know who approves, as of at most a minute ago. Without an answer nothing is decided, and they
/// are told so unless there is a better reason: it is another's to decide, or has ended.
pub(super) async fn approve(act: &Act<'_>, approval: ApprovalId, scope: Scope) -> Answer {
    let (clicker, why_unknown) = match act.rights().await {
        Ok((clicker, _)) => (clicker, None),
        Err(rejection) => (act.clicker.clone(), Some(rejection)),
    };
    let click = Click {
        workspace: act.workspace.to_owned(),
        approval,
        clicker,
        request: Some(act.payload.request()),
    };
    let result = match (decide(act, &click, Choice::Approve(scope)).await, why_unknown) {
        (Err(Trouble::Rejected(Rejection::LookupUnavailable)), Some(why)) => Err(Trouble::Rejected(why)),
        (result, _) => result,
    };
    decided(act, result)
}

/// Decides in time for Slack, and learns of a prompt that was clicked and that we didn't know of.
async fn decide(act: &Act<'_>, click: &Click, choice: Choice) -> Result<Approval, Trouble> {
    let result = within(decide::decide(&act.slack.service, click, &choice)).await;
    let outcome = match &result {
        Ok(_) => "decided",
        Err(Trouble::Rejected(rejection)) => rejection.code(),
        Err(Trouble::Repeated) => "repeated",
        Err(Trouble::Ours) => "failed",
        Err(Trouble::Unclear) => "unclear",
    };
    metrics::counter!("countersign_clicks_total", "outcome" => outcome).increment(1);
    let (user, approval) = (&click.clicker.user, click.approval);
    tracing::info!(%user, %approval, outcome, "A person decided");
    let about = match &result {
        Ok(approval) => Some(approval.clone()),
        Err(Trouble::Rejected(Rejection::AlreadyEnded(approval))) => Some((**approval).clone()),
        Err(_) => None,
    };
    if let Some((approval, prompt)) = about.zip(act.payload.message()) {
        let service = act.slack.service.clone();
        act.slack.aside.spawn(async move {
            if let Err(failure) = decide::adopt_prompt(&service, &approval, &prompt).await {
                tracing::warn!(%failure, "A prompt that was clicked could not be remembered");
            }
        });
    }
    result
}

/// Opens the modal that asks why. If it can't be opened in time, the approval is denied without a reason.
pub(super) async fn ask_why(act: &Act<'_>, approval: ApprovalId) -> Answer {
    let click = denial(act, approval).await;
    let approval = match within(decide::may_deny(&act.slack.service, &click)).await {
        Ok(Some(approval)) => approval,
        Ok(None) => return Answer::Taken,
        Err(trouble) => return decided::<()>(act, Err(trouble)),
    };
    match act.open(deny::modal(&approval)).await {
        Ok(_) => {
            // Sent again, it would find the trigger used, and deny at once.
            let service = act.slack.service.clone();
            act.slack.aside.spawn(async move {
                if let Err(failure) = decide::remember(&service, &click).await {
                    tracing::warn!(%failure, "Could not remember a click that opened a modal");
                }
            });
            Answer::Taken
        }
        // The same click came before: its modal is open, and a reason may be being typed.
        Err(error) if modals::is_open(&error) => Answer::Taken,
        Err(error) => {
            tracing::info!(%error, approval = %approval.id(), "The modal for a reason could not be opened: denying without one");
            decided(act, decide(act, &click, Choice::Deny(None)).await)
        }
    }
}

/// The modal for the reason was submitted.
pub(super) async fn submitted(act: &Act<'_>) -> Answer {
    let payload = act.payload;
    let callback = payload.text("/view/callback_id").and_then(Callback::parse);
    let approval = payload.text("/view/private_metadata").and_then(|id| id.parse().ok());
    let (Some(Callback::Deny), Some(approval)) = (callback, approval) else { return Answer::Taken };
    let typed =
        payload.typed(deny::REASON_BLOCK, deny::REASON_ACTION).map(str::trim).filter(|text| !text.is_empty());
    let reason = match typed.map(Prose::new).transpose() {
        Ok(reason) => reason,
        Err(fault) => return complain(&format!("The reason {fault}.")),
    };
    let click = denial(act, approval).await;
    match decide(act, &click, Choice::Deny(reason)).await {
        Ok(_) | Err(Trouble::Repeated) => Answer::Taken,
        Err(Trouble::Rejected(rejection)) => {
            let view = notice::notice("Deny", sentences::sentence(&rejection));
            Answer::Modal(json!({ "response_action": "update", "view": view }))
        }
        Err(Trouble::Ours) => complain(sentences::TRY_AGAIN),
        Err(Trouble::Unclear) => complain(sentences::UNCLEAR),
    }
}

/// Says beside the input what has to be done before the modal can be sent. Slack doesn't parse it.
fn complain(sentence: &str) -> Answer {
    Answer::Modal(json!({ "response_action": "errors", "errors": { deny::REASON_BLOCK: sentence } }))
}
