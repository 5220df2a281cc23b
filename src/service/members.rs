//! A user who is no longer a full member keeps no grants and no pending approvals: they could not decide, and could not
//! be expected to turn their grants off.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Service, ServiceError, give_up, retrying, turn_off};
pub use crate::storage::tables::members::Holder;
use crate::{
    domain::{
        audit::Actor,
        ids::{UserId, WorkspaceId},
        people::{ActingUser, PersonKind},
        revocation::Revocation,
        text::Prose,
    },
    storage,
    storage::tables::{grants::GrantFilter, members},
};

/// How long it is believed that somebody with standing permissions is still a member.
pub const BELIEVED: TimeDelta = TimeDelta::days(1);
/// How long after somebody was found to have left they can give no standing permission. What Slack said of them before
/// may be remembered for a minute; this is longer by what clocks may differ and a click may take.
const DOUBT: TimeDelta = TimeDelta::minutes(2);
/// How many people are looked for, and how many approvals one transaction ends, at once.
const BATCH: i64 = 50;
/// What backends are told.
const WHY: &str = "the user is no longer a full member of the workspace, and can't decide";

/// What ended with a user's membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Grants that were live.
    pub grants: usize,
    /// Approvals that were pending.
    pub approvals: usize,
}

/// Some of the people with standing permissions or pending approvals for whom nobody has looked for a day, but for those
/// of the workspaces `except`.
pub async fn unchecked(service: &Service, except: &[WorkspaceId]) -> Result<Vec<Holder>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(members::unchecked(&mut db, service.now() - BELIEVED, except, BATCH).await?)
}

/// This user of the workspace with this Slack id. `None`: the app is not installed there.
pub async fn holder(service: &Service, slack_id: &str, user: UserId) -> Result<Option<Holder>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::workspaces::find_by_slack_id(&mut db, slack_id).await?;
    let found = found.filter(|workspace| !workspace.removed);
    Ok(found.map(|workspace| Holder { workspace: workspace.id, slack_id: workspace.slack_id, user }))
}

/// Somebody is still a member.
pub async fn stayed(service: &Service, holder: &Holder) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(members::note(&mut db, holder, service.now()).await?)
}

/// Who clicked, as far as standing permissions go: somebody who was found to have left a moment ago is no member, whatever
/// was known of them when they clicked.
pub(super) fn as_known(
    acting_user: &ActingUser,
    left_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> ActingUser {
    let mut acting_user = acting_user.clone();
    if acting_user.kind == PersonKind::Member && has_left(left_at, now) {
        acting_user.kind = PersonKind::Guest;
    }
    acting_user
}

/// Whether the user was found to have left within [`DOUBT`], so that an older profile of theirs may be wrong.
pub(super) fn has_left(left_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    left_at.is_some_and(|left_at| now - left_at < DOUBT)
}

/// Ends the grants and pending approvals of a user who is no longer a member.
#[tracing::instrument(name = "end_membership", skip_all, fields(workspace = %holder.workspace, user = %holder.user))]
pub async fn left(service: &Service, holder: &Holder) -> Result<Ended, ServiceError> {
    // What they allowed goes first, as agents use it without asking.
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
    // First the person and then the grants: one that they are giving at this moment is there by then.
    let now = work.now();
    members::leave(&mut work, holder.workspace, &holder.user, now).await?;
    let filter = GrantFilter { user: Some(&holder.user), ..GrantFilter::default() };
    let (actor, why) = (Actor::Service, Revocation::NoMember);
    let ended = turn_off::revoke(&mut work, holder.workspace, &filter, &actor, why).await?;
    work.commit().await?;
    Ok(ended.len())
}

async fn end_pending(service: &Service, holder: &Holder) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let (whose, except) = ((holder.workspace, &holder.user), service.unreadable.at(now));
    let pending = storage::tables::approvals::lock_pending_of(&mut work, whose, &except, BATCH).await?;
    service.unreadable.leave_out(&pending.unreadable, now);
    let count = give_up::end(&mut work, &pending.approvals, &Prose::from_stored(WHY.to_owned())).await?;
    work.commit().await?;
    Ok(count)
}

/// The same, and logs what ended.
pub async fn end(service: &Service, holder: &Holder) -> Result<(), ServiceError> {
    let Ended { grants, approvals } = left(service, holder).await?;
    let Holder { slack_id, user, .. } = holder;
    tracing::warn!(workspace = slack_id, %user, grants, approvals, "Grants and pending approvals ended: the user is no longer a full member");
    Ok(())
}
