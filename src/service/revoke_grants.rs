//! An admin, the operator or a program of theirs revokes grants of any users, who are told.

use super::{
    Service, ServiceError, UnitOfWork, action_paths,
    authenticate::AdminCaller,
    retrying, unlock,
    workspaces::{self, Origin},
};
pub use crate::storage::{read_models::grants::Filter, tables::revocations::Untold};
use crate::{
    domain::{
        action_path::ActionPath,
        audit::Actor,
        ids::{ActionId, GrantId, RevocationId, UserId, WorkspaceId},
        overview::{GrantsPage, RevocationNotice, UserGrantLine},
        rejection::Rejection,
        revocation::{self, RevocationReason},
    },
    storage,
    storage::{
        read_models::grants as list,
        tables::{grants, grants::GrantFilter, revocations},
    },
};

/// How many grants a page shows to an admin.
const SHOWN: i64 = 10;
/// The most grants that a notice names.
const NAMED: i64 = 10;

/// Which grants to revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantChoice {
    /// This one.
    One(GrantId),
    /// All of a user, of an action, or of both.
    All {
        /// The user.
        user: Option<UserId>,
        /// The action.
        action: Option<ActionId>,
    },
}

/// Live grants of the workspace, newest first, at most `limit` of those given before `before`.
#[tracing::instrument(name = "list_grants", skip_all, fields(%workspace))]
pub async fn list(
    service: &Service,
    workspace: WorkspaceId,
    filter: &Filter,
    before: Option<GrantId>,
    limit: i64,
) -> Result<Vec<UserGrantLine>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let open = service.open_fixed();
    Ok(list::list(&mut db, workspace, filter, before, service.now(), (0, limit), &open).await?)
}

/// A page of live grants, for an admin, whose rights the caller has just checked.
#[tracing::instrument(name = "show_grants", skip_all, fields(workspace = slack_id))]
pub async fn page(
    service: &Service,
    slack_id: &str,
    user: Option<UserId>,
    page: usize,
) -> Result<GrantsPage, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    let filter = Filter { user, ..Filter::default() };
    let skip = i64::try_from(page).unwrap_or(i64::MAX).saturating_mul(SHOWN);
    // One more than is shown tells whether there is another page.
    let (limits, open) = ((skip, SHOWN + 1), service.open_fixed());
    let mut lines = list::list(&mut db, workspace, &filter, None, service.now(), limits, &open).await?;
    let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let more = lines.len() > shown;
    lines.truncate(shown);
    Ok(GrantsPage { user: filter.user, page, lines, more })
}

/// One live grant, for the admin who is about to revoke it.
pub async fn one(service: &Service, slack_id: &str, id: GrantId) -> Result<UserGrantLine, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    let found = list::find(&mut db, workspace, id, service.now(), &service.open_fixed()).await?;
    Ok(found.ok_or(Rejection::UnknownGrant)?)
}

/// Revokes grants, for the operator. Returns how many. Once this returns, they approve nothing.
#[tracing::instrument(name = "revoke_grants", skip_all, fields(%workspace))]
pub async fn revoke(
    service: &Service,
    workspace: WorkspaceId,
    which: &GrantChoice,
    reason: Option<&RevocationReason>,
) -> Result<usize, ServiceError> {
    retrying!(attempt(service, workspace, which, reason, &Actor::Operator))
}

/// The same with an admin key. A grant that has ended already is no error: it returns 0.
#[tracing::instrument(name = "revoke_grants_by_key", skip_all, fields(workspace = %caller.workspace()))]
pub async fn revoke_by_key(
    service: &Service,
    caller: &AdminCaller,
    which: &GrantChoice,
    reason: Option<&RevocationReason>,
) -> Result<usize, ServiceError> {
    let (workspace, actor) = (caller.workspace(), caller.actor());
    let result = retrying!(attempt(service, workspace, which, reason, &actor));
    match (result, which) {
        (Err(ServiceError::Rejected(Rejection::UnknownGrant)), GrantChoice::One(id)) => {
            let mut db = service.db.acquire().await?;
            let ended = grants::exists(&mut db, workspace, *id).await?;
            if ended { Ok(0) } else { Err(Rejection::UnknownGrant.into()) }
        }
        (result, _) => result,
    }
}

