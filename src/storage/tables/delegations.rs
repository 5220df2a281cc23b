//! The tables `delegations` and `delegation_notices`: who decides for whom, and what the two are told.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        delegations::{
            Begun, Delegation, DelegationReason, Delegations, EndReason, Ended, Notice, NoticeKind,
        },
        ids::{ApprovalId, DelegationId, DelegationNoticeId, UserId, WorkspaceId},
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow},
};

/// The most pending approvals of a user that are rendered again when a delegation begins or ends.
const PENDING: i64 = 1_000;

struct Row {
    id: Uuid,
    workspace_id: Uuid,
    user_id: String,
    delegate_id: String,
    reason: Option<String>,
    began_at: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl From<Row> for Delegation {
    fn from(row: Row) -> Self {
        Self {
            id: DelegationId::new(row.id),
            workspace: WorkspaceId::new(row.workspace_id),
            user: UserId::from_stored(row.user_id),
            delegate: UserId::from_stored(row.delegate_id),
            reason: row.reason.map(DelegationReason::from_stored),
            began_at: row.began_at,
            until: row.until,
        }
    }
}

/// Selects delegations that have not ended; the tail says which.
macro_rules! select_delegations {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            "SELECT id, workspace_id, user_id, delegate_id, reason, began_at, until FROM delegations
             WHERE ended_at IS NULL AND " + $tail
            $(, $arg)*
        )
    };
}

/// Saves a delegation that begins.
pub async fn begin(db: &mut PgConnection, begun: &Recorded<Begun>) -> sqlx::Result<()> {
    let Begun { delegation, notice } = &**begun;
    sqlx::query!(
        "INSERT INTO delegations (id, workspace_id, user_id, delegate_id, reason, began_at, until)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        delegation.id.uuid(),
        delegation.workspace.uuid(),
        delegation.user.as_str(),
        delegation.delegate.as_str(),
        delegation.reason.as_ref().map(DelegationReason::as_str),
        delegation.began_at,
        delegation.until
    )
    .execute(&mut *db)
    .await?;
    note(db, delegation, std::slice::from_ref(notice)).await
}

/// Saves that a delegation ended. Its row is locked.
pub async fn end(db: &mut PgConnection, ended: &Recorded<Ended>, now: DateTime<Utc>) -> sqlx::Result<()> {
    let Ended { delegation, by, why, notices } = &**ended;
    sqlx::query!(
        "UPDATE delegations SET ended_at = $2, ended_by = $3, ended_why = $4 WHERE id = $1 AND ended_at IS NULL",
        delegation.id.uuid(),
        now,
        by,
        why.as_str()
    )
    .execute(&mut *db)
    .await?;
    note(db, delegation, notices).await
}

async fn note(db: &mut PgConnection, delegation: &Delegation, notices: &[Notice]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = notices.iter().map(|notice| notice.id.uuid()).collect();
    let users: Vec<String> = notices.iter().map(|notice| notice.user.to_string()).collect();
    let kinds: Vec<String> = notices.iter().map(|notice| notice.kind.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO delegation_notices (id, workspace_id, delegation_id, user_id, kind)
         SELECT n.id, $4, $5, n.user_id, n.kind FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (id, user_id, kind)",
        &ids,
        &users,
        &kinds,
        delegation.workspace.uuid(),
        delegation.id.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks the delegation that a user gave, even if its time is over.
pub async fn lock_given(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
) -> sqlx::Result<Option<Delegation>> {
    let row = select_delegations!(
        "workspace_id = $1 AND user_id = $2 FOR NO KEY UPDATE",
        workspace.uuid(),
        user.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Delegation::from))
}

/// Locks a delegation of this workspace.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: DelegationId,
) -> sqlx::Result<Option<Delegation>> {
    let row =
        select_delegations!("workspace_id = $1 AND id = $2 FOR NO KEY UPDATE", workspace.uuid(), id.uuid())
            .fetch_optional(db)
            .await?;
    Ok(row.map(Delegation::from))
}

/// Locks the delegations that a person gave or received.
pub async fn lock_involving(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    person: &UserId,
) -> sqlx::Result<Vec<Delegation>> {
    let rows = select_delegations!(
        "workspace_id = $1 AND (user_id = $2 OR delegate_id = $2) ORDER BY id FOR NO KEY UPDATE",
        workspace.uuid(),
        person.as_str()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Delegation::from).collect())
}

/// Locks up to `limit` delegations whose time is over. Skips those that another transaction has locked.
pub async fn lock_over(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Delegation>> {
    let rows =
        select_delegations!("until <= $1 ORDER BY until LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED", now, limit)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().map(Delegation::from).collect())
}

