//! Whoever is no full member any more keeps no standing permission: nobody would click to take it back.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Failure, Service, commit, retrying, turn_off};
pub use crate::storage::members::Holder;
use crate::{
    domain::{
        audit::Actor,
        decisions::{Clicker, PersonKind},
        grants::Revocation,
        ids::WorkspaceId,
    },
    storage::{self, grants::Which, members},
};

/// How long it is believed that somebody with standing permissions is still a member.
pub const BELIEVED: TimeDelta = TimeDelta::days(1);
/// How long after somebody was found to have left they can give no standing permission. What Slack said of them before
/// may be remembered for a minute; this is longer by what clocks may differ and a click may take.
const DOUBT: TimeDelta = TimeDelta::minutes(2);
/// How many people are looked for at once.
const BATCH: i64 = 50;

/// Some of the people with standing permissions for whom nobody has looked for a day, but for those of the workspaces
/// `except`.
pub async fn unchecked(service: &Service, except: &[WorkspaceId]) -> Result<Vec<Holder>, Failure> {
    let mut db = service.db.acquire().await?;
    Ok(members::unchecked(&mut db, service.now() - BELIEVED, except, BATCH).await?)
}

/// Somebody is still a member.
pub async fn stayed(service: &Service, holder: &Holder) -> Result<(), Failure> {
    let mut db = service.db.acquire().await?;
    Ok(members::note(&mut db, holder, service.now()).await?)
}

/// Who clicked, as far as standing permissions go: somebody who was found to have left a moment ago is no member, whatever
/// was known of them when they clicked.
pub(super) fn as_known(clicker: &Clicker, left_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Clicker {
    let mut clicker = clicker.clone();
    if clicker.kind == PersonKind::Member && left_at.is_some_and(|left_at| now - left_at < DOUBT) {
        clicker.kind = PersonKind::Guest;
    }
    clicker
}

/// Somebody is a member no more: what they allowed ends. Says how many grants that were.
pub async fn left(service: &Service, holder: &Holder) -> Result<usize, Failure> {
    retrying!(attempt(service, holder))
}

async fn attempt(service: &Service, holder: &Holder) -> Result<usize, Failure> {
    let mut tx = service.begin().await?;
    storage::workspaces::hold(&mut tx, holder.workspace).await?;
    // First the person and then the grants: one that they are giving at this moment is there by then.
    members::leave(&mut tx, holder.workspace, &holder.user, service.now()).await?;
    let which = Which { user: Some(&holder.user), ..Which::default() };
    let (actor, why) = (Actor::Service, Revocation::NoMember);
    let ended = turn_off::revoke(service, &mut tx, holder.workspace, &which, &actor, why).await?;
    commit(tx).await?;
    Ok(ended.len())
}
