//! Slack can't show an approval, for good.

use super::{Failure, Service, commit, retrying};
use crate::{
    domain::{decisions, ids::ApprovalId, text::Prose},
    storage,
};

/// Ends a pending approval as undeliverable. `false`: it had ended already.
pub async fn give_up(service: &Service, id: ApprovalId, why: &Prose) -> Result<bool, Failure> {
    retrying!(attempt(service, id, why))
}

async fn attempt(service: &Service, id: ApprovalId, why: &Prose) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    let Some(approval) = storage::decide::lock(&mut tx, id).await? else { return Ok(false) };
    let Some((ended, effects)) = decisions::give_up(&approval, why.clone(), service.now()) else {
        return Ok(false);
    };
    if let Some(decision) = &ended.decision {
        storage::decide::save(&mut tx, &ended, decision, &effects, || service.fresh()).await?;
    }
    commit(tx).await?;
    Ok(true)
}
