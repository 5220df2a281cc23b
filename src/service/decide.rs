//! A person decides an approval. Whatever races, exactly one decision wins: all that can end an approval lock its row
//! first.

use super::{Service, ServiceError, UnitOfWork, delegations, policies, recent_leavers, retrying};
use crate::{
    domain::{
        approvals::Approval,
        approvers::Entitlement,
        catalog::{Eligibility, Lock},
        decisions,
        decisions::{Answered, Choice, Held},
        effects::Redraw,
        grants::{Scope, StandingScope},
        ids::{ApprovalId, GrantId, UserId},
        limits::Bounds,
        people::ActingUser,
        policy::PolicyVersion,
        rejection::Rejection,
        repeats::RequestDigest,
    },
    storage,
    storage::{
        statements::decide::DecisionContext,
        tables::{approver_answers, approver_messages, details_opened, prompt_messages, prompts::Prompt},
    },
};

/// A click on a prompt, or the submission of a modal that decides.
#[derive(Debug, Clone)]
pub struct Click {
    /// Slack's id of the workspace that the click came from.
    pub workspace: String,
    /// The approval to decide.
    pub approval: ApprovalId,
    /// The user who clicked.
    pub acting_user: ActingUser,
    /// The identity of Slack's request, so that a repeated one does not decide a second time.
    pub request: Option<RequestDigest>,
}

/// Decides an approval. Returns once the decision is committed. A click that repeats the decision succeeds and changes
/// nothing.
#[tracing::instrument(name = "decide", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn decide(service: &Service, click: &Click, choice: &Choice) -> Result<Approval, ServiceError> {
    retrying!(attempt(service, click, choice))
}

async fn attempt(service: &Service, click: &Click, choice: &Choice) -> Result<Approval, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let Click { workspace, approval, request, .. } = click;
    let Some((approval, in_force)) =
        storage::statements::decide::lock_in_workspace(&mut work, workspace, *approval, *request, now)
            .await?
    else {
        return elsewhere(work, click).await;
    };
    let acting = &click.acting_user.user;
    let entitled = delegations::entitlement(&mut work, &approval, acting, now).await?;
    if approval.request.approvers.is_some() {
        return answer(service, work, (approval, in_force), click, choice, &entitled).await;
    }
    let is_own = approval.request.user == *acting;
    let scope = match choice {
        Choice::Approve(Scope::Conversation) => Some(StandingScope::Conversation),
        Choice::Approve(Scope::Always) => Some(StandingScope::Always),
        Choice::ApproveNarrowed(scope, _) => Some(*scope),
        Choice::Approve(Scope::Once) | Choice::ApproveEdited(_) | Choice::Deny(_) => None,
    };
    // A grant is its user's own, so it is judged by what they may, and no one gives one for them.
    let DecisionContext { eligibility, held, left_at } = if let Some(scope) = scope.filter(|_| is_own) {
        storage::statements::decide::context(&mut work, &approval, scope, now).await?
    } else {
        let eligibility = Eligibility {
            lock: Lock::Locked,
            outdated: true,
            connected: false,
            conversation_closed: true,
            bounds: Bounds::default(),
        };
        DecisionContext { eligibility, held: Held::default(), left_at: None }
    };
    let ruled = policies::on_choice(service, &mut work, (&approval, choice), in_force, now).await?;
    let eligibility = policies::eligibility(ruled.as_ref(), eligibility);
    let new_id = GrantId::new(service.new_id());
    let acting_user = recent_leavers::as_known(&click.acting_user, left_at, now);
    let is_unread = decisions::must_be_read(&approval.request, choice)
        && !details_opened::has_opened(&mut work, approval.id(), &acting_user.user).await?;
    let judged = decisions::click(
        &approval,
        choice.clone(),
        (&acting_user, &entitled),
        eligibility,
        held,
        new_id,
        now,
    );
    let judged = judged.and_then(|ended| if is_unread { Err(Rejection::MustBeRead) } else { Ok(ended) });
    match judged.and_then(|ended| policies::may(ruled.as_ref(), &approval).map(|()| ended)) {
        Ok(ended) => {
            let (db, unwritten) = work.parts();
            let ended =
                storage::statements::decide::save(db, unwritten, ended, &service.seal_fixed()).await?;
            work.commit().await?;
            Ok(ended)
        }
        Err(Rejection::AlreadyEnded(ended)) if decisions::repeats(&ended, choice, &click.acting_user) => {
            // The prompt was out of date when it was clicked.
            work.redraw(Redraw::stale_prompt(&ended.request));
            work.commit().await?;
            Ok(*ended)
        }
        Err(rejection) => refuse(work, &approval, click, rejection).await,
    }
}

