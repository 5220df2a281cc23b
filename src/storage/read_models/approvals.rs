//! The table `approvals`, as a backend has its own listed. Each way to narrow the list down is a statement of its own,
//! so that Postgres plans each for the index that goes straight there.
//!
//! `column >= $1 AND column <= $1 … ORDER BY column DESC, id DESC` says `column = $1 … ORDER BY id DESC`, except that only
//! an index on both columns has that order. For the plain form Postgres may choose the primary key, if its statistics say
//! that enough of the newest rows match, and then reads every row of every partition for a backend or user with few.

use uuid::Uuid;

use crate::{
    domain::{
        approvals::{Approval, Status},
        callers::OwnApprovals,
        ids::{ApprovalId, UserId, WorkspaceId},
        outcome::Outcome,
    },
    storage::{
        PgConnection,
        tables::approvals::{ApprovalRow, select_approvals},
    },
};

/// Which approvals a backend wants listed.
#[derive(Debug, Default)]
pub struct Filter {
    /// In this status.
    pub status: Option<Status>,
    /// Asked of this user.
    pub user: Option<UserId>,
    /// In this conversation.
    pub conversation: Option<String>,
    /// Older than this one.
    pub before: Option<ApprovalId>,
}

/// The approvals of a backend in one status. The status stands in the statement: only so does Postgres know how few
/// there are of it.
macro_rules! in_status {
    ($status:literal, $db:expr, $backend:expr, $before:expr, $limit:expr) => {
        select_approvals!(
            "WHERE p.backend_id >= $1 AND p.backend_id <= $1 AND p.id < $2 AND p.status = '"
                + $status
                + "' ORDER BY p.backend_id DESC, p.id DESC LIMIT $3",
            $backend.uuid(),
            $before,
            $limit
        )
        .fetch_all($db)
        .await?
    };
}

/// The approvals that a caller may see, newest first, at most `limit`.
pub async fn list(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    own: &OwnApprovals,
    filter: &Filter,
    limit: i64,
) -> sqlx::Result<Vec<Approval>> {
    let before = filter.before.map_or_else(Uuid::max, ApprovalId::uuid);
    let status = filter.status.map(Status::as_str);
    let backend = own.backend();
    let user = match (own.user(), &filter.user) {
        (Some(own), Some(wanted)) if own != wanted => return Ok(Vec::new()),
        (own, wanted) => own.or(wanted.as_ref()).map(UserId::as_str),
    };
    let rows = match (&filter.conversation, user, filter.status) {
        (Some(conversation), ..) => {
            select_approvals!(
                "WHERE p.backend_id = $1 AND p.id < $2 AND p.conversation_id >= $3 AND p.conversation_id <= $3
                   AND ($4::text IS NULL OR p.user_id = $4) AND ($5::text IS NULL OR p.status = $5)
                 ORDER BY p.conversation_id DESC, p.id DESC LIMIT $6",
                backend.uuid(),
                before,
                conversation,
                user,
                status,
                limit
            )
            .fetch_all(db)
            .await?
        }
        (None, Some(user), Some(Status::Pending)) => {
            select_approvals!(
                "WHERE p.backend_id = $1 AND p.id < $2 AND p.workspace_id = $3 AND p.user_id >= $4 AND p.user_id <= $4
                   AND p.status = 'pending'
                 ORDER BY p.user_id DESC, p.id DESC LIMIT $5",
                backend.uuid(),
                before,
                workspace.uuid(),
                user,
                limit
            )
            .fetch_all(db)
            .await?
        }
        (None, Some(user), Some(Status::Ended(outcome))) if outcome != Outcome::Approved => {
            // Most of a user's approvals were approved by a grant. The conditions are those of approvals_decided_later,
            // which has only the others; without an order, Postgres takes no index that has it.
            select_approvals!(
                @ "WITH ended AS MATERIALIZED (
                       SELECT e.id FROM approvals e
                       WHERE e.workspace_id = $3 AND e.user_id = $4 AND e.decided_at IS NOT NULL
                         AND (e.decided_by <> 'auto' OR e.status <> 'approved')
                         AND e.backend_id = $1 AND e.id < $2 AND e.status = $5)
                   ";
                "WHERE p.id = ANY(ARRAY(SELECT e.id FROM ended e ORDER BY e.id DESC LIMIT $6)) ORDER BY p.id DESC",
                backend.uuid(),
                before,
                workspace.uuid(),
                user,
                outcome.as_str(),
                limit
            )
            .fetch_all(db)
            .await?
        }
        (None, Some(user), _) => {
            select_approvals!(
                "WHERE p.backend_id = $1 AND p.id < $2 AND p.workspace_id = $3 AND p.user_id >= $4 AND p.user_id <= $4
                   AND ($5::text IS NULL OR p.status = $5)
                 ORDER BY p.user_id DESC, p.id DESC LIMIT $6",
                backend.uuid(),
                before,
                workspace.uuid(),
                user,
                status,
                limit
            )
            .fetch_all(db)
            .await?
        }
        (None, None, None) => {
            select_approvals!(
                "WHERE p.backend_id >= $1 AND p.backend_id <= $1 AND p.id < $2
                 ORDER BY p.backend_id DESC, p.id DESC LIMIT $3",
                backend.uuid(),
                before,
                limit
            )
            .fetch_all(db)
            .await?
        }
        (None, None, Some(status)) => match status {
            Status::Pending => in_status!("pending", db, backend, before, limit),
            Status::Ended(Outcome::Approved) => in_status!("approved", db, backend, before, limit),
            Status::Ended(Outcome::Denied) => in_status!("denied", db, backend, before, limit),
            Status::Ended(Outcome::Expired) => in_status!("expired", db, backend, before, limit),
            Status::Ended(Outcome::Cancelled) => in_status!("cancelled", db, backend, before, limit),
            Status::Ended(Outcome::Undeliverable) => in_status!("undeliverable", db, backend, before, limit),
        },
    };
    Ok(rows.into_iter().map(ApprovalRow::read).collect::<Result<_, _>>()?)
}
