//! The calls that a user approved before, for comparison with a request.
//!
//! Only what the user decided with a click is looked at: of that there is little, and the index `approvals_decided_later`
//! has it in order. What a grant approved, the user did not see.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::{
    domain::{
        approvals::{Agent, Approval},
        arguments::Arguments,
        ids::{ApprovalId, BackendId, id_bound},
        own_keys::ConversationKey,
        precedent::{Changes, LOOKING_BACK_DAYS, Precedent},
        suggestions::{Decided, LOOKED_AT},
        text::Text,
    },
    storage::{PgConnection, stored::CorruptRow},
};

/// How many of the user's latest decisions are looked at.
const DECISIONS: i64 = 500;

/// How an approval compares with what its user approved before: before now, or before its own decision. `None` if the user
/// approved no call of the action in the last [`LOOKING_BACK_DAYS`] days, or if there are no arguments to compare.
///
/// What differs is what the agents asked for, then and now: what the user changed before approving is not the agent's
/// doing. *The same* counts calls that were approved with the arguments of this request.
pub async fn precedent(
    db: &mut PgConnection,
    approval: &Approval,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Precedent>> {
    let request = &approval.request;
    if request.contents_deleted_at.is_some() {
        return Ok(None);
    }
    // A decision of this instant is earlier than a pending request's, and an instance's clock may be ahead.
    let before = approval.decision.as_ref().map_or(now + TimeDelta::days(1), |decision| decision.decided_at);
    let row = sqlx::query!(
        r#"-- decided: what the user decided last.
           -- last: of those the newest approved call of the action.
           -- One statement, because a prompt that is rendered waits for it: a round trip.
           WITH decided AS MATERIALIZED (
               SELECT p.id, p.action_id, p.status, p.decided_user, p.decided_at,
                      coalesce(p.edited_digest, p.arguments_digest) AS approved_digest FROM approvals p
               WHERE p.workspace_id = $1 AND p.user_id = $2 AND p.decided_at > $3 AND p.decided_at < $4
                 AND p.decided_at IS NOT NULL AND (p.decided_by <> 'auto' OR p.status <> 'approved')
                 -- None is pending for longer than seven days, so older partitions aren't looked at.
                 AND p.id >= $9
               ORDER BY p.decided_at DESC LIMIT $5),
           approved AS (
               SELECT d.* FROM decided d
               WHERE d.action_id = $6 AND d.status = 'approved' AND d.decided_user = $2 AND d.id <> $7),
           last AS (SELECT d.id FROM approved d ORDER BY d.decided_at DESC, d.id DESC LIMIT 1)
           SELECT l.id AS "id!", p.arguments AS "arguments!", p.deleted AS "deleted!",
                  (SELECT count(*) FROM approved d WHERE d.approved_digest = $8) AS "same!"
           FROM last l
           CROSS JOIN LATERAL (
               SELECT p.arguments::text AS arguments, (p.contents_deleted_at IS NOT NULL) AS deleted
               FROM approvals p WHERE p.id = l.id LIMIT 1) p"#,
        request.workspace.uuid(),
        request.user.as_str(),
        now - TimeDelta::days(LOOKING_BACK_DAYS),
        before,
        DECISIONS,
        request.action.id.uuid(),
        request.id.uuid(),
        request.digest.bytes().as_slice(),
        id_bound(now - TimeDelta::days(LOOKING_BACK_DAYS + 8)),
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.same > 0 {
        return Ok(Some(Precedent::Same { count: row.same.unsigned_abs() }));
    }
    if row.deleted {
        return Ok(Some(Precedent::Deleted));
    }
    let earlier: Map<String, Value> = serde_json::from_str(&row.arguments)
        .map_err(|_| CorruptRow::new("approvals", "arguments", &ApprovalId::new(row.id)))?;
    let changes = Changes::between(&Arguments::from_stored(earlier), &request.arguments);
    // As it was asked before, and what was approved then has another digest.
    Ok(Some(if changes.names.is_empty() { Precedent::Edited } else { Precedent::Changed(changes) }))
}

/// The user's latest decisions by a click about requests for the same action, before this one, the latest first.
pub async fn decided(
    db: &mut PgConnection,
    approval: &Approval,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Decided>> {
    let request = &approval.request;
    let rows = sqlx::query!(
        r#"-- decided: what the user decided last.
           -- One statement, because a modal that is opened waits for it: a round trip.
           WITH decided AS MATERIALIZED (
               SELECT p.id, p.action_id, p.status, p.decided_user, p.decided_at FROM approvals p
               WHERE p.workspace_id = $1 AND p.user_id = $2 AND p.decided_at > $3
                 AND p.decided_at IS NOT NULL AND (p.decided_by <> 'auto' OR p.status <> 'approved')
                 -- None is pending for longer than seven days, so older partitions aren't looked at.
                 AND p.id >= $4
               ORDER BY p.decided_at DESC LIMIT $5)
           SELECT (d.status = 'approved' AND NOT p.is_edited) AS "approved!", p.arguments AS "arguments!",
                  p.deleted AS "deleted!", p.backend_id AS "backend_id!", p.agent_id AS "agent_id!", p.agent_name AS "agent_name?",
                  p.conversation_id AS "conversation_id!", p.own_conversation AS "own_conversation!"
           FROM (SELECT d.id, d.status, d.decided_at FROM decided d
                 WHERE d.action_id = $6 AND d.decided_user = $2 AND d.id <> $7
                 ORDER BY d.decided_at DESC, d.id DESC LIMIT $8) d
           CROSS JOIN LATERAL (
               SELECT p.arguments::text AS arguments, (p.contents_deleted_at IS NOT NULL) AS deleted, p.backend_id,
                      (p.edited_arguments IS NOT NULL) AS is_edited, p.agent_id, p.agent_name, p.conversation_id,
                      p.own_conversation
               FROM approvals p WHERE p.id = d.id LIMIT 1) p
           ORDER BY d.decided_at DESC, d.id DESC"#,
        request.workspace.uuid(),
        request.user.as_str(),
        now - TimeDelta::days(LOOKING_BACK_DAYS),
        id_bound(now - TimeDelta::days(LOOKING_BACK_DAYS + 8)),
        DECISIONS,
        request.action.id.uuid(),
        request.id.uuid(),
        i64::try_from(LOOKED_AT).unwrap_or(i64::MAX),
    )
    .fetch_all(db)
    .await?;
    let decided = rows.into_iter().map(|row| {
        let backend = BackendId::new(row.backend_id);
        let user = row.own_conversation.then(|| request.user.clone());
        let arguments: Option<Map<String, Value>> =
            if row.deleted { None } else { serde_json::from_str(&row.arguments).ok() };
        Decided {
            approved: row.approved,
            arguments: arguments.map(Arguments::from_stored),
            backend,
            agent: Agent { id: Text::from_stored(row.agent_id), name: row.agent_name.map(Text::from_stored) },
            conversation: ConversationKey::new(backend, user, Text::from_stored(row.conversation_id)),
        }
    });
    Ok(decided.collect())
}
