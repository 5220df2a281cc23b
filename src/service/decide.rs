//! A person decides. Exactly one decision, whatever races: the approval's row lock orders everybody who wants to end it.

use serde_json::json;

use super::{Failure, Service, commit, members, retrying};
use crate::{
    domain::{
        Rejection,
        approvals::Approval,
        audit::{Actor, Entry, What},
        catalog::{Lock, Standing},
        decisions::{self, Choice, Clicker},
        grants::Scope,
        ids::{ApprovalId, GrantId},
        repeats::RequestDigest,
    },
    storage::{self, Tx, decide::Ground, homes::Whose, outbox, prompts::Prompt},
};

/// A click, or the submission of the modal for a reason.
#[derive(Debug, Clone)]
pub struct Click {
    /// Slack's id of the workspace it came from.
    pub workspace: String,
    /// What was decided on.
    pub approval: ApprovalId,
    /// Who clicked.
    pub clicker: Clicker,
    /// The request of Slack's that says so. The same one decides nothing a second time.
    pub request: Option<RequestDigest>,
}

/// Decides. Returns once the decision is committed. A click that only repeats what was decided is taken, and changes
/// nothing.
pub async fn decide(service: &Service, click: &Click, choice: &Choice) -> Result<Approval, Failure> {
    retrying!(attempt(service, click, choice))
}

async fn attempt(service: &Service, click: &Click, choice: &Choice) -> Result<Approval, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let Click { workspace, approval, request, .. } = click;
    let Some(approval) =
        storage::decide::lock_in_workspace(&mut tx, workspace, *approval, *request, now).await?
    else {
        return Err(elsewhere(service, tx, click).await?.into());
    };
    let Ground { standing, existing, left_at } = match choice {
        Choice::Approve(scope @ (Scope::Conversation | Scope::Always)) => {
            storage::decide::ground(&mut tx, &approval, *scope).await?
        }
        Choice::Approve(Scope::Once) | Choice::Deny(_) => {
            let standing =
                Standing { lock: Lock::Locked, outdated: true, connected: false, conversation_closed: true };
            Ground { standing, existing: None, left_at: None }
        }
    };
    let fresh = GrantId::new(service.fresh());
    let clicker = members::as_known(&click.clicker, left_at, now);
    match decisions::click(&approval, choice.clone(), &clicker, standing, existing, fresh, now) {
        Ok((ended, effects)) => {
            if let Some(decision) = &ended.decision {
                storage::decide::save(&mut tx, &ended, decision, &effects, || service.fresh()).await?;
            }
            commit(tx).await?;
            Ok(ended)
        }
        Err(Rejection::AlreadyEnded(ended)) if decisions::repeats(&ended, choice, &click.clicker) => {
            draw_again(service, &mut tx, &ended).await?;
            commit(tx).await?;
            Ok(*ended)
        }
        Err(rejection) => {
            refuse(service, &mut tx, &approval, click, &rejection).await?;
            commit(tx).await?;
            Err(rejection.into())
        }
    }
}

/// Checks, without deciding, whether this person may still deny: before the modal for the reason is opened. `None`:
/// they have denied already. A refusal is audited.
pub async fn may_deny(service: &Service, click: &Click) -> Result<Option<Approval>, Failure> {
    retrying!(check(service, click))
}

async fn check(service: &Service, click: &Click) -> Result<Option<Approval>, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let Click { workspace, approval, request, .. } = click;
    let Some(approval) =
        storage::approvals::find_in_workspace(&mut tx, workspace, *approval, *request).await?
    else {
        storage::repeats::remember(&mut tx, *request, now).await?;
        return Err(elsewhere(service, tx, click).await?.into());
    };
    let allowed = decisions::may_decide(&approval.request, &click.clicker)
        .and_then(|()| decisions::still_pending(&approval, now));
    if let Err(rejection) = allowed {
        storage::repeats::remember(&mut tx, *request, now).await?;
        if decisions::repeats(&approval, &Choice::Deny(None), &click.clicker) {
            draw_again(service, &mut tx, &approval).await?;
            commit(tx).await?;
            return Ok(None);
        }
        refuse(service, &mut tx, &approval, click, &rejection).await?;
        commit(tx).await?;
        return Err(rejection.into());
    }
    Ok(Some(approval))
}

/// Remembers a click that decided nothing yet, because a modal asks the person for more.
pub async fn remember(service: &Service, click: &Click) -> Result<(), Failure> {
    let mut db = service.db.acquire().await?;
    Ok(storage::repeats::remember(&mut db, click.request, service.now()).await?)
}

/// Notes the try, and has a stale prompt drawn again.
async fn refuse(
    service: &Service,
    tx: &mut Tx,
    approval: &Approval,
    click: &Click,
    rejection: &Rejection,
) -> Result<(), Failure> {
    let request = &approval.request;
    let now = service.now();
    let entry = Entry::new(Actor::User(click.clicker.user.clone()), What::ApprovalRefused)
        .approval(request.id)
        .subject(request.action.path())
        .after(json!({ "why": rejection.code(), "workspace": click.workspace }));
    storage::audit::record(tx, request.workspace, now, &[entry]).await?;
    let stale = !matches!(
        rejection,
        Rejection::WrongPerson { .. }
            | Rejection::Guest
            | Rejection::OtherWorkspace
            | Rejection::LookupUnavailable
    );
    if stale {
        draw_again(service, tx, approval).await?;
    }
    Ok(())
}

/// Queues the message that was clicked to be drawn again, because it was stale.
async fn draw_again(service: &Service, tx: &mut Tx, approval: &Approval) -> Result<(), Failure> {
    let request = &approval.request;
    outbox::draw_again(tx, request.workspace, &[request.id], service.now(), || service.fresh()).await?;
    service.refresh(tx, request.workspace, Whose::Users(std::slice::from_ref(&request.user))).await
}

/// The approval isn't one of this workspace, or the app was removed from it: says so, and tells the audit of the workspace
/// whose it is.
async fn elsewhere(service: &Service, mut tx: Tx, click: &Click) -> Result<Rejection, Failure> {
    let Some(approval) = storage::approvals::find(&mut tx, click.approval).await? else {
        return Ok(Rejection::UnknownApproval);
    };
    let here = storage::workspaces::find_by_slack_id(&mut tx, &click.workspace).await?;
    let rejection = match here {
        Some(here) if here.id == approval.request.workspace => Rejection::WorkspaceRemoved,
        _ => Rejection::OtherWorkspace,
    };
    refuse(service, &mut tx, &approval, click, &rejection).await?;
    commit(tx).await?;
    Ok(rejection)
}

/// Remembers a message that somebody clicked on and that we didn't know of: its post was repeated because the
/// acknowledgement of the first one had been lost. It is drawn like the others from now on.
/// `false`: it is known.
pub async fn adopt_prompt(service: &Service, approval: &Approval, prompt: &Prompt) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    let (id, now) = (approval.id(), service.now());
    let is_new = storage::prompts::remember(&mut tx, id, prompt, now).await?;
    if is_new {
        outbox::draw_again(&mut tx, approval.request.workspace, &[id], now, || service.fresh()).await?;
    }
    commit(tx).await?;
    Ok(is_new)
}