/// The delegations that a person gave and received, and that are live.
pub async fn for_person(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    person: &UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Delegations> {
    let rows = select_delegations!(
        "workspace_id = $1 AND (user_id = $2 OR delegate_id = $2) AND until > $3 ORDER BY until, id",
        workspace.uuid(),
        person.as_str(),
        now
    )
    .fetch_all(db)
    .await?;
    let mut found = Delegations::default();
    for delegation in rows.into_iter().map(Delegation::from) {
        if delegation.user == *person {
            found.given = Some(delegation);
        } else {
            found.received.push(delegation);
        }
    }
    Ok(found)
}

/// The live delegations of a workspace that began before `before`, newest first, at most `limit`. `person`: only those
/// that they gave or received.
pub async fn list(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    person: Option<&UserId>,
    before: Option<DelegationId>,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Delegation>> {
    let rows = select_delegations!(
        "workspace_id = $1 AND until > $2 AND ($3::text IS NULL OR user_id = $3 OR delegate_id = $3)
         AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5",
        workspace.uuid(),
        now,
        person.map(UserId::as_str),
        before.map(DelegationId::uuid),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Delegation::from).collect())
}

/// Whether this workspace has or had the delegation.
pub async fn exists(db: &mut PgConnection, workspace: WorkspaceId, id: DelegationId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM delegations WHERE id = $1 AND workspace_id = $2) AS "exists!""#,
        id.uuid(),
        workspace.uuid()
    )
    .fetch_one(db)
    .await
}

/// The live delegation that a user gave.
pub async fn given(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Delegation>> {
    let row = select_delegations!(
        "workspace_id = $1 AND user_id = $2 AND until > $3",
        workspace.uuid(),
        user.as_str(),
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Delegation::from))
}

/// The live delegations that these people gave.
pub async fn given_by(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    people: &[&UserId],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Delegation>> {
    let people: Vec<String> = people.iter().map(ToString::to_string).collect();
    let rows = select_delegations!(
        "workspace_id = $1 AND user_id = ANY($2) AND until > $3 ORDER BY user_id",
        workspace.uuid(),
        &people,
        now
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Delegation::from).collect())
}

/// Which of these people delegate to this person now. Their delegations can't end before the transaction does.
pub async fn hold_delegators(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    delegate: &UserId,
    people: &[UserId],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<UserId>> {
    let people: Vec<String> = people.iter().map(ToString::to_string).collect();
    let users = sqlx::query_scalar!(
        "SELECT user_id FROM delegations
         WHERE workspace_id = $1 AND delegate_id = $2 AND user_id = ANY($3) AND ended_at IS NULL AND until > $4
         ORDER BY user_id FOR SHARE",
        workspace.uuid(),
        delegate.as_str(),
        &people,
        now
    )
    .fetch_all(db)
    .await?;
    Ok(users.into_iter().map(UserId::from_stored).collect())
}

/// The user's pending approvals.
pub async fn pending(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
) -> sqlx::Result<Vec<ApprovalId>> {
    let ids = sqlx::query_scalar!(
        // The comparisons say that they are this user's: see crate::storage::read_models::approvals.
        "SELECT p.id FROM approvals p
         WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.status = 'pending'
         ORDER BY p.user_id, p.id LIMIT $3",
        workspace.uuid(),
        user.as_str(),
        PENDING
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(ApprovalId::new).collect())
}

/// What a person has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// The notice.
    pub id: DelegationNoticeId,
    /// What they are told.
    pub kind: NoticeKind,
    /// The delegation, as it began.
    pub delegation: Delegation,
    /// Why it ended, if it did.
    pub ended: Option<EndReason>,
}

/// The oldest notice that a person did not get.
pub async fn untold(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    person: &UserId,
) -> sqlx::Result<Option<Untold>> {
    let row = sqlx::query!(
        "SELECT n.id, n.kind, d.id AS delegation_id, d.workspace_id, d.user_id, d.delegate_id, d.reason, d.began_at,
                d.until, d.ended_why
         FROM delegation_notices n JOIN delegations d ON d.id = n.delegation_id
         WHERE n.workspace_id = $1 AND n.user_id = $2 AND n.told_at IS NULL ORDER BY n.id LIMIT 1",
        workspace.uuid(),
        person.as_str()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = DelegationNoticeId::new(row.id);
    let kind = NoticeKind::from_stored(&row.kind);
    let kind = kind.ok_or_else(|| CorruptRow::new("delegation_notices", "kind", &id))?;
    let delegation = Delegation::from(Row {
        id: row.delegation_id,
        workspace_id: row.workspace_id,
        user_id: row.user_id,
        delegate_id: row.delegate_id,
        reason: row.reason,
        began_at: row.began_at,
        until: row.until,
    });
    let ended = row.ended_why.as_deref().map(|why| {
        EndReason::from_stored(why).ok_or_else(|| CorruptRow::new("delegations", "ended_why", &delegation.id))
    });
    Ok(Some(Untold { id, kind, ended: ended.transpose()?, delegation }))
}

/// Notes that the person is being told. Of several attempts it returns `true` for one.
pub async fn take(db: &mut PgConnection, id: DelegationNoticeId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE delegation_notices SET told_at = $2 WHERE id = $1 AND told_at IS NULL",
        id.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the person was not told after all, and may be told again.
pub async fn give_back(db: &mut PgConnection, id: DelegationNoticeId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE delegation_notices SET told_at = NULL WHERE id = $1", id.uuid()).execute(db).await?;
    Ok(())
}
