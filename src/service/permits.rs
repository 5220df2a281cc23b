//! A caller takes the permit of an approval, right before it runs the call.

use super::{Service, ServiceError, authenticate::Caller, retrying};
use crate::{
    domain::{
        approvals::Approval,
        decision::Decision,
        ids::ApprovalId,
        permits::{Permit, PermitContext, Usage},
        permitting::{self, Use},
        rejection::Rejection,
    },
    storage,
    storage::tables,
};

/// A permit, and whether an earlier call took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The permit.
    pub permit: Permit,
    /// Whether this call repeats the one that took it.
    pub repeated: bool,
}

/// Takes the permit of an approval of this caller. Once this returns, no other call gets it, and none got it before.
#[tracing::instrument(name = "use_approval", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend(), approval = %id))]
pub async fn take(
    service: &Service,
    caller: &Caller,
    id: ApprovalId,
    usage: &Usage,
) -> Result<Taken, ServiceError> {
    let taken = retrying!(attempt(service, caller, id, usage));
    let outcome = match &taken {
        Ok(Taken { repeated: false, .. }) => "used",
        Ok(Taken { repeated: true, .. }) => "repeated",
        Err(ServiceError::Rejected(rejection)) => rejection.code(),
        Err(_) => "error",
    };
    metrics::counter!("countersign_permits_total", "outcome" => outcome).increment(1);
    taken
}

async fn attempt(
    service: &Service,
    caller: &Caller,
    id: ApprovalId,
    usage: &Usage,
) -> Result<Taken, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let locked = storage::statements::decide::lock_of_caller(&mut work, caller.own(), id).await?;
    let approval = locked.ok_or(Rejection::UnknownApproval)?;
    // The approval's lock is taken first, as by every click, and the grant's after it. Who ends a grant locks no approval.
    let withdrawn = match approval.decision.as_ref().and_then(Decision::grant) {
        Some(grant) => tables::permits::hold_grant(&mut work, grant).await?,
        None => false,
    };
    let request = &approval.request;
    let (taken, pauses) = tables::permits::find(&mut work, (request.workspace, id)).await?;
    let pause = pauses.covering(request.backend, &request.agent.id).cloned().map(Box::new);
    let context = PermitContext { taken, withdrawn, pause };
    match permitting::take(&approval, context, usage.clone(), work.now()) {
        Ok(Use::Taken(permit)) => {
            let permit = work.record(permit);
            tables::permits::save(&mut work, &permit).await?;
            work.commit().await?;
            Ok(Taken { permit: permit.into_state(), repeated: false })
        }
        Ok(Use::Repeated(permit)) => {
            // The commit of the first call may be unconfirmed, and this one waits for the same confirmation.
            work.commit().await?;
            Ok(Taken { permit, repeated: true })
        }
        Err(rejection) => {
            if let Some(refused) = permitting::refuse(&approval, &rejection, usage, work.now()) {
                let (db, unwritten) = work.parts();
                tables::permit_refusals::save(db, unwritten, refused).await?;
                work.commit().await?;
            }
            Err(rejection.into())
        }
    }
}

/// Notes that a user is being told that an agent tried to run something other than what they approved, and returns the
/// approval. `None` if they were told already.
pub async fn take_misuse(service: &Service, id: ApprovalId) -> Result<Option<Approval>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let approval = tables::approvals::find(&mut db, id).await?;
    let is_first = tables::permit_refusals::take(&mut db, id, service.now()).await?;
    Ok(approval.filter(|_| is_first))
}

/// Notes that the user was not told after all.
pub async fn give_back_misuse(service: &Service, id: ApprovalId) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(tables::permit_refusals::give_back(&mut db, id).await?)
}
