//! Creating an approval takes two statements: one reads and locks everything that the request is judged by, the other
//! writes everything that follows. Every call of every agent takes this path, so it needs only two round trips between
//! begin and commit.

use crate::{
    domain::{
        action_ref::ActionRef,
        approvals::{Approval, Request},
        catalog::{Eligibility, Lock},
        decision::Decision,
        decisions::LiveGrant,
        effects::Changed,
        grants::{SILENCE, Scope},
        ids::{
            ActionId, ActionVersionId, ApiKeyId, ApprovalId, BackendId, GrantId, IntegrationId, UserId,
            WorkspaceId,
        },
        text::{ActionKey, ForeignId, IntegrationKey, Link, Text},
    },
    storage::{PgConnection, effects::Unwritten, stored::CorruptRow, tables::grants::standing_scope},
};

/// What a request is judged by.
#[derive(Debug)]
pub struct AskContext {
    /// The presented API key and its backend.
    pub key: crate::storage::tables::api_keys::StoredKey,
    /// The approval that the backend created earlier with the same idempotency key.
    pub replayed: Option<ApprovalId>,
    /// The number of the backend's pending approvals. Counted only up to the limit, and only if no grant covers the
    /// request.
    pub pending: i64,
    /// The action, whether it may be auto-approved, and the live grant that covers the request. `None` if no request
    /// has named the action yet.
    pub action: Option<(ActionRef, Eligibility, Option<LiveGrant>)>,
}

