//! What a message shows that several requests share: the pending requests of one user in one conversation and one place.
//!
//! The comparisons of the user say that the rows are this user's: see [`super::approvals`]. LATERAL with LIMIT, and
//! arrays, are looked up by the primary key, whatever the statistics say.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        approvals::{Approval, Place, Request},
        ids::{ApprovalId, GrantId},
        prompts::Prompt,
        sharing::{PromptMessage, WaitingRequest},
        text::Text,
    },
    storage::{
        PgConnection,
        stored::readable,
        tables::approvals::{ApprovalRow, select_approvals},
    },
};

fn place(place: Option<&Place>) -> (Option<&str>, Option<&str>) {
    let channel = place.map(|place| place.channel.as_str());
    (channel, place.and_then(|place| place.thread_ts.as_ref()).map(Text::as_str))
}

/// The user's pending requests of the same conversation and place as this one, with the messages that they have. One
/// that an earlier version posted has a message of its own.
pub async fn waiting(db: &mut PgConnection, request: &Request) -> sqlx::Result<Vec<WaitingRequest>> {
    let (channel, thread) = place(request.place.as_ref());
    let rows = sqlx::query!(
        r#"SELECT p.id, p.created_at, (d.destructive OR a.must_read_at IS NOT NULL) AS "apart!",
                  EXISTS (SELECT FROM workspaces s, jsonb_to_recordset(s.pauses) AS z (backend uuid, agent text)
                      WHERE s.id = p.workspace_id AND (z.backend IS NULL OR z.backend = p.backend_id)
                        AND (z.agent IS NULL OR z.agent = p.agent_id)) AS "paused!",
                  m.first_id AS "first_id?", m.is_shared AS "is_shared?",
                  m.began_at AS "began_at?",
                  coalesce((SELECT true FROM prompts r WHERE r.approval_id = p.id LIMIT 1), false) AS "is_posted!"
           FROM approvals p
           JOIN action_versions d ON d.id = coalesce(p.action_version_id, p.action_id)
           JOIN actions a ON a.id = p.action_id
           LEFT JOIN LATERAL (
               SELECT m.first_id, m.is_shared, m.began_at FROM prompt_messages m
               WHERE m.approval_id = p.id LIMIT 1) m ON true
           WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.status = 'pending'
             AND p.approvers IS NULL AND p.backend_id = $3 AND p.conversation_id = $4 AND p.own_conversation = $7
             AND p.slack_channel IS NOT DISTINCT FROM $5 AND p.slack_thread_ts IS NOT DISTINCT FROM $6
           ORDER BY p.user_id, p.id"#,
        request.workspace.uuid(),
        request.user.as_str(),
        request.backend.uuid(),
        request.conversation.id.as_str(),
        channel,
        thread,
        request.own_conversation
    )
    .fetch_all(db)
    .await?;
    let waiting = rows.into_iter().map(|row| {
        let id = ApprovalId::new(row.id);
        let own = PromptMessage { first: id, is_shared: false, began_at: row.created_at };
        let message = match (row.first_id, row.is_shared, row.began_at) {
            (Some(first), Some(is_shared), Some(began_at)) => {
                Some(PromptMessage { first: ApprovalId::new(first), is_shared, began_at })
            }
            _ => row.is_posted.then_some(own),
        };
        WaitingRequest { id, is_apart: row.apart || row.paused, message }
    });
    Ok(waiting.collect())
}

/// The approvals that a shared message shows, oldest first. One that can't be read is logged and left out.
pub async fn members(db: &mut PgConnection, first: ApprovalId) -> sqlx::Result<Vec<Approval>> {
    let rows = select_approvals!(
        "WHERE p.id >= id_before($1) AND p.id = ANY(ARRAY(
             SELECT m.approval_id FROM prompt_messages m
             WHERE m.first_id = $1 AND m.approval_id >= id_before($1))) ORDER BY p.id",
        first.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(readable(rows.into_iter().map(ApprovalRow::read)))
}

/// Where a shared message is in Slack, and which of these approvals it is not known to show yet.
pub async fn places(
    db: &mut PgConnection,
    approvals: &[ApprovalId],
) -> sqlx::Result<(Vec<Prompt>, Vec<ApprovalId>)> {
    let ids: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT approval_id, channel, ts FROM prompts WHERE approval_id = ANY($1) AND gone_at IS NULL
         ORDER BY posted_at, channel, ts",
        &ids
    )
    .fetch_all(db)
    .await?;
    let mut prompts: Vec<Prompt> = Vec::new();
    let mut unseen = approvals.to_vec();
    for row in rows {
        unseen.retain(|id| id.uuid() != row.approval_id);
        let prompt = Prompt { channel: row.channel, ts: row.ts };
        if !prompts.contains(&prompt) {
            prompts.push(prompt);
        }
    }
    Ok((prompts, unseen))
}

/// Which of these grants are live.
pub async fn live_grants(
    db: &mut PgConnection,
    grants: &[GrantId],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<GrantId>> {
    let ids: Vec<Uuid> = grants.iter().map(|grant| grant.uuid()).collect();
    let live = sqlx::query_scalar!(
        "SELECT id FROM grants WHERE id = ANY($1) AND revoked_at IS NULL
           AND (expires_at IS NULL OR expires_at > $2) AND (uses_left IS NULL OR uses_left > 0)",
        &ids,
        now
    )
    .fetch_all(db)
    .await?;
    Ok(live.into_iter().map(GrantId::new).collect())
}
