//! Slack can't show an approval, for good.

use super::{Failure, Service, commit, retrying};
use crate::{
    domain::{approvals::Approval, decisions, ids::ApprovalId, text::Prose},
    storage::{self, Tx},
};

/// Ends a pending approval as undeliverable. `false`: it had ended already.
pub async fn give_up(service: &Service, id: ApprovalId, why: &Prose) -> Result<bool, Failure> {
    retrying!(attempt(service, id, why))
}

async fn attempt(service: &Service, id: ApprovalId, why: &Prose) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    let Some(approval) = storage::decide::lock(&mut tx, id).await? else { return Ok(false) };
    let count = end(service, &mut tx, &[approval], why).await?;
    commit(tx).await?;
    Ok(count == 1)
}

/// Ends those of the approvals that are pending, all of them locked by this transaction. Returns how many.
pub(super) async fn end(
    service: &Service,
    tx: &mut Tx,
    approvals: &[Approval],
    why: &Prose,
) -> Result<usize, Failure> {
    let mut count = 0;
    for approval in approvals {
        let Some((ended, effects)) = decisions::give_up(approval, why.clone(), service.now()) else {
            continue;
        };
        if let Some(decision) = &ended.decision {
            storage::decide::save(tx, &ended, decision, &effects, || service.fresh()).await?;
            count += 1;
        }
    }
    Ok(count)
}