/// Reads and locks what the request is judged by. `None` if the API key does not exist.
///
/// The locks order this transaction with every change that could withdraw the permission. The workspace is locked
/// against removal of the app (`FOR KEY SHARE`, as the approval's foreign key does later), the action, integration and
/// connection against changes (`FOR SHARE`), the grant against use and revocation (`FOR UPDATE`). A committed
/// revocation is therefore seen, and one in progress blocks this statement until it ends. Each subquery refers to the
/// one before it, so that Postgres can only lock in this order.
#[expect(clippy::too_many_arguments, reason = "everything a request is judged by, in one round trip")]
pub async fn load(
    db: &mut PgConnection,
    key: ApiKeyId,
    idempotency_key: Option<&ForeignId>,
    (integration, action): (&IntegrationKey, &ActionKey),
    user: &UserId,
    conversation: &ForeignId,
    now: chrono::DateTime<chrono::Utc>,
    most_pending: u32,
) -> sqlx::Result<Option<AskContext>> {
    let row = sqlx::query!(
        r#"SELECT k.id AS key_id, k.hash, k.scopes, k.expires_at, k.revoked_at, b.id AS backend_id, b.workspace_id, b.disabled_at,
                  w.removed_at,
                  (SELECT p.id FROM approvals p WHERE p.backend_id = b.id AND p.idempotency_key = $2) AS replayed,
                  i.id AS "integration_id?", i.name AS "integration_name?", i.requires_connection AS "requires_connection?",
                  a.id AS "action_id?", a.version_id AS "version_id?", a.name AS "action_name?",
                  a.destructive AS "destructive?", (a.unlocked_at IS NOT NULL) AS "unlocked!",
                  coalesce(a.confirmed_version_id = a.version_id, false) AS "confirmed!",
                  (c.user_id IS NOT NULL) AS "connected!",
                  g.id AS "grant_id?", g.scope AS "grant_scope?",
                  CASE WHEN g.id IS NULL THEN (SELECT count(*) FROM (SELECT FROM approvals p
                      WHERE p.backend_id = b.id AND p.status = 'pending' LIMIT $8) pending) ELSE 0 END AS "pending!"
           FROM api_keys k
           JOIN backends b ON b.id = k.backend_id
           JOIN LATERAL (SELECT w.id, w.removed_at FROM workspaces w WHERE w.id = b.workspace_id FOR KEY SHARE) w
                ON true
           LEFT JOIN LATERAL (SELECT i.id, i.name, i.requires_connection FROM integrations i
                WHERE i.workspace_id = w.id AND i.key = $3 FOR SHARE) i ON true
           LEFT JOIN LATERAL (SELECT a.id, a.name, a.destructive, a.unlocked_at, a.version_id,
                    a.confirmed_version_id FROM actions a WHERE a.integration_id = i.id AND a.key = $4 FOR SHARE) a ON true
           LEFT JOIN LATERAL (SELECT c.user_id FROM connections c
                WHERE c.integration_id = i.id AND c.user_id = $5 FOR SHARE) c ON true
           LEFT JOIN LATERAL (SELECT v.id, v.closed_at, v.last_asked_at FROM conversations v
                WHERE v.backend_id = b.id AND v.id = $6 FOR NO KEY UPDATE) v ON true
           LEFT JOIN LATERAL (SELECT g.id, g.scope FROM grants g
                WHERE g.workspace_id = b.workspace_id AND g.user_id = $5 AND g.action_id = a.id
                  AND g.revoked_at IS NULL
                  AND (g.scope = 'always' OR (g.scope = 'conversation' AND g.backend_id = b.id
                      AND g.conversation_id = v.id AND v.closed_at IS NULL AND v.last_asked_at > $7))
                -- The widest first. The conditions above admit no other scope.
                ORDER BY CASE g.scope WHEN 'always' THEN 1 WHEN 'conversation' THEN 2 END LIMIT 1 FOR UPDATE) g ON true
           WHERE k.id = $1"#,
        key.uuid(),
        idempotency_key.map(ForeignId::as_str),
        integration.as_str(),
        action.as_str(),
        user.as_str(),
        conversation.as_str(),
        now - SILENCE,
        i64::from(most_pending),
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let integration_row = row.integration_id.zip(row.integration_name);
        let action_row = row.action_id.zip(row.action_name.zip(row.destructive));
        let known = integration_row.zip(action_row);
        let read = |((integration_id, integration_name), (action_id, (action_name, destructive)))| {
            let id = ActionId::new(action_id);
            let version_id = row.version_id.ok_or_else(|| CorruptRow::new("actions", "version_id", &id))?;
            let action_ref = ActionRef {
                id,
                integration_id: IntegrationId::new(integration_id),
                integration: integration.clone(),
                action: action.clone(),
                // Taken from the action's locked row. Once a row lock had to wait, Postgres reads that row in its
                // newest version, but rows of joined tables as of the start of the statement.
                version: ActionVersionId::new(version_id),
                integration_name,
                action_name,
                description: None,
                destructive,
            };
            let eligibility = Eligibility {
                lock: Lock::new(row.unlocked, false, row.confirmed),
                outdated: false,
                connected: row.connected || row.requires_connection == Some(false),
                conversation_closed: false,
            };
            let grant = row.grant_id.zip(row.grant_scope.as_deref());
            let live =
                |(id, scope)| Ok(LiveGrant { id: GrantId::new(id), scope: standing_scope(id, scope)? });
            Ok::<_, CorruptRow>((action_ref, eligibility, grant.map(live).transpose()?))
        };
        Ok(AskContext {
            key: crate::storage::tables::api_keys::StoredKey {
                id: ApiKeyId::new(row.key_id),
                hash: row.hash,
                scopes: crate::storage::tables::api_keys::scopes(row.key_id, &row.scopes)?,
                expires_at: row.expires_at,
                revoked: row.revoked_at.is_some(),
                backend: BackendId::new(row.backend_id),
                workspace: WorkspaceId::new(row.workspace_id),
                disabled: row.disabled_at.is_some(),
                workspace_removed: row.removed_at.is_some(),
            },
            replayed: row.replayed.map(ApprovalId::new),
            pending: row.pending,
            action: known.map(read).transpose()?,
        })
    })
    .transpose()
}

