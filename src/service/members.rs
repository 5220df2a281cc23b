//! Whoever is no full member any more keeps no standing permission: nobody would click to take it back.

use chrono::TimeDelta;

use super::{Failure, Service, commit, retrying, turn_off};
pub use crate::storage::members::Holder;
use crate::{
    domain::{audit::Actor, grants::Revocation, ids::WorkspaceId},
    storage::{grants::Which, members},
};

/// How long it is believed that somebody with standing permissions is still a member.
pub const BELIEVED: TimeDelta = TimeDelta::days(1);
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

/// Somebody is a member no more: what they allowed ends. Says how many grants that were.
pub async fn left(service: &Service, holder: &Holder) -> Result<usize, Failure> {
    retrying!(attempt(service, holder))
}

async fn attempt(service: &Service, holder: &Holder) -> Result<usize, Failure> {
    let mut tx = service.begin().await?;
    let which = Which { user: Some(&holder.user), ..Which::default() };
    let (actor, why) = (Actor::Service, Revocation::NoMember);
    let ended = turn_off::revoke(service, &mut tx, holder.workspace, &which, &actor, why).await?;
    members::note(&mut tx, holder, service.now()).await?;
    commit(tx).await?;
    Ok(ended.len())
}
