//! A person opens the details of a request that must be read.

use super::{Service, ServiceError, retrying};
use crate::{
    domain::{
        ids::{ApprovalId, UserId},
        must_read,
        rejection::Rejection,
    },
    storage::tables::{approvals, details_opened},
};

/// Records that a person has opened the details, once. Nothing is recorded of other requests. The caller has shown the
/// details before: a crash in between leaves the request unread, and the person opens them again.
#[tracing::instrument(name = "open_details", skip_all, fields(workspace, %user, %approval))]
pub async fn opened(
    service: &Service,
    workspace: &str,
    approval: ApprovalId,
    user: &UserId,
) -> Result<(), ServiceError> {
    retrying!(attempt(service, workspace, approval, user))
}

async fn attempt(
    service: &Service,
    workspace: &str,
    approval: ApprovalId,
    user: &UserId,
) -> Result<(), ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let found = approvals::find_in_workspace(&mut work, workspace, approval, None).await?;
    let found = found.ok_or(Rejection::UnknownApproval)?;
    if let Some(opened) = must_read::opened(&found, user) {
        let now = work.now();
        let (db, unwritten) = work.parts();
        details_opened::save(db, unwritten, opened, now).await?;
    }
    work.commit().await
}
