//! The daily digest of what ran without asking.
//!
//! It is sent once a user and day at most, over all instances, crashes and retries: that it is being sent is committed
//! before it is. If the process dies in between, or Slack does not confirm the message, the day has no digest; the
//! history has its calls.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Service, ServiceError, retrying};
pub use crate::{domain::digest::Digest, storage::tables::notifications::Unzoned};
use crate::{
    domain::{
        digests::{self, Window},
        effects::Redraw,
        ids::{UserId, WorkspaceId, id_bound},
        local_time::Zone,
    },
    storage::{
        read_models::digest,
        tables::{
            notifications,
            notifications::{Due, Planned},
        },
    },
};

/// How many users one transaction plans for.
const BATCH: i64 = 200;
/// Pause before the digest of a workspace without the app is looked at again.
const REMOVED: TimeDelta = TimeDelta::days(1);

/// Adds the users who gave a grant since this time, so that they get digests from their next day on.
pub async fn discover(service: &Service, since: DateTime<Utc>) -> Result<u64, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(notifications::discover(&mut db, id_bound(since), service.now()).await?)
}

/// Users whose digest is due and whose time zone has to be looked up, at most `limit`.
pub async fn unzoned(service: &Service, limit: i64) -> Result<Vec<Unzoned>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(notifications::unzoned(&mut db, service.now(), limit).await?)
}

/// Stores the time zone of a user for whom Slack says none in their profile.
pub async fn set_zone(service: &Service, user: &Unzoned, zone: Zone) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(notifications::set_zone(&mut db, user.workspace, &user.user, zone).await?)
}

/// Says when to look at a user's digest again. `None`: once they give another grant.
pub async fn postpone(
    service: &Service,
    workspace: WorkspaceId,
    user: &UserId,
    until: Option<DateTime<Utc>>,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(notifications::postpone(&mut db, workspace, user, until).await?)
}

/// Plans for users whose digest is due, and queues the digests of those for whom something ran. Returns for how many
/// users it planned, and whether more may be due.
#[tracing::instrument(name = "plan_digests", skip_all)]
pub async fn plan(service: &Service) -> Result<(usize, bool), ServiceError> {
    let planned = retrying!(try_plan(service))?;
    Ok((planned, i64::try_from(planned).is_ok_and(|planned| planned >= BATCH)))
}

async fn try_plan(service: &Service) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let due = notifications::due(&mut work, now, BATCH).await?;
    let (mut plans, mut shown) = (Vec::new(), Vec::new());
    for Due { workspace, user, removed, preferences, last } in due {
        let plan = digests::plan(&preferences, last, now);
        let next = if removed { now + REMOVED } else { plan.next };
        if let Some(window) = plan.window.filter(|_| plan.is_shown && !removed) {
            shown.push((workspace, user.clone(), window));
        }
        plans.push(Planned { workspace, user, zone: preferences.zone(), window: plan.window, next });
    }
    if plans.is_empty() {
        return Ok(0);
    }
    notifications::save_plans(&mut work, &plans).await?;
    let ran = digest::ran(&mut work, &shown).await?;
    for ((workspace, user, _), _) in shown.into_iter().zip(ran).filter(|(_, ran)| *ran) {
        let at = now + digests::delay(&user);
        work.redraw(Redraw::digest(workspace, user, at));
    }
    work.commit().await?;
    Ok(plans.len())
}

/// A user's digest that was not sent. `None` if there is none, if the user wants none, or if nothing ran.
pub async fn unsent(
    service: &Service,
    workspace: WorkspaceId,
    user: &UserId,
) -> Result<Option<(NaiveDate, Digest)>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(window) = notifications::unsent(&mut db, workspace, user).await? else { return Ok(None) };
    let Window { day, .. } = window;
    let digest = digest::digest(&mut db, workspace, user, &window, &service.open_fixed()).await?;
    Ok((digest.calls > 0).then_some((day, digest)))
}

/// Notes that the digest of a day is being sent. `false` if it was sent already.
pub async fn take(
    service: &Service,
    workspace: WorkspaceId,
    user: &UserId,
    day: NaiveDate,
) -> Result<bool, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(notifications::take(&mut db, workspace, user, day).await?)
}

/// Notes that the digest was not sent.
pub async fn give_back(
    service: &Service,
    workspace: WorkspaceId,
    user: &UserId,
    day: NaiveDate,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(notifications::give_back(&mut db, workspace, user, day).await?)
}
