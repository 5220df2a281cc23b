//! The tables `approver_answers`, `asked_approvers` and `approval_escalations`: what the people answered who decide an
//! approval instead of its user, for whom it waits, and whether it waits for more of them. What a rule says of them stands
//! in `approvals`.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        approvals::Approval,
        approvers,
        decisions::Escalated,
        ids::{ApprovalId, UserId},
        panel::{Answer, ApproverSpec, Panel},
    },
    storage::{PgConnection, effects::Recorded},
};

/// How long a row about an escalation is kept: longer than an approval can be pending.
const KEPT: TimeDelta = TimeDelta::days(15);

/// Saves who decides a new approval, in the transaction that creates it.
pub async fn attach(db: &mut PgConnection, approval: &Approval, spec: &ApproverSpec) -> sqlx::Result<()> {
    let asked: Vec<String> =
        approvers::people(&approval.request, false).into_iter().map(ToString::to_string).collect();
    let escalate_at = spec.escalation().map(|escalation| approval.request.created_at + escalation.after);
    sqlx::query!(
        "-- named: who decides.
         -- asked: for whom it waits.
         -- The last part lets more people decide later, if the rule says so. One statement: two round trips less.
         WITH named AS (UPDATE approvals SET approvers = $2 WHERE id = $1),
         asked AS (
             INSERT INTO asked_approvers (approval_id, workspace_id, person)
             SELECT $1, $4, person FROM unnest($5::text[]) AS p (person))
         INSERT INTO approval_escalations (approval_id, due_at) SELECT $1, $3 WHERE $3::timestamptz IS NOT NULL",
        approval.id().uuid(),
        spec.to_stored(),
        escalate_at,
        approval.request.workspace.uuid(),
        &asked
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How far the people are.
pub async fn panel(db: &mut PgConnection, approval: ApprovalId) -> sqlx::Result<Panel> {
    let escalated = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM approval_escalations WHERE approval_id = $1 AND escalated_at IS NOT NULL)
           AS "escalated!""#,
        approval.uuid()
    )
    .fetch_one(&mut *db)
    .await?;
    let rows = sqlx::query!(
        "SELECT person, clicked_by, approves, answered_at FROM approver_answers WHERE approval_id = $1
         ORDER BY answered_at, person",
        approval.uuid()
    )
    .fetch_all(db)
    .await?;
    let answers = rows.into_iter().map(|row| Answer {
        person: UserId::from_stored(row.person),
        clicked_by: UserId::from_stored(row.clicked_by),
        approves: row.approves,
        answered_at: row.answered_at,
    });
    Ok(Panel { escalated, answers: answers.collect() })
}

/// Whether an escalation is still to come.
pub async fn will_escalate(db: &mut PgConnection, approval: ApprovalId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM approval_escalations WHERE approval_id = $1 AND escalated_at IS NULL)
           AS "waits!""#,
        approval.uuid()
    )
    .fetch_one(db)
    .await
}

/// Saves an answer that ends the approval, before the decision. The approval is locked.
pub async fn save(db: &mut PgConnection, approval: ApprovalId, answer: &Answer) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO approver_answers (approval_id, person, clicked_by, approves, answered_at)
         VALUES ($1, $2, $3, $4, $5)",
        approval.uuid(),
        answer.person.as_str(),
        answer.clicked_by.as_str(),
        answer.approves,
        answer.answered_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Saves an answer after which others have to answer. The approval is locked.
pub async fn save_waiting(
    db: &mut PgConnection,
    approval: ApprovalId,
    answer: &Recorded<Answer>,
) -> sqlx::Result<()> {
    save(db, approval, answer).await
}

/// The approvals whose escalation is due, at most `limit`.
pub async fn due(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<ApprovalId>> {
    let ids = sqlx::query_scalar!(
        "SELECT approval_id FROM approval_escalations WHERE due_at <= $1 AND due_at > $3 AND escalated_at IS NULL
         ORDER BY due_at LIMIT $2",
        now,
        limit,
        now - KEPT
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(ApprovalId::new).collect())
}

/// Saves that an approval was escalated. It is locked.
pub async fn escalate(
    db: &mut PgConnection,
    escalated: &Recorded<Escalated>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let people: Vec<String> = escalated.people.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "-- asked: for whom it waits from now on, too.
         WITH asked AS (
             INSERT INTO asked_approvers (approval_id, workspace_id, person)
             SELECT $1, $3, person FROM unnest($4::text[]) AS p (person) ON CONFLICT DO NOTHING)
         UPDATE approval_escalations SET escalated_at = $2 WHERE approval_id = $1",
        escalated.approval.uuid(),
        now,
        escalated.workspace.uuid(),
        &people
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes an escalation that is no longer needed, and those that are too old to be.
pub async fn forget(db: &mut PgConnection, ended: &[ApprovalId], now: DateTime<Utc>) -> sqlx::Result<()> {
    let ended: Vec<Uuid> = ended.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "DELETE FROM approval_escalations WHERE approval_id = ANY($1) OR due_at < $2",
        &ended,
        now - KEPT
    )
    .execute(db)
    .await?;
    Ok(())
}