/// Writes the approval and its effects, and returns the approval. Fails with a unique violation if another request with
/// the same idempotency key came first.
pub async fn save(
    db: &mut PgConnection,
    unwritten: &mut Unwritten,
    asked: Changed<Approval>,
    idempotency_key: Option<&ForeignId>,
    request_digest: &[u8],
) -> sqlx::Result<Approval> {
    let approval = unwritten.record(asked).into_state();
    let Approval { request, decision } = &approval;
    let Request { agent, conversation, place, .. } = request;
    let effects = unwritten.bind(&request.user);
    sqlx::query!(
        r#"-- seen: the conversation, made by its first request, and open again if it was closed.
           -- used: the grant that approved the request, if one did, counts the use.
           -- asked: the approval.
           -- recorded: the audit entries.
           -- queued: the prompt to post.
           -- planned: the user's Home tab is drawn within seconds anyway, which is enough for what an agent did without
           --          asking ($31). That row is locked, so that it is not drawn before this transaction is over.
           -- refreshed: the user's Home tab is drawn again otherwise, if they ever opened it ($30: the row's id).
           -- One statement, because every call of every agent takes it: a round trip, and not seven.
           WITH seen AS (
               INSERT INTO conversations (backend_id, id, title, url, last_asked_at) VALUES ($3, $7, $8, $9, $18)
               ON CONFLICT (backend_id, id) DO UPDATE SET last_asked_at = excluded.last_asked_at, closed_at = NULL,
                   title = coalesce(excluded.title, conversations.title),
                   url = coalesce(excluded.url, conversations.url)),
           used AS (
               UPDATE grants SET use_count = use_count + 1, last_used_at = $18 WHERE id = $27),
           asked AS (
               INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, agent_name,
                   conversation_id, conversation_title, conversation_url, action_id, action_version_id, arguments,
                   arguments_digest, reason, metadata, slack_channel, slack_thread_ts, created_at,
                   expires_at, idempotency_key, request_digest, status, decision_scope, decided_by, decision_grant, decided_at)
               VALUES ($1, $2, $3, $4, $5, $6,
                   $7, $8, $9, $10, $11, $12::text::json,
                   $13, $14, $15::text::json, $16, $17, $18,
                   $19, $20, $21, $22, $23, $24, $25, $26)),
           recorded AS (
               INSERT INTO audit (at, workspace_id, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
               SELECT $18, e.* FROM jsonb_to_recordset($28) AS e (workspace_id uuid, actor_kind text, actor text, what text,
                   approval_id uuid, grant_id uuid, subject text, before jsonb, after jsonb)),
           queued AS (
               INSERT INTO outbox (created_at, id, workspace_id, due_at, kind, queue, approval_id, backend_id, event)
               SELECT $18, r.* FROM jsonb_to_recordset($29) AS r (id uuid, workspace_id uuid, due_at timestamptz, kind text,
                   queue text, approval_id uuid, backend_id uuid, event text)
               RETURNING kind),
           planned AS (
               SELECT 1 FROM outbox WHERE queue = 'home:' || $2::uuid || ':' || $4 AND done_at IS NULL
                 AND dead_at IS NULL AND lease IS NULL AND due_at > $18 AND $31 LIMIT 1 FOR SHARE SKIP LOCKED),
           refreshed AS (
               INSERT INTO outbox (id, workspace_id, kind, queue, user_id, created_at, due_at)
               SELECT $30, $2, 'home', 'home:' || $2::uuid || ':' || h.user_id, h.user_id, $18, $32 FROM homes h
               WHERE h.workspace_id = $2 AND h.user_id = $4 AND $30::uuid IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM planned) RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told
           FROM (SELECT kind FROM queued UNION SELECT kind FROM refreshed) AS kinds"#,
        // Backend, user and agent.
        request.id.uuid(),
        request.workspace.uuid(),
        request.backend.uuid(),
        request.user.as_str(),
        agent.id.as_str(),
        agent.name.as_ref().map(Text::as_str),
        // The conversation.
        conversation.id.as_str(),
        conversation.title.as_ref().map(Text::as_str),
        conversation.url.as_ref().map(Link::as_str),
        // What the agent wants to run.
        request.action.id.uuid(),
        request.action.version.uuid(),
        json_text(&request.arguments)?,
        request.digest.bytes(),
        request.reason.as_ref().map(Text::as_str),
        request.metadata.as_ref().map(json_text).transpose()?,
        // Where the prompt goes, and for how long.
        place.as_ref().map(|place| place.channel.as_str()),
        place.as_ref().and_then(|place| place.thread_ts.as_ref()).map(Text::as_str),
        request.created_at,
        request.expires_at,
        // What identifies a repeated request.
        idempotency_key.map(ForeignId::as_str),
        request_digest,
        // The decision, if a grant approves it.
        approval.status().as_str(),
        decision.as_ref().and_then(Decision::scope).map(Scope::as_str),
        decision.as_ref().map(Decision::by),
        decision.as_ref().and_then(Decision::grant).map(GrantId::uuid),
        decision.as_ref().map(|decision| decision.decided_at),
        decision.as_ref().and_then(Decision::used_grant).map(GrantId::uuid),
        // The effects.
        effects.audit as _,
        effects.outbox as _,
        effects.home,
        effects.home_soon,
        effects.home_due_at,
    )
    .fetch_all(db)
    .await?;
    Ok(approval)
}

/// JSON as text, in the form in which it was given. Not bound as [`sqlx::types::Json`]: Postgres would convert that to
/// `jsonb`, which reorders members and refuses U+0000.
fn json_text(value: &impl serde::Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// The digest of the request that created an approval, for comparison with a repeated request.
pub async fn request_digest(db: &mut PgConnection, id: ApprovalId) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar!("SELECT request_digest FROM approvals WHERE id = $1", id.uuid()).fetch_one(db).await
}