/// The action that a name means. Rejected if there is none; `Err`: several have this name.
pub async fn action(
    service: &Service,
    workspace: WorkspaceId,
    path: &ActionPath,
) -> Result<Result<ActionId, usize>, ServiceError> {
    let mut db = service.db.acquire().await?;
    match action_paths::existing(&mut db, workspace, path).await?.as_slice() {
        [] => Err(Rejection::UnknownAction.into()),
        [(id, _)] => Ok(Ok(*id)),
        several => Ok(Err(several.len())),
    }
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    which: &GrantChoice,
    reason: Option<&RevocationReason>,
    actor: &Actor,
) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    let revoked = apply(service, &mut work, workspace, which, actor, reason).await?;
    work.commit().await?;
    Ok(revoked)
}

/// Revokes grants, for an admin's click. The caller has just checked the admin's rights.
#[tracing::instrument(name = "revoke_grants_by_admin", skip_all, fields(workspace = origin.workspace, user = %admin))]
pub async fn revoke_by_admin(
    service: &Service,
    origin: Origin<'_>,
    which: &GrantChoice,
    reason: Option<&RevocationReason>,
    admin: &UserId,
) -> Result<usize, ServiceError> {
    retrying!(attempt_by_admin(service, origin, which, reason, admin))
}

async fn attempt_by_admin(
    service: &Service,
    origin: Origin<'_>,
    which: &GrantChoice,
    reason: Option<&RevocationReason>,
    admin: &UserId,
) -> Result<usize, ServiceError> {
    let (mut work, workspace) = unlock::for_admin(service, origin, admin, true).await?;
    let actor = Actor::User(admin.clone());
    let revoked = apply(service, &mut work, workspace, which, &actor, reason).await?;
    work.commit().await?;
    Ok(revoked)
}

async fn apply(
    service: &Service,
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    which: &GrantChoice,
    actor: &Actor,
    reason: Option<&RevocationReason>,
) -> Result<usize, ServiceError> {
    let actions;
    let filter = match which {
        GrantChoice::One(grant) => GrantFilter { id: Some(*grant), ..GrantFilter::default() },
        GrantChoice::All { user, action } => {
            actions = action.map(|action| [action]);
            let actions = actions.as_ref().map(<[ActionId; 1]>::as_slice);
            GrantFilter { user: user.as_ref(), actions, ..GrantFilter::default() }
        }
    };
    let mut live = grants::lock(work, workspace, &filter).await?;
    if let GrantChoice::One(_) = which {
        let grant = live.pop().ok_or(Rejection::UnknownGrant)?;
        live = if grant.covers_every_call() {
            // The next call has to ask in every conversation, as when the user turns an *always* grant off.
            let (user, actions) = (Some(&grant.user), Some(std::slice::from_ref(&grant.action)));
            let all = GrantFilter { user, actions, ..GrantFilter::default() };
            grants::lock(work, workspace, &all).await?
        } else {
            vec![grant]
        };
    }
    let ids: Vec<GrantId> = live.iter().map(|grant| grant.id).collect();
    let shown = storage::tables::approvals::that_left(work, &ids).await?;
    let new_id = || service.new_id();
    let Some(change) = revocation::revoke_for_others(workspace, live, &shown, actor, reason.cloned(), new_id)
    else {
        return Ok(0);
    };
    let (change, now) = (work.record(change), work.now());
    grants::revoke(work, &change, now).await?;
    revocations::save(work, workspace, &change, now).await?;
    Ok(ids.len())
}

/// The oldest revocation that a user was not notified of.
pub async fn untold(
    service: &Service,
    workspace: WorkspaceId,
    user: &UserId,
) -> Result<Option<(RevocationId, RevocationNotice)>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(untold) = revocations::untold(&mut db, workspace, user).await? else { return Ok(None) };
    let (grants, total) = list::of_revocation(&mut db, untold.id, NAMED, &service.open_fixed()).await?;
    let Untold { id, admin, reason, .. } = untold;
    Ok(Some((id, RevocationNotice { admin, reason, grants, total })))
}

/// Notes that a user is being told. `false` if they were told already.
pub async fn take(service: &Service, id: RevocationId) -> Result<bool, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(revocations::take(&mut db, id, service.now()).await?)
}

/// Notes that a user was not told after all.
pub async fn give_back(service: &Service, id: RevocationId) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(revocations::give_back(&mut db, id).await?)
}
