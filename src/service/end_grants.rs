//! Ending the grants whose time is over or whose uses are used up, with an audit entry for each. They cover nothing from
//! that moment on, whether or not this has run: requests are judged by the time and by the uses that are left.

use super::{Service, ServiceError, retrying, turn_off};
use crate::{
    domain::{audit::Actor, revocation::Revocation},
    storage::tables::{grants, grants::GrantFilter},
};

/// The maximum number of grants per transaction.
const BATCH: i64 = 50;

/// Ends up to `BATCH` grants. Returns how many were due.
#[tracing::instrument(name = "end_grants", skip_all)]
pub async fn end(service: &Service) -> Result<usize, ServiceError> {
    retrying!(attempt(service))
}

async fn attempt(service: &Service) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let over = grants::lock_over(&mut work, now, BATCH).await?;
    for grant in &over {
        let filter = GrantFilter { id: Some(grant.id), ..GrantFilter::default() };
        let why = if grant.is_expired { Revocation::Expired } else { Revocation::UsedUp };
        turn_off::revoke(&mut work, grant.workspace, &filter, &Actor::Service, why).await?;
    }
    if !over.is_empty() {
        work.commit().await?;
    }
    Ok(over.len())
}
