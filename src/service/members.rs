//! Ending the grants, API keys and pending approvals of users who are no longer full members. They could neither decide nor be
//! expected to turn their grants off.

use chrono::TimeDelta;

use super::{Service, ServiceError, delegations, give_up, retrying, turn_off, user_keys};
pub use crate::storage::tables::members::{After, Holder, Page};
use crate::{
    domain::{
        audit::Actor,
        ids::{UserId, WorkspaceId},
        revocation::Revocation,
        text::Prose,
    },
    storage,
    storage::tables::{grants::GrantFilter, members},
};

/// How long a membership check of a user with grants or pending approvals stays valid.
pub const BELIEVED: TimeDelta = TimeDelta::days(1);
/// How many users one statement looks at.
const PAGE: i64 = 100;
/// The maximum number of approvals per transaction.
const BATCH: i64 = 50;
/// The reason that backends get.
const WHY: &str = "the user is no longer a full member of the workspace, and can't decide";

/// What ended with a user's membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The number of live grants.
    pub grants: usize,
    /// The number of pending approvals.
    pub approvals: usize,
}

/// A page of the users with grants, API keys or pending approvals: those whose membership was not checked for a day, without those
/// in the workspaces `except`.
pub async fn unchecked(
    service: &Service,
    except: &[WorkspaceId],
    after: &After,
) -> Result<Page, ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    Ok(members::unchecked(&mut db, service.now() - BELIEVED, except, after, PAGE).await?)
}

/// A user of the workspace with this Slack id. `None` if the app is not installed there.
pub async fn holder(service: &Service, slack_id: &str, user: UserId) -> Result<Option<Holder>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::workspaces::find_by_slack_id(&mut db, slack_id).await?;
    let found = found.filter(|workspace| !workspace.removed);
    Ok(found.map(|workspace| Holder { workspace: workspace.id, slack_id: workspace.slack_id, user }))
}

/// Records that a user is still a member.
pub async fn stayed(service: &Service, holder: &Holder) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(members::note(&mut db, holder, service.now()).await?)
}

/// Ends the grants, API keys and pending approvals of a user who is no longer a member.
#[tracing::instrument(name = "end_membership", skip_all, fields(workspace = %holder.workspace, user = %holder.user))]
pub async fn left(service: &Service, holder: &Holder) -> Result<Ended, ServiceError> {
    // Grants end first, because agents can use them without asking.
    let grants = retrying!(revoke(service, holder))?;
    let mut approvals = 0;
    loop {
        match retrying!(end_pending(service, holder))? {
            0 => return Ok(Ended { grants, approvals }),
            ended => approvals += ended,
        }
    }
}

async fn revoke(service: &Service, holder: &Holder) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    storage::tables::workspaces::hold(&mut work, holder.workspace).await?;
    // The user's row is locked before the grants are read, so that a grant that is being given at this moment is
    // included.
    let now = work.now();
    members::leave(&mut work, holder.workspace, &holder.user, now).await?;
    let filter = GrantFilter { user: Some(&holder.user), ..GrantFilter::default() };
    let (actor, why) = (Actor::Service, Revocation::NoMember);
    let ended = turn_off::revoke(&mut work, holder.workspace, &filter, &actor, why).await?;
    user_keys::end_of_user(&mut work, holder.workspace, &holder.user).await?;
    delegations::end_of_member(service, &mut work, holder.workspace, &holder.user).await?;
    work.commit().await?;
    Ok(ended.len())
}

async fn end_pending(service: &Service, holder: &Holder) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let (whose, except) = ((holder.workspace, &holder.user), service.unreadable.at(now));
    let pending = storage::tables::approvals::lock_pending_of(&mut work, whose, &except, BATCH).await?;
    service.unreadable.leave_out(&pending.unreadable, now);
    let count =
        give_up::end(service, &mut work, &pending.approvals, &Prose::from_stored(WHY.to_owned())).await?;
    work.commit().await?;
    Ok(count)
}

/// Like [`left`], and logs what ended.
pub async fn end(service: &Service, holder: &Holder) -> Result<(), ServiceError> {
    let Ended { grants, approvals } = left(service, holder).await?;
    let Holder { slack_id, user, .. } = holder;
    tracing::warn!(workspace = slack_id, %user, grants, approvals, "Grants and pending approvals ended: the user is no longer a full member");
    Ok(())
}
