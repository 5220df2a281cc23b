//! A person lets another decide their approvals until a date.

use super::{
    Service, ServiceError, UnitOfWork, recent_leavers, retrying,
    workspaces::{self, Origin},
};
pub use crate::storage::tables::delegations::Untold;
use crate::{
    domain::{
        approvals::Approval,
        approvers::{self, Entitlement},
        audit::Actor,
        delegations::{self as domain, Delegation, Delegations, EndReason, Wanted},
        effects::Redraw,
        ids::{DelegationId, DelegationNoticeId, UserId, WorkspaceId},
        panel::Panel,
        people::ActingUser,
        rejection::Rejection,
    },
    storage::{
        self, PgConnection,
        tables::{approver_answers, delegations},
    },
};

/// The most delegations that one transaction ends.
const BATCH: i64 = 20;

/// The live delegations that a person gave and received.
pub async fn for_person(
    service: &Service,
    slack_id: &str,
    person: &UserId,
) -> Result<Delegations, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    Ok(delegations::for_person(&mut db, workspace, person, service.now()).await?)
}

/// Begins a delegation. The one that the user gave before ends.
#[tracing::instrument(name = "delegate", skip_all, fields(workspace = origin.workspace, user = %acting_user.user))]
pub async fn begin(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    wanted: &Wanted,
) -> Result<Delegation, ServiceError> {
    retrying!(attempt(service, origin, acting_user, wanted))
}

async fn attempt(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    wanted: &Wanted,
) -> Result<Delegation, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let entered = workspaces::enter(&mut work, origin, &acting_user.user).await?;
    let acting_user = recent_leavers::as_known(acting_user, entered.left_at, now);
    let user = &acting_user.user;
    let earlier = delegations::lock_given(&mut work, entered.id, user).await?;
    let pending = delegations::pending(&mut work, entered.id, user).await?;
    let new_id = || service.new_id();
    let begun = domain::begin(entered.id, &acting_user, wanted.clone(), &pending, new_id, now)?;
    if let Some(earlier) = earlier {
        let why = if earlier.until <= now { EndReason::Over } else { EndReason::Replaced };
        let ended = domain::end(&earlier, &Actor::User(user.clone()), why, &[], new_id);
        let ended = work.record(ended);
        delegations::end(&mut work, &ended, now).await?;
    }
    let begun = work.record(begun);
    delegations::begin(&mut work, &begun).await?;
    work.commit().await?;
    Ok(begun.into_state().delegation)
}

/// Ends a delegation that the person gave or received. It succeeds if it has ended already.
#[tracing::instrument(name = "end_delegation", skip_all, fields(workspace = origin.workspace, user = %acting_user, delegation = %id))]
pub async fn end(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &UserId,
    id: DelegationId,
) -> Result<(), ServiceError> {
    retrying!(attempt_to_end(service, origin, acting_user, id))
}

async fn attempt_to_end(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &UserId,
    id: DelegationId,
) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let workspace = workspaces::enter(&mut work, origin, acting_user).await?.id;
    if let Some(delegation) = delegations::lock(&mut work, workspace, id).await? {
        let why = domain::may_end(&delegation, acting_user)?;
        finish(service, &mut work, &delegation, &Actor::User(acting_user.clone()), why).await?;
    }
    work.commit().await
}

/// The live delegations of a workspace that began before `before`, newest first, at most `limit`. `person`: only those
/// that they gave or received.
#[tracing::instrument(name = "list_delegations", skip_all, fields(%workspace))]
pub async fn list(
    service: &Service,
    workspace: WorkspaceId,
    person: Option<&UserId>,
    before: Option<DelegationId>,
    limit: i64,
) -> Result<Vec<Delegation>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(delegations::list(&mut db, workspace, person, before, service.now(), limit).await?)
}

/// Ends a delegation of the workspace, for the operator or a program of theirs. `false`: it has ended already.
#[tracing::instrument(name = "end_delegation_by_operator", skip_all, fields(%workspace, delegation = %id))]
pub async fn end_by_operator(
    service: &Service,
    workspace: WorkspaceId,
    id: DelegationId,
    actor: &Actor,
) -> Result<bool, ServiceError> {
    retrying!(attempt_to_end_by_operator(service, workspace, id, actor))
}

