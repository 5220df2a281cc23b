//! The table `approvals`: reading. It is written by [`super::ask`] and [`super::decide`] alone.

use super::PgConnection;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::{
    approvals::{Agent, Approval, Conversation, Place, Request},
    arguments::{Arguments, Digest},
    catalog::ActionRef,
    decisions::{Decision, Given, Verdict},
    grants::Scope,
    ids::{ActionId, ActionVersionId, ApprovalId, BackendId, GrantId, IntegrationId, UserId, WorkspaceId},
    repeats::RequestDigest,
    text::{ActionKey, ForeignId, IntegrationKey, Link, Text},
};

/// A row of `approvals` beside its action and integration.
#[derive(Debug)]
pub(super) struct ApprovalRow {
    pub(super) id: Uuid,
    pub(super) workspace_id: Uuid,
    pub(super) backend_id: Uuid,
    pub(super) user_id: String,
    pub(super) agent_id: String,
    pub(super) agent_name: Option<String>,
    pub(super) conversation_id: String,
    pub(super) conversation_title: Option<String>,
    pub(super) conversation_url: Option<String>,
    pub(super) action_id: Uuid,
    pub(super) integration_id: Uuid,
    pub(super) integration_key: String,
    pub(super) action_key: String,
    pub(super) version_id: Uuid,
    pub(super) integration_name: String,
    pub(super) action_name: String,
    pub(super) action_description: Option<String>,
    pub(super) destructive: bool,
    pub(super) arguments: Json<Map<String, Value>>,
    pub(super) arguments_digest: Vec<u8>,
    pub(super) reason: Option<String>,
    pub(super) metadata: Option<Json<Map<String, Value>>>,
    pub(super) slack_channel: Option<String>,
    pub(super) slack_thread_ts: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) status: String,
    pub(super) decision_scope: Option<String>,
    pub(super) decided_by: Option<String>,
    pub(super) decided_user: Option<String>,
    pub(super) decision_grant: Option<Uuid>,
    pub(super) decision_reason: Option<String>,
    pub(super) decided_at: Option<DateTime<Utc>>,
}

/// Selects whole approvals, `p` with its action `a`, integration `i` and the version `d` of the description that it was
/// asked under; the tail says which. One of before there were versions is read by the action's first, which has its id.
/// What stands before `;` is put before the `SELECT`.
macro_rules! select_approvals {
    ($tail:literal $($rest:tt)*) => {
        $crate::storage::approvals::select_approvals!(@ ""; $tail $($rest)*)
    };
    (@ $head:literal; $tail:literal $(+ $more:literal)* $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::storage::approvals::ApprovalRow,
            $head + r#"SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      d.id AS version_id, d.integration_name, d.name AS action_name,
                      d.description AS action_description, d.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               JOIN action_versions d ON d.id = coalesce(p.action_version_id, p.action_id)
               "# + $tail $(+ $more)*
            $(, $arg)*
        )
    };
}
pub(super) use select_approvals;

impl From<ApprovalRow> for Approval {
    fn from(row: ApprovalRow) -> Self {
        let decision =
            row.verdict().zip(row.decided_at).map(|(verdict, decided_at)| Decision { verdict, decided_at });
        let request = Request {
            id: ApprovalId::new(row.id),
            workspace: WorkspaceId::new(row.workspace_id),
            backend: BackendId::new(row.backend_id),
            user: UserId::from_stored(row.user_id),
            agent: Agent { id: Text::from_stored(row.agent_id), name: row.agent_name.map(Text::from_stored) },
            conversation: Conversation {
                id: Text::from_stored(row.conversation_id),
                title: row.conversation_title.map(Text::from_stored),
                url: row.conversation_url.map(Link::from_stored),
            },
            action: ActionRef {
                id: ActionId::new(row.action_id),
                integration_id: IntegrationId::new(row.integration_id),
                integration: IntegrationKey::from_stored(row.integration_key),
                action: ActionKey::from_stored(row.action_key),
                version: ActionVersionId::new(row.version_id),
                integration_name: row.integration_name,
                action_name: row.action_name,
                description: row.action_description,
                destructive: row.destructive,
            },
            arguments: Arguments::from_stored(row.arguments.0),
            digest: Digest::from_stored(&row.arguments_digest),
            reason: row.reason.map(Text::from_stored),
            metadata: row.metadata.map(|Json(metadata)| metadata),
            place: row.slack_channel.map(|channel| Place {
                channel: Text::from_stored(channel),
                thread_ts: row.slack_thread_ts.map(Text::from_stored),
            }),
            created_at: row.created_at,
            expires_at: row.expires_at,
        };
        Self { request, decision }
    }
}