/// The answer of one of several people. The approval is locked, so of two who answer at once, the second one is judged by
/// what the first has answered.
async fn answer(
    service: &Service,
    mut work: UnitOfWork,
    (approval, in_force): (Approval, Option<PolicyVersion>),
    click: &Click,
    choice: &Choice,
    entitled: &Entitlement,
) -> Result<Approval, ServiceError> {
    let (now, acting_user) = (work.now(), &click.acting_user);
    let is_unread = decisions::must_be_read(&approval.request, choice)
        && !details_opened::has_opened(&mut work, approval.id(), &acting_user.user).await?;
    let ruled = policies::on_choice(service, &mut work, (&approval, choice), in_force, now).await?;
    let judged = decisions::answer(&approval, choice, (acting_user, entitled), now);
    let judged =
        judged.and_then(|answered| if is_unread { Err(Rejection::MustBeRead) } else { Ok(answered) });
    match judged.and_then(|answered| policies::may(ruled.as_ref(), &approval).map(|()| answered)) {
        Ok(Answered::Waits(changed)) => {
            let answer = work.record(changed);
            approver_answers::save_waiting(&mut work, approval.id(), &answer).await?;
            work.commit().await?;
            Ok(approval)
        }
        Ok(Answered::Ends(answer, ended)) => {
            // Before the decision: the database refuses one that the answers don't add up to.
            approver_answers::save(&mut work, approval.id(), &answer).await?;
            let (db, unwritten) = work.parts();
            let ended =
                storage::statements::decide::save(db, unwritten, *ended, &service.seal_fixed()).await?;
            work.commit().await?;
            Ok(ended)
        }
        Err(Rejection::AnsweredBefore) if decisions::repeats_answer(&entitled.panel, choice, acting_user) => {
            work.redraw(Redraw::stale_prompt(&approval.request));
            work.commit().await?;
            Ok(approval)
        }
        Err(Rejection::AlreadyEnded(ended)) if decisions::repeats(&ended, choice, acting_user) => {
            work.redraw(Redraw::stale_prompt(&ended.request));
            work.commit().await?;
            Ok(*ended)
        }
        Err(rejection) => refuse(work, &approval, click, rejection).await,
    }
}

/// Checks whether this person may still deny, before Slack opens the modal for the reason. `None` if they have already
/// denied. A refusal is audited.
#[tracing::instrument(name = "may_deny", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn may_deny(service: &Service, click: &Click) -> Result<Option<Approval>, ServiceError> {
    retrying!(check(service, click))
}

async fn check(service: &Service, click: &Click) -> Result<Option<Approval>, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let Click { workspace, approval, request, .. } = click;
    let Some(approval) =
        storage::tables::approvals::find_in_workspace(&mut work, workspace, *approval, *request).await?
    else {
        storage::tables::repeats::remember(&mut work, *request, now).await?;
        return elsewhere(work, click).await;
    };
    let entitled = delegations::entitlement(&mut work, &approval, &click.acting_user.user, now).await?;
    let allowed = decisions::may_decide(&approval.request, &click.acting_user, &entitled)
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

/// Records a click that opens a modal, and so decides nothing yet.
#[tracing::instrument(name = "remember_click", skip_all, fields(workspace = click.workspace, approval = %click.approval, user = %click.acting_user.user))]
pub async fn remember(service: &Service, click: &Click) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(storage::tables::repeats::remember(&mut db, click.request, service.now()).await?)
}

/// Commits the audit entry of a refused click, and returns the rejection.
pub(super) async fn refuse<T>(
    work: UnitOfWork,
    approval: &Approval,
    click: &Click,
    rejection: Rejection,
) -> Result<T, ServiceError> {
    let refused = decisions::refuse(&approval.request, &click.acting_user.user, &click.workspace, rejection);
    work.refuse(refused).await
}

/// Refuses a click on an approval of another workspace, or of one that the app was removed from. The entry goes to the
/// audit of the workspace that owns the approval.
pub(super) async fn elsewhere<T>(mut work: UnitOfWork, click: &Click) -> Result<T, ServiceError> {
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

/// Records a clicked message that the service did not know. Slack had posted it, but the response was lost, so the
/// prompt was posted a second time. From now on this message is updated as well. `approver`: the person beside the
/// approval's user whose message it is. `false` if it was known.
#[tracing::instrument(name = "adopt_prompt", skip_all, fields(workspace = %approval.request.workspace, approval = %approval.id()))]
pub async fn adopt_prompt(
    service: &Service,
    approval: &Approval,
    approver: Option<&UserId>,
    prompt: &Prompt,
) -> Result<bool, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let is_new = match approver {
        None => storage::tables::prompts::remember(&mut work, approval.id(), prompt, now).await?,
        Some(approver) => {
            let message = prompt_messages::find(&mut work, approval.id()).await?;
            let first = message.map_or(approval.id(), |(message, _)| message.first);
            approver_messages::remember(&mut work, first, approver, prompt, None, now).await?
        }
    };
    if is_new {
        work.redraw(Redraw::prompt(&approval.request));
    }
    work.commit().await?;
    Ok(is_new)
}
