//! The table `permit_refusals`: for each approval, the first refused use of each reason, and whether the user was told.

use chrono::{DateTime, Utc};

use crate::{
    domain::{effects::Changed, ids::ApprovalId, permitting::PermitRefusal},
    storage::{PgConnection, effects::Unwritten},
};

/// The reason of which the user is told, as the rejection's code says it.
const OTHER_ARGUMENTS: &str = "other-arguments";

/// Saves a refusal, and records the change if it is the first of its reason. Only the statement itself can tell.
pub async fn save(
    db: &mut PgConnection,
    unwritten: &mut Unwritten,
    refused: Changed<PermitRefusal>,
) -> sqlx::Result<()> {
    let PermitRefusal { approval, why, key, refused_at, .. } = refused.state();
    let done = sqlx::query!(
        "INSERT INTO permit_refusals (approval_id, why, key_id, refused_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        approval.uuid(),
        *why,
        key.uuid(),
        refused_at
    )
    .execute(db)
    .await?;
    if done.rows_affected() == 1 {
        unwritten.record(refused);
    }
    Ok(())
}

/// Notes that the user is being told that something else was about to run. Of several attempts it returns `true` for one.
pub async fn take(db: &mut PgConnection, approval: ApprovalId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE permit_refusals SET told_at = $3 WHERE approval_id = $1 AND why = $2 AND told_at IS NULL",
        approval.uuid(),
        OTHER_ARGUMENTS,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the user was not told after all, and may be told again.
pub async fn give_back(db: &mut PgConnection, approval: ApprovalId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE permit_refusals SET told_at = NULL WHERE approval_id = $1 AND why = $2",
        approval.uuid(),
        OTHER_ARGUMENTS
    )
    .execute(db)
    .await?;
    Ok(())
}