impl ApprovalRow {
    fn verdict(&self) -> Option<Verdict> {
        let user = || UserId::from_stored(self.decided_user.clone().unwrap_or_default());
        let grant = self.decision_grant.map(GrantId::new);
        let scope = self.decision_scope.as_deref().and_then(Scope::from_stored);
        let reason = self.decision_reason.clone().map(Text::from_stored);
        match (self.status.as_str(), self.decided_by.as_deref(), scope, grant) {
            ("approved", Some("auto"), Some(scope), Some(grant)) => {
                Some(Verdict::AutoApproved { grant, scope })
            }
            ("approved", _, Some(Scope::Conversation), Some(grant)) => {
                Some(Verdict::Approved { user: user(), given: Given::Conversation(grant) })
            }
            ("approved", _, Some(Scope::Always), Some(grant)) => {
                Some(Verdict::Approved { user: user(), given: Given::Always(grant) })
            }
            ("approved", ..) => Some(Verdict::Approved { user: user(), given: Given::Once }),
            ("denied", ..) => Some(Verdict::Denied { user: user(), reason }),
            ("expired", ..) => Some(Verdict::Expired),
            ("cancelled", ..) => Some(Verdict::Cancelled),
            ("undeliverable", ..) => Some(Verdict::Undeliverable {
                why: reason.unwrap_or_else(|| Text::from_stored(String::new())),
            }),
            _ => None,
        }
    }
}

/// The approval with this id, whoever asks: for the worker, which is handed ids.
pub async fn find(db: &mut PgConnection, id: ApprovalId) -> sqlx::Result<Option<Approval>> {
    let row = select_approvals!("WHERE p.id = $1", id.uuid()).fetch_optional(db).await?;
    Ok(row.map(Approval::from))
}

/// The approval with this id, if this backend asked it.
pub async fn find_of_backend(
    db: &mut PgConnection,
    backend: BackendId,
    id: ApprovalId,
) -> sqlx::Result<Option<Approval>> {
    let row = select_approvals!("WHERE p.id = $1 AND p.backend_id = $2", id.uuid(), backend.uuid())
        .fetch_optional(db)
        .await?;
    Ok(row.map(Approval::from))
}

/// The approval with this id, if it belongs to the workspace with this Slack id. Not locked: for showing.
/// Nor is it found by a request that was taken before.
pub async fn find_in_workspace(
    db: &mut PgConnection,
    slack_id: &str,
    id: ApprovalId,
    request: Option<RequestDigest>,
) -> sqlx::Result<Option<Approval>> {
    let row = select_approvals!(
        "JOIN workspaces w ON w.id = p.workspace_id WHERE p.id = $1 AND w.slack_id = $2
         AND NOT EXISTS (SELECT FROM slack_requests r WHERE r.digest = $3)",
        id.uuid(),
        slack_id,
        request.as_ref().map(RequestDigest::as_bytes)
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Approval::from))
}

