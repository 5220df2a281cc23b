//! What a person can decide, and what of theirs others decide.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::{
        approvals::Approval,
        approvers::{self, Why},
        ids::{UserId, WorkspaceId, id_bound},
        overview::{Page, WaitingLine},
        panel::Panel,
    },
    storage::{
        PgConnection,
        read_models::{overview::window::number, precedents},
        tables::{approvals::select_approvals, approver_answers, delegations},
    },
};

/// None that is pending has a smaller id: an approval is for seven days at most, and ends later only if no instance ran.
const LONGEST: TimeDelta = TimeDelta::days(30);

/// The pending approvals that are the person's own, that a rule lets them decide, or that they may decide for another, oldest
/// first.
pub async fn waiting(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    person: &UserId,
    (wanted, per_page): (usize, usize),
    now: DateTime<Utc>,
) -> sqlx::Result<Page<WaitingLine>> {
    let ids = sqlx::query_scalar!(
        r#"-- places: the person, and those who delegate to them. Only these may a delegate answer for.
           -- The parts of the union: their own requests; those of people who delegate to them, unless a rule says who
           -- decides; and those for which a rule names one of them, without those that their user may not decide.
           WITH places AS MATERIALIZED (
               SELECT $2::text AS person
               UNION SELECT d.user_id FROM delegations d
               WHERE d.workspace_id = $1 AND d.delegate_id = $2 AND d.ended_at IS NULL AND d.until > $3)
           SELECT p.id AS "id!" FROM approvals p
           WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.status = 'pending' AND p.id >= $4
           UNION
           SELECT p.id FROM places w CROSS JOIN LATERAL (
               SELECT p.id FROM approvals p
               WHERE p.workspace_id = $1 AND p.user_id >= w.person AND p.user_id <= w.person AND p.status = 'pending'
                 AND p.id >= $4 AND p.approvers IS NULL ORDER BY p.user_id, p.id) p
           UNION
           SELECT p.id FROM places w
           JOIN asked_approvers q ON q.workspace_id = $1 AND q.person = w.person AND q.approval_id >= $4
           JOIN approvals p ON p.id = q.approval_id AND p.id >= $4 AND p.status = 'pending'
           WHERE p.user_id <> $2 OR NOT (p.approvers ->> 'not_the_user')::boolean
           ORDER BY 1"#,
        workspace.uuid(),
        person.as_str(),
        now,
        id_bound(now - LONGEST)
    )
    .fetch_all(&mut *db)
    .await?;
    let total = ids.len();
    let (page, first) =
        Page::<()>::locate(wanted, number(i64::try_from(total).unwrap_or(i64::MAX)), per_page);
    let shown: Vec<_> = ids.into_iter().skip(first).take(per_page).collect();
    let (lowest, highest) = crate::storage::bounds(&shown);
    let rows = select_approvals!(
        "WHERE p.id = ANY($1) AND p.id >= $2 AND p.id <= $3 AND p.status = 'pending' ORDER BY p.id",
        &shown,
        lowest,
        highest
    )
    .fetch_all(&mut *db)
    .await?;
    let mut lines = Vec::new();
    for row in rows {
        let approval = row.read()?;
        let around = crate::storage::statements::decide::surroundings(db, &approval, now).await?;
        let is_own = approval.request.user == *person;
        // How it compares with earlier calls only the user learns.
        let precedent = if is_own { precedents::precedent(db, &approval, now).await? } else { None };
        let (panel, why) = place(db, &approval, person, now).await?;
        lines.push(WaitingLine {
            approval,
            precedent,
            standing: around.eligibility,
            connect_url: around.connect_url,
            requested: around.requested,
            panel,
            why,
        });
    }
    Ok(Page::new(lines, page, total, per_page))
}

/// How far the people are who decide it, and why this person may.
async fn place(
    db: &mut PgConnection,
    approval: &Approval,
    person: &UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<(Panel, Option<Why>)> {
    let request = &approval.request;
    if request.approvers.is_none() && request.user == *person {
        return Ok((Panel::default(), None));
    }
    let panel = match request.approvers {
        Some(_) => approver_answers::panel(db, request.id).await?,
        None => Panel::default(),
    };
    let people = approvers::people(request, panel.escalated);
    let given = delegations::given_by(db, request.workspace, &people, now).await?;
    let audience = approvers::audience(request, panel.escalated, &given);
    let why = audience.into_iter().find(|(user, _)| user == person).map(|(_, why)| why);
    Ok((panel, why))
}
