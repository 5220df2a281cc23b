//! How much people approve manually, and how quickly.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        catalog::Lock,
        fatigue::{FrequentAction, PersonFigures, QUICK_SECONDS},
        ids::{ActionId, ActionVersionId, UserId, WorkspaceId},
    },
    storage::{
        PgConnection,
        stored::CorruptRow,
        tables::{actions::unlocked_for, versions},
    },
};

/// The most people whose decisions are counted.
const PEOPLE: i64 = 2_000;
/// The most decisions that are counted for a person.
const COUNTED: i64 = 1_000;
/// How many of the newest approvals of a person are looked at.
const SAMPLE: i64 = 200;
/// An approval is pending for a week at most, so that one that was decided within the time was asked within a week more.
const LONGEST_PENDING: TimeDelta = TimeDelta::days(7);

struct Row {
    user_id: String,
    week: i64,
    month: i64,
    counted: i64,
}

/// Those who approved most manually in the last 30 days, at most `limit`.
pub async fn people(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<PersonFigures>> {
    let (week, month) = (now - TimeDelta::days(7), now - TimeDelta::days(30));
    let oldest = first_id(month - LONGEST_PENDING);
    let counted = sqlx::query_as!(
        Row,
        r#"-- people: one after the other, each found by a step through the index of what was decided manually.
           WITH RECURSIVE people AS (
               (SELECT a.user_id, 1 AS n FROM approvals a
                WHERE a.workspace_id = $1 AND a.id >= $4 AND a.decided_at IS NOT NULL
                  AND (a.decided_by <> 'auto' OR a.status <> 'approved')
                ORDER BY a.user_id LIMIT 1)
               UNION ALL
               SELECT next.user_id, p.n + 1 FROM people p CROSS JOIN LATERAL (
                   SELECT a.user_id FROM approvals a
                   WHERE a.workspace_id = $1 AND a.id >= $4 AND a.user_id > p.user_id AND a.decided_at IS NOT NULL
                     AND (a.decided_by <> 'auto' OR a.status <> 'approved')
                   ORDER BY a.user_id LIMIT 1) next
               WHERE p.n < $5)
           SELECT p.user_id AS "user_id!", counted.week AS "week!", counted.month AS "month!", counted.counted AS "counted!"
           FROM people p CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE by_hand AND decided_at > $2) AS week,
                      count(*) FILTER (WHERE by_hand) AS month, count(*) AS counted
               FROM (SELECT a.decided_at, a.decided_by = 'user' AND a.status = 'approved' AS by_hand FROM approvals a
                     WHERE a.workspace_id = $1 AND a.id >= $4 AND a.user_id = p.user_id AND a.decided_at > $3
                       AND (a.decided_by <> 'auto' OR a.status <> 'approved')
                     ORDER BY a.decided_at DESC LIMIT $6) decided) counted
           WHERE counted.month > 0 ORDER BY counted.month DESC, p.user_id LIMIT $7"#,
        workspace.uuid(),
        week,
        month,
        oldest,
        i32::try_from(PEOPLE).unwrap_or(i32::MAX),
        COUNTED,
        limit
    )
    .fetch_all(&mut *db)
    .await?;
    let mut found = Vec::new();
    for person in counted {
        found.push(sample(db, workspace, (month, oldest), person).await?);
    }
    Ok(found)
}

/// Looks at a person's newest approvals.
async fn sample(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    (month, oldest): (DateTime<Utc>, Uuid),
    person: Row,
) -> sqlx::Result<PersonFigures> {
    let rows = sqlx::query!(
        r#"-- newest: what the person approved last. timed: when its first prompt was posted.
           WITH newest AS MATERIALIZED (
               SELECT a.id, a.action_id, a.decided_at FROM approvals a
               WHERE a.workspace_id = $1 AND a.id >= $4 AND a.user_id = $2 AND a.decided_at > $3
                 AND (a.decided_by <> 'auto' OR a.status <> 'approved')
                 AND a.decided_by = 'user' AND a.status = 'approved'
               ORDER BY a.decided_at DESC LIMIT $5),
           timed AS (
               SELECT n.action_id, n.decided_at - (SELECT min(p.posted_at) FROM prompts p WHERE p.approval_id = n.id) AS took
               FROM newest n),
           by_action AS (
               SELECT t.action_id, count(*) AS sampled, count(t.took) AS timed,
                      count(*) FILTER (WHERE t.took <= make_interval(secs => $6)) AS quick
               FROM timed t GROUP BY t.action_id)
           SELECT b.sampled AS "sampled!", b.timed AS "timed!", b.quick AS "quick!", a.id, i.key AS integration, a.key,
                  a.unlocked_for, (a.retired_at IS NOT NULL) AS "retired!", a.confirmed_version_id, v.id AS version,
                  v.read_only, v.destructive, v.risk
           FROM by_action b JOIN actions a ON a.id = b.action_id JOIN integrations i ON i.id = a.integration_id
           JOIN action_versions v ON v.id = a.version_id
           ORDER BY b.sampled DESC, i.key, a.key"#,
        workspace.uuid(),
        person.user_id,
        month,
        oldest,
        SAMPLE,
        f64::from(i32::try_from(QUICK_SECONDS).unwrap_or(i32::MAX))
    )
    .fetch_all(db)
    .await?;
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let user = UserId::parse(&person.user_id)
        .ok_or_else(|| CorruptRow::new("approvals", "user_id", &person.user_id))?;
    let mut figures = PersonFigures {
        user,
        last_week: number(person.week),
        last_month: number(person.month),
        is_more: person.counted >= COUNTED,
        timed: 0,
        quick: 0,
        sampled: 0,
        most: None,
    };
    for row in rows {
        figures.sampled += number(row.sampled);
        figures.timed += number(row.timed);
        figures.quick += number(row.quick);
        if figures.most.is_none() {
            let version = ActionVersionId::new(row.version);
            let unlocked = unlocked_for(ActionId::new(row.id), row.unlocked_for.as_deref())?;
            figures.most = Some(FrequentAction {
                path: format!("{}.{}", row.integration, row.key),
                count: number(row.sampled),
                lock: Lock::new(unlocked, row.retired, row.confirmed_version_id == Some(row.version)),
                impact: versions::impact(version, row.read_only, row.destructive, row.risk.as_deref())?,
            });
        }
    }
    Ok(figures)
}

/// The smallest id that is made at this time: the first 48 bits of a UUIDv7 are milliseconds.
fn first_id(at: DateTime<Utc>) -> Uuid {
    Uuid::from_u128(u128::try_from(at.timestamp_millis()).unwrap_or_default() << 80)
}