/// Locks up to `limit` approvals that have run out, skipping those that somebody is deciding at this moment.
pub async fn lock_expired(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Approval>> {
    let rows = select_approvals!(
        "JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.status = 'pending' AND p.expires_at <= $1
         ORDER BY p.expires_at LIMIT $2 FOR KEY SHARE OF w SKIP LOCKED FOR NO KEY UPDATE OF p SKIP LOCKED",
        now,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Approval::from).collect())
}

/// Locks up to `limit` pending approvals of workspaces that the app was removed from, skipping those in other hands.
pub async fn lock_stranded(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Approval>> {
    // In no order: to sort them, Postgres would rather read all approvals that there are, in the order of their ids.
    // The workspace is waited for: the second announcement of its removal holds it for a moment, and passing it over
    // would leave its approvals to the next look.
    let rows = select_approvals!(
        "JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.status = 'pending' AND w.removed_at IS NOT NULL
         LIMIT $1 FOR KEY SHARE OF w FOR NO KEY UPDATE OF p SKIP LOCKED",
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Approval::from).collect())
}

/// Locks up to `limit` pending approvals of this user, waiting for whoever is deciding them.
pub async fn lock_pending_of(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    limit: i64,
) -> sqlx::Result<Vec<Approval>> {
    let rows = select_approvals!(
        "WHERE p.status = 'pending' AND p.workspace_id = $1 AND p.user_id = $2
         ORDER BY p.id LIMIT $3 FOR NO KEY UPDATE OF p",
        workspace.uuid(),
        user.as_str(),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Approval::from).collect())
}

/// When the next pending approval runs out.
pub async fn next_expiry(db: &mut PgConnection) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("SELECT min(expires_at) FROM approvals WHERE status = 'pending'").fetch_one(db).await
}

/// The pending approvals for these actions, whose prompts show what they are called and whether they are unlocked.
pub async fn pending_for_actions(
    db: &mut PgConnection,
    actions: &[ActionId],
) -> sqlx::Result<Vec<ApprovalId>> {
    let actions: Vec<Uuid> = actions.iter().map(|id| id.uuid()).collect();
    let ids = sqlx::query_scalar!(
        "SELECT id FROM approvals WHERE action_id = ANY($1) AND status = 'pending' ORDER BY id",
        &actions
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(ApprovalId::new).collect())
}

/// A user's pending approvals for an integration, whose prompts show whether it is connected.
pub async fn pending_for_connection(
    db: &mut PgConnection,
    integration: IntegrationId,
    user: &UserId,
) -> sqlx::Result<Vec<ApprovalId>> {
    let ids = sqlx::query_scalar!(
        "SELECT p.id FROM approvals p JOIN actions a ON a.id = p.action_id
         WHERE a.integration_id = $1 AND p.user_id = $2 AND p.status = 'pending' ORDER BY p.id",
        integration.uuid(),
        user.as_str()
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(ApprovalId::new).collect())
}

/// The pending approvals of a conversation, whose prompts offer to auto-approve for it, and whom they ask.
pub async fn pending_in_conversation(
    db: &mut PgConnection,
    backend: BackendId,
    conversation: &ForeignId,
) -> sqlx::Result<Vec<(ApprovalId, UserId)>> {
    let rows = sqlx::query!(
        "SELECT id, user_id FROM approvals WHERE backend_id = $1 AND conversation_id = $2 AND status = 'pending'
         ORDER BY id",
        backend.uuid(),
        conversation.as_str()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ApprovalId::new(row.id), UserId::from_stored(row.user_id))).collect())
}

/// The approvals whose prompts offer to turn one of these grants off.
pub async fn that_left(db: &mut PgConnection, grants: &[GrantId]) -> sqlx::Result<Vec<ApprovalId>> {
    let grants: Vec<Uuid> = grants.iter().map(|id| id.uuid()).collect();
    let ids = sqlx::query_scalar!(
        "SELECT id FROM approvals WHERE decision_grant = ANY($1) AND decided_by = 'user' ORDER BY id",
        &grants
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(ApprovalId::new).collect())
}
