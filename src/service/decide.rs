//! A person decides. Exactly one decision, whatever races: the approval's row lock orders everybody who wants to end it.

use super::{Service, ServiceError, UnitOfWork, members, retrying};
use crate::{
    domain::{
        approvals::Approval,
        catalog::{Eligibility, Lock},
        decisions,
        decisions::Choice,
        effects::Redraw,
        grants::Scope,
        ids::{ApprovalId, GrantId},
        people::ActingUser,
        rejection::Rejection,
        repeats::RequestDigest,
    },
    storage,
    storage::{statements::decide::DecisionContext, tables::prompts::Prompt},
};

/// A click, or the submission of the modal for a reason.
#[derive(Debug, Clone)]
pub struct Click {
    /// Slack's id of the workspace it came from.
    pub workspace: String,
    /// What was decided on.
    pub approval: ApprovalId,
    /// Who clicked.
    pub acting_user: ActingUser,
    /// The request of Slack's that says so. The same one decides nothing a second time.
    pub request: Option<RequestDigest>,
}

/// Decides. Returns once the decision is committed. A click that only repeats what was decided is taken, and changes
/// nothing.
#[tracing::instrument(name = "decide", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn decide(service: &Service, click: &Click, choice: &Choice) -> Result<Approval, ServiceError> {
    retrying!(attempt(service, click, choice))
}

async fn attempt(service: &Service, click: &Click, choice: &Choice) -> Result<Approval, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let Click { workspace, approval, request, .. } = click;
    let Some(approval) =
        storage::statements::decide::lock_in_workspace(&mut work, workspace, *approval, *request, now)
            .await?
    else {
        return elsewhere(work, click).await;
    };
    let DecisionContext { eligibility, existing, left_at } = match choice {
        Choice::Approve(scope @ (Scope::Conversation | Scope::Always)) => {
            storage::statements::decide::context(&mut work, &approval, *scope).await?
        }
        Choice::Approve(Scope::Once) | Choice::Deny(_) => {
            let eligibility = Eligibility {
                lock: Lock::Locked,
                outdated: true,
                connected: false,
                conversation_closed: true,
            };
            DecisionContext { eligibility, existing: None, left_at: None }
        }
    };
    let new_id = GrantId::new(service.new_id());
    let acting_user = members::as_known(&click.acting_user, left_at, now);
    match decisions::click(&approval, choice.clone(), &acting_user, eligibility, existing, new_id, now) {
        Ok(ended) => {
            let (db, unwritten) = work.parts();
            let ended = storage::statements::decide::save(db, unwritten, ended).await?;
            work.commit().await?;
            Ok(ended)
        }
        Err(Rejection::AlreadyEnded(ended)) if decisions::repeats(&ended, choice, &click.acting_user) => {
            // The message that was clicked is behind.
            work.redraw(Redraw::stale_prompt(&ended.request));
            work.commit().await?;
            Ok(*ended)
        }
        Err(rejection) => refuse(work, &approval, click, rejection).await,
    }
}

/// Checks, without deciding, whether this person may still deny: before the modal for the reason is opened. `None`:
/// they have denied already. A refusal is audited.
#[tracing::instrument(name = "may_deny", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn may_deny(service: &Service, click: &Click) -> Result<Option<Approval>, ServiceError> {
    retrying!(check(service, click))
}

async fn check(service: &Service, click: &Click) -> Result<Option<Approval>, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let Click { workspace, approval, request, .. } = click;
    let Some(approval) =
        storage::tables::approvals::find_in_workspace(&mut work, workspace, *approval, *request).await?
    else {
        storage::tables::repeats::remember(&mut work, *request, now).await?;
        return elsewhere(work, click).await;
    };
    let allowed = decisions::may_decide(&approval.request, &click.acting_user)
        .and_then(|()| decisions::still_pending(&approval, now));
    if let Err(rejection) = allowed {
        storage::tables::repeats::remember(&mut work, *request, now).await?;
        if decisions::repeats(&approval, &Choice::Deny(None), &click.acting_user) {
            work.redraw(Redraw::stale_prompt(&approval.request));
            work.commit().await?;
            return Ok(None);
        }
        return refuse(work, &approval, click, rejection).await;
    }
    Ok(Some(approval))
}

/// Remembers a click that decided nothing yet, because a modal asks the person for more.
#[tracing::instrument(name = "remember_click", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn remember(service: &Service, click: &Click) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(storage::tables::repeats::remember(&mut db, click.request, service.now()).await?)
}

/// Commits that the click was refused, and refuses it.
async fn refuse<T>(
    work: UnitOfWork,
    approval: &Approval,
    click: &Click,
    rejection: Rejection,
) -> Result<T, ServiceError> {
    let refused = decisions::refuse(&approval.request, &click.acting_user.user, &click.workspace, rejection);
    work.refuse(refused).await
}

/// The approval isn't one of this workspace, or the app was removed from it: refuses, and tells the audit of the workspace
/// whose it is.
async fn elsewhere<T>(mut work: UnitOfWork, click: &Click) -> Result<T, ServiceError> {
    let Some(approval) = storage::tables::approvals::find(&mut work, click.approval).await? else {
        return Err(Rejection::UnknownApproval.into());
    };
    let here = storage::tables::workspaces::find_by_slack_id(&mut work, &click.workspace).await?;
    let rejection = match here {
        Some(here) if here.id == approval.request.workspace => Rejection::WorkspaceRemoved,
        _ => Rejection::OtherWorkspace,
    };
    refuse(work, &approval, click, rejection).await
}

/// Remembers a message that somebody clicked on and that we didn't know of: its post was repeated because the
/// acknowledgement of the first one had been lost. It is drawn like the others from now on.
/// `false`: it is known.
#[tracing::instrument(name = "adopt_prompt", skip_all, fields(workspace = %approval.request.workspace, approval = %approval.id()))]
pub async fn adopt_prompt(
    service: &Service,
    approval: &Approval,
    prompt: &Prompt,
) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let is_new = storage::tables::prompts::remember(&mut work, approval.id(), prompt, now).await?;
    if is_new {
        work.redraw(Redraw::prompt(&approval.request));
    }
    work.commit().await?;
    Ok(is_new)
}