async fn attempt_to_end_by_operator(
    service: &Service,
    workspace: WorkspaceId,
    id: DelegationId,
    actor: &Actor,
) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    let Some(delegation) = delegations::lock(&mut work, workspace, id).await? else {
        let ended = delegations::exists(&mut work, workspace, id).await?;
        return if ended { Ok(false) } else { Err(Rejection::UnknownDelegation.into()) };
    };
    finish(service, &mut work, &delegation, actor, EndReason::Operator).await?;
    work.commit().await?;
    Ok(true)
}

async fn finish(
    service: &Service,
    work: &mut UnitOfWork,
    delegation: &Delegation,
    actor: &Actor,
    why: EndReason,
) -> Result<(), ServiceError> {
    let now = work.now();
    let pending = delegations::pending(work, delegation.workspace, &delegation.user).await?;
    let ended = domain::end(delegation, actor, why, &pending, || service.new_id());
    let ended = work.record(ended);
    Ok(delegations::end(work, &ended, now).await?)
}

/// Ends what a person gave and received, because they are no longer a full member. Their row is locked.
pub(super) async fn end_of_member(
    service: &Service,
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    person: &UserId,
) -> Result<(), ServiceError> {
    for delegation in delegations::lock_involving(work, workspace, person).await? {
        finish(service, work, &delegation, &Actor::Service, EndReason::NoMember).await?;
    }
    Ok(())
}

/// Ends up to `BATCH` delegations whose time is over. Returns how many. Their delegates can't decide anything since then.
#[tracing::instrument(name = "end_delegations", skip_all)]
pub async fn end_over(service: &Service) -> Result<usize, ServiceError> {
    retrying!(attempt_to_end_over(service))
}

async fn attempt_to_end_over(service: &Service) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let over = delegations::lock_over(&mut work, now, BATCH).await?;
    for delegation in &over {
        finish(service, &mut work, delegation, &Actor::Service, EndReason::Over).await?;
    }
    work.commit().await?;
    Ok(over.len())
}

/// In whose place the person who clicked may decide. Nothing is read for a user who decides their own approval.
pub(super) async fn entitlement(
    db: &mut PgConnection,
    approval: &Approval,
    acting_user: &UserId,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Entitlement, ServiceError> {
    let request = &approval.request;
    if !Entitlement::is_needed(request, acting_user) {
        return Ok(Entitlement::default());
    }
    let panel = match request.approvers {
        Some(_) => approver_answers::panel(db, request.id).await?,
        None => Panel::default(),
    };
    let people: Vec<UserId> = approvers::people(request, panel.escalated).into_iter().cloned().collect();
    let delegators = delegations::hold_delegators(db, request.workspace, acting_user, &people, now).await?;
    Ok(Entitlement { delegators, panel })
}

/// The oldest notice that a person did not get.
pub async fn untold(
    service: &Service,
    workspace: WorkspaceId,
    person: &UserId,
) -> Result<Option<Untold>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(delegations::untold(&mut db, workspace, person).await?)
}

/// Notes that a person is being told. `false` if they were told already.
pub async fn take(service: &Service, id: DelegationNoticeId) -> Result<bool, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(delegations::take(&mut db, id, service.now()).await?)
}

/// Notes that a person was not told after all.
pub async fn give_back(service: &Service, id: DelegationNoticeId) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(delegations::give_back(&mut db, id).await?)
}

/// Renders the prompts again of what a user's delegate may decide. A request that was made while the delegation began may
/// have been rendered without it.
pub async fn show_pending(service: &Service, delegation: &Delegation) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let pending = delegations::pending(&mut work, delegation.workspace, &delegation.user).await?;
    for id in pending {
        if storage::tables::approver_messages::for_approval(&mut work, id).await?.is_empty() {
            work.redraw(Redraw::prompts(delegation.workspace, [id]));
        }
    }
    work.commit().await
}
