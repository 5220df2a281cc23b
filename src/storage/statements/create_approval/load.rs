//! Reading and locking what requests are judged by.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        action_ref::ActionRef,
        approvals::Conversation,
        catalog::{Eligibility, Lock},
        field_hints::Presentation,
        grants::SILENCE,
        ids::{
            ActionId, ActionVersionId, ApiKeyId, ApprovalId, BackendId, GrantId, IntegrationId, UserId,
            WorkspaceId, id_bound,
        },
        limits::Bounds,
        narrowing::{LiveGrant, MOST_NARROWED},
        pauses::PausesInForce,
        policy::PolicyVersion,
        risk::Impact,
        text::{ActionKey, ForeignId, IntegrationKey, Link, Text},
    },
    storage::{
        PgConnection,
        stored::CorruptRow,
        tables::{
            actions::unlocked_for,
            api_keys,
            api_keys::StoredKey,
            grants::{NarrowingRow, Open, standing_scope},
            pauses,
        },
    },
};

/// How exact a conversation's time of the last request is. It is compared with [`SILENCE`], which is far longer, and a
/// request within the minute doesn't have to write the row.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);

/// How many approvals may be pending.
#[derive(Debug, Clone, Copy, Default)]
pub struct MostPending {
    /// Of a backend.
    pub of_backend: i64,
    /// Asked for with keys of a backend that are bound to one user.
    pub of_user: i64,
}

/// What identifies the rows that a request is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The presented API key.
    pub key: ApiKeyId,
    /// The idempotency key.
    pub idempotency_key: Option<&'a ForeignId>,
    /// The integration's key.
    pub integration: &'a IntegrationKey,
    /// The action's key.
    pub action: &'a ActionKey,
    /// The user who is asked to decide.
    pub user: &'a UserId,
    /// The run of the agent.
    pub conversation: &'a Conversation,
}

/// What a request is judged by.
#[derive(Debug)]
pub struct AskContext {
    /// The presented API key and its backend.
    pub key: StoredKey,
    /// The version of the workspace's rules. `None`: there are none.
    pub policy: Option<PolicyVersion>,
    /// The approval that the backend created earlier with the same idempotency key, and the digest of that request.
    pub replayed: Option<(ApprovalId, Vec<u8>)>,
    /// The number of the pending approvals that are counted against the caller's limit: those of its backend, or those
    /// that keys bound to its user asked for. Counted only up to the limit, and only if no grant that isn't narrowed
    /// covers the request.
    pub pending: i64,
    /// The action, whether it may be auto-approved, and the user's live grants for it in this conversation and in every
    /// one. `None` if no request has named the action yet.
    pub action: Option<(ActionRef, Eligibility, Vec<LiveGrant>)>,
    /// The conversation before this request. `None` if this is its first one.
    pub conversation: Option<StoredConversation>,
    /// What is paused in the workspace.
    pub pauses: PausesInForce,
}

/// A conversation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredConversation {
    /// When its last request was made, to the minute.
    pub last_asked_at: DateTime<Utc>,
    /// Whether the row has to be written: its title or address changed, it was closed, or its time is out of date.
    pub touched: bool,
}

impl StoredConversation {
    /// Whether its grants end because its last request was so long ago.
    #[must_use]
    pub fn is_silent(&self, now: DateTime<Utc>) -> bool {
        self.last_asked_at <= now - SILENCE
    }
}

/// A row of the statement: all columns beside each other, NULL where the row does not exist. A request has as many rows as
/// it has grants, and at least one; they differ in the grant only.
struct Row {
    number: i64,
    key_id: Uuid,
    hash: Vec<u8>,
    scopes: Vec<String>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    bound_user: Option<String>,
    backend_id: Uuid,
    backend_name: String,
    workspace_id: Uuid,
    disabled_at: Option<DateTime<Utc>>,
    removed_at: Option<DateTime<Utc>>,
    policy_version: i32,
    replayed: Option<Uuid>,
    replayed_digest: Option<Vec<u8>>,
    integration_id: Option<Uuid>,
    integration_name: Option<String>,
    requires_connection: Option<bool>,
    action_id: Option<Uuid>,
    version_id: Option<Uuid>,
    action_name: Option<String>,
    destructive: Option<bool>,
    unlocked_for: Option<String>,
    confirmed: bool,
    connected: bool,
    last_asked_at: Option<DateTime<Utc>>,
    touched: bool,
    grant_id: Option<Uuid>,
    grant_scope: Option<String>,
    grant_backend: Option<Uuid>,
    grant_agent: Option<String>,
    grant_agent_name: Option<String>,
    grant_until: Option<DateTime<Utc>>,
    grant_uses: Option<i32>,
    grant_left: Option<i32>,
    grant_fixed: Option<Vec<u8>>,
    pending: i64,
    pauses: Option<String>,
}

/// Reads and locks what requests are judged by. The answers are in the order of the requests: `None` if the API key does
/// not exist, an error if a row can't be read.
///
/// The locks order this transaction with every change that could withdraw a permission. The workspaces are locked
/// against removal of the app (`FOR KEY SHARE`), actions, integrations and connections against changes (`FOR SHARE`),
/// grants against revocation (`FOR SHARE`), and those with a number of uses against other uses too (`FOR UPDATE`). A
/// committed revocation is therefore seen, and one in progress blocks this statement until it ends.
///
/// Transactions that lock several rows do so in one order, so that they don't wait for each other in a circle: table by
/// table, and within a table sorted. Each part of the statement reads the one before it sorted, and a sort has to read
/// all of its input first, so Postgres can only lock in this order.
///
/// Pending approvals are counted up to these limits.
#[expect(clippy::too_many_lines, reason = "one statement")]
pub async fn load(
    db: &mut PgConnection,
    asks: &[Asking<'_>],
    now: DateTime<Utc>,
    most: &MostPending,
    open: Open<'_>,
) -> sqlx::Result<Vec<sqlx::Result<Option<AskContext>>>> {
    let texts = |text: for<'a> fn(&Asking<'a>) -> Option<&'a str>| asks.iter().map(text).collect::<Vec<_>>();
    let keys: Vec<Uuid> = asks.iter().map(|ask| ask.key.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"-- asks: the requests, numbered from 1.
           -- callers: the API keys, of backends or of their users, and the backends. workspaces, integrations, actions, connections, conversations and
           --          grants: each row that a request names, once, locked.
           -- candidates: the grants to lock. Those that are narrowed are locked whether they cover the request or not,
           --          because what they hold fixed is encrypted. There are few of them.
           -- grant_turns, shared_grants, limited_grants: turns at the grants, the grants without a number of uses, and those
           --          with one.
           -- known, named: the requests beside what was found for them so far, because each part looks up by it.
           -- counted: how many approvals are pending, of each backend, or of each user with a bound key, with a request that
           --          may need a person.
           -- t: a turn at the row, so that those who change it get theirs (storage/tables/turns.rs).
           -- LATERAL with LIMIT or a lock can't be planned as a hash join, so each lookup takes an index, whatever the
           -- statistics of the table say. One statement, because every call of every agent takes it: a round trip.
           WITH asks AS MATERIALIZED (
               SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::text[])
                   WITH ORDINALITY AS q (key_id, idempotency_key, integration, action, user_id, conversation_id, title,
                       url, number)),
           callers AS MATERIALIZED (
               SELECT k.* FROM (SELECT DISTINCT q.key_id FROM asks q) d
               CROSS JOIN LATERAL (
                   SELECT k.*, b.name AS backend_name, b.workspace_id, b.disabled_at FROM (
                       SELECT a.id, a.backend_id, a.hash, a.scopes, a.expires_at, a.revoked_at, NULL::text AS bound_user
                       FROM api_keys a WHERE a.id = d.key_id
                       UNION ALL
                       SELECT u.id, u.backend_id, u.hash, '{ask,catalog,connections,read}'::text[], u.expires_at,
                              u.revoked_at, u.user_id
                       FROM user_keys u WHERE u.id = d.key_id) k
                   JOIN backends b ON b.id = k.backend_id LIMIT 1) k),
           locked_workspaces AS MATERIALIZED (
               SELECT w.* FROM (SELECT DISTINCT k.workspace_id FROM callers k ORDER BY 1) d
               CROSS JOIN LATERAL (
                   SELECT d.workspace_id, pg_advisory_xact_lock_shared(hashtextextended(d.workspace_id::text, 0))) t
               CROSS JOIN LATERAL (
                   SELECT w.id, w.removed_at, w.pauses, w.policy_version FROM workspaces w WHERE w.id = t.workspace_id FOR KEY SHARE) w),
           known AS MATERIALIZED (
               SELECT q.*, k.backend_id, k.bound_user, w.id AS workspace_id, w.removed_at, w.pauses, w.policy_version,
                      -- As ConversationKey::stored_id writes it.
                      coalesce(k.bound_user || chr(31), CASE WHEN strpos(q.conversation_id, chr(31)) > 0 THEN chr(31) END, '')
                          || q.conversation_id AS conversation_key
               FROM asks q JOIN callers k ON k.id = q.key_id JOIN locked_workspaces w ON w.id = k.workspace_id),
           locked_integrations AS MATERIALIZED (
               SELECT i.* FROM (SELECT DISTINCT q.workspace_id, q.integration FROM known q ORDER BY 1, 2) d
               CROSS JOIN LATERAL (
                   SELECT d.integration, pg_advisory_xact_lock_shared(
                       hashtextextended(d.workspace_id::text || '/' || d.integration, 0))) t
               CROSS JOIN LATERAL (
                   SELECT i.id, i.workspace_id, i.key, i.name, i.requires_connection FROM integrations i
                   WHERE i.workspace_id = d.workspace_id AND i.key = t.integration FOR SHARE) i),
           locked_actions AS MATERIALIZED (
               SELECT a.* FROM (
                   SELECT DISTINCT i.id, q.action FROM known q
                   JOIN locked_integrations i ON i.workspace_id = q.workspace_id AND i.key = q.integration
                   ORDER BY 1, 2) d
               CROSS JOIN LATERAL (
                   SELECT d.action, pg_advisory_xact_lock_shared(
                       hashtextextended(d.id::text || '/' || d.action, 0))) t
               CROSS JOIN LATERAL (
                   SELECT a.id, a.integration_id, a.key, a.name, a.destructive, a.unlocked_for, a.version_id,
                          a.confirmed_version_id
                   FROM actions a WHERE a.integration_id = d.id AND a.key = t.action FOR SHARE) a),
           named AS MATERIALIZED (
               SELECT q.number, q.user_id, q.backend_id, q.bound_user, q.workspace_id, q.conversation_key, q.pauses, q.policy_version,
                       i.id AS integration_id,
                      i.name AS integration_name, i.requires_connection, a.id AS action_id, a.version_id,
                      a.name AS action_name, a.destructive, a.unlocked_for, a.confirmed_version_id
               FROM known q
               LEFT JOIN locked_integrations i ON i.workspace_id = q.workspace_id AND i.key = q.integration
               LEFT JOIN locked_actions a ON a.integration_id = i.id AND a.key = q.action),
           locked_connections AS MATERIALIZED (
               SELECT c.* FROM (
                   SELECT DISTINCT q.integration_id, q.user_id FROM named q WHERE q.integration_id IS NOT NULL
                   ORDER BY 1, 2) d
               CROSS JOIN LATERAL (
                   SELECT d.user_id, pg_advisory_xact_lock_shared(
                       hashtextextended(d.integration_id::text || '/' || d.user_id, 0))) t
               CROSS JOIN LATERAL (
                   SELECT c.integration_id, c.user_id FROM connections c
                   WHERE c.integration_id = d.integration_id AND c.user_id = t.user_id FOR SHARE) c),
           locked_conversations AS MATERIALIZED (
               SELECT v.* FROM (
                   -- The count is always read first: connections are locked before conversations.
                   SELECT DISTINCT q.backend_id, q.conversation_key FROM named q
                   WHERE (SELECT count(*) FROM locked_connections) >= 0 ORDER BY 1, 2) d
               CROSS JOIN LATERAL (
                   SELECT v.backend_id, v.id, v.title, v.url, v.last_asked_at, v.closed_at FROM conversations v
                   WHERE v.backend_id = d.backend_id AND v.id = d.conversation_key FOR NO KEY UPDATE) v),
           candidates AS MATERIALIZED (
               SELECT DISTINCT d.workspace_id, g.id, g.is_limited FROM (
                   SELECT DISTINCT q.workspace_id, q.user_id, q.action_id, q.backend_id, q.conversation_key,
                          v.closed_at IS NULL AND v.last_asked_at > $9 AS open
                   FROM named q
                   LEFT JOIN locked_conversations v ON v.backend_id = q.backend_id AND v.id = q.conversation_key
                   WHERE q.action_id IS NOT NULL) d
               -- Each part has an index of its own.
               CROSS JOIN LATERAL (
                   (SELECT g.id, false AS is_limited FROM grants g
                    WHERE g.workspace_id = d.workspace_id AND g.user_id = d.user_id AND g.action_id = d.action_id
                      AND g.scope = 'always' AND g.revoked_at IS NULL LIMIT 1)
                   UNION ALL
                   (SELECT g.id, false FROM grants g
                    WHERE g.workspace_id = d.workspace_id AND g.user_id = d.user_id AND g.action_id = d.action_id
                      AND g.backend_id = d.backend_id AND g.conversation_id = d.conversation_key
                      AND g.scope = 'conversation' AND g.revoked_at IS NULL AND d.open LIMIT 1)
                   UNION ALL
                   (SELECT g.id, g.max_uses IS NOT NULL FROM grants g
                    WHERE g.workspace_id = d.workspace_id AND g.user_id = d.user_id AND g.action_id = d.action_id
                      AND g.scope IN ('narrowed_conversation', 'narrowed_always') AND g.revoked_at IS NULL
                      AND (g.conversation_id IS NULL
                          OR (g.backend_id = d.backend_id AND g.conversation_id = d.conversation_key AND d.open))
                      -- Those whose end is still to be recorded cover nothing.
                      AND (g.expires_at IS NULL OR g.expires_at > $14) AND (g.uses_left IS NULL OR g.uses_left > 0)
                    LIMIT $15)) g),
           grant_turns AS MATERIALIZED (
               SELECT pg_advisory_xact_lock_shared(t.turn) FROM (
                   SELECT DISTINCT grant_turn(c.workspace_id, c.id) AS turn FROM candidates c ORDER BY 1) t),
           shared_grants AS MATERIALIZED (
               SELECT g.* FROM (
                   SELECT c.id FROM candidates c
                   WHERE NOT c.is_limited AND (SELECT count(*) FROM grant_turns) >= 0 ORDER BY c.id) c
               CROSS JOIN LATERAL (
                   SELECT g.id, g.user_id, g.action_id, g.scope, g.backend_id, g.conversation_id, g.agent_id,
                          g.agent_name, g.expires_at, g.max_uses, g.uses_left, g.fixed_values
                   -- Not written as the condition of other indexes, which would be no better for an empty table.
                   FROM grants g WHERE g.id = c.id AND coalesce(g.revoked_at, 'infinity') = 'infinity' FOR SHARE) g),
           limited_grants AS MATERIALIZED (
               SELECT g.* FROM (
                   SELECT c.id FROM candidates c
                   WHERE c.is_limited AND (SELECT count(*) FROM shared_grants) >= 0 ORDER BY c.id) c
               CROSS JOIN LATERAL (
                   SELECT g.id, g.user_id, g.action_id, g.scope, g.backend_id, g.conversation_id, g.agent_id,
                          g.agent_name, g.expires_at, g.max_uses, g.uses_left, g.fixed_values
                   FROM grants g WHERE g.id = c.id AND coalesce(g.revoked_at, 'infinity') = 'infinity' FOR UPDATE) g),
           locked_grants AS (SELECT * FROM shared_grants UNION ALL SELECT * FROM limited_grants),
           counted AS MATERIALIZED (
               -- Written as a range with its order, so that only the index that begins with both columns gives it without
               -- a sort: other indexes of pending approvals cost the same as long as a table is almost empty.
               SELECT d.backend_id, d.bound_user, CASE WHEN d.bound_user IS NULL THEN (SELECT count(*) FROM (
                   SELECT FROM approvals p
                   WHERE p.status <> 'approved' AND (p.backend_id, p.status) >= (d.backend_id, 'pending')
                     AND (p.backend_id, p.status) <= (d.backend_id, 'pending')
                     -- None is pending for longer than seven days, so older partitions aren't looked at.
                     AND p.id >= $12
                   ORDER BY p.backend_id, p.status LIMIT $10) p)
               -- A user with bound keys has a limit of their own, so that they can't exhaust that of other users.
               ELSE (SELECT count(*) FROM (
                   SELECT FROM approvals p
                   WHERE p.status = 'pending' AND p.workspace_id = d.workspace_id
                     AND p.user_id >= d.bound_user AND p.user_id <= d.bound_user
                     AND p.backend_id = d.backend_id AND p.own_conversation AND p.id >= $12
                   ORDER BY p.user_id, p.id LIMIT $13) p) END AS pending
               FROM (
                   SELECT DISTINCT q.backend_id, q.bound_user, q.workspace_id FROM named q
                   LEFT JOIN locked_grants g ON g.user_id = q.user_id AND g.action_id = q.action_id
                       AND (g.scope = 'always' OR (g.scope = 'conversation' AND g.backend_id = q.backend_id
                           AND g.conversation_id = q.conversation_key))
                   LEFT JOIN locked_connections c ON c.integration_id = q.integration_id AND c.user_id = q.user_id
                   WHERE g.id IS NULL OR q.unlocked_for IS NULL OR q.confirmed_version_id IS DISTINCT FROM q.version_id
                      OR (q.requires_connection AND c.user_id IS NULL) OR q.pauses IS NOT NULL
                      -- A rule may ask in spite of a grant.
                      OR q.policy_version > 0) d)
           SELECT q.number AS "number!", k.id AS "key_id!", k.hash AS "hash!", k.scopes AS "scopes!", k.expires_at AS "expires_at?",
                  k.revoked_at AS "revoked_at?", k.bound_user AS "bound_user?", k.backend_id AS "backend_id!",
                  k.backend_name AS "backend_name!", k.workspace_id AS "workspace_id!",
                  k.disabled_at AS "disabled_at?", q.removed_at AS "removed_at?",
                  q.policy_version AS "policy_version!", r.approval_id AS "replayed?", r.request_digest AS "replayed_digest?",
                  n.integration_id AS "integration_id?", n.integration_name AS "integration_name?",
                  n.requires_connection AS "requires_connection?", n.action_id AS "action_id?",
                  n.version_id AS "version_id?", n.action_name AS "action_name?", n.destructive AS "destructive?",
                  n.unlocked_for AS "unlocked_for?",
                  coalesce(n.confirmed_version_id = n.version_id, false) AS "confirmed!",
                  (c.user_id IS NOT NULL) AS "connected!", v.last_asked_at AS "last_asked_at?",
                  coalesce(v.closed_at IS NOT NULL OR v.last_asked_at < $11 OR v.title IS DISTINCT FROM
                      coalesce(q.title, v.title) OR v.url IS DISTINCT FROM coalesce(q.url, v.url), true) AS "touched!",
                  g.id AS "grant_id?", g.scope AS "grant_scope?", g.backend_id AS "grant_backend?",
                  g.agent_id AS "grant_agent?", g.agent_name AS "grant_agent_name?", g.expires_at AS "grant_until?",
                  g.max_uses AS "grant_uses?", g.uses_left AS "grant_left?", g.fixed_values AS "grant_fixed?",
                  coalesce(p.pending, 0) AS "pending!", q.pauses::text AS "pauses?"
           FROM known q
           JOIN callers k ON k.id = q.key_id
           JOIN named n ON n.number = q.number
           LEFT JOIN LATERAL (
               SELECT r.approval_id, r.request_digest FROM idempotency_keys r
               WHERE r.backend_id = q.backend_id
                 -- As OwnApprovals::idempotency_key writes it.
                 AND r.key = coalesce(q.bound_user || chr(31), '') || q.idempotency_key LIMIT 1) r ON true
           LEFT JOIN locked_connections c ON c.integration_id = n.integration_id AND c.user_id = n.user_id
           LEFT JOIN locked_conversations v ON v.backend_id = n.backend_id AND v.id = n.conversation_key
           LEFT JOIN locked_grants g ON g.user_id = n.user_id AND g.action_id = n.action_id
               AND (g.conversation_id IS NULL
                   OR (g.backend_id = n.backend_id AND g.conversation_id = n.conversation_key))
           LEFT JOIN counted p ON p.backend_id = n.backend_id AND p.bound_user IS NOT DISTINCT FROM n.bound_user"#,
        &keys,
        &texts(|ask| ask.idempotency_key.map(ForeignId::as_str)) as _,
        &texts(|ask| Some(ask.integration.as_str())) as _,
        &texts(|ask| Some(ask.action.as_str())) as _,
        &texts(|ask| Some(ask.user.as_str())) as _,
        &texts(|ask| Some(ask.conversation.id.as_str())) as _,
        &texts(|ask| ask.conversation.title.as_ref().map(Text::as_str)) as _,
        &texts(|ask| ask.conversation.url.as_ref().map(Link::as_str)) as _,
        now - SILENCE,
        most.of_backend,
        now - TOUCH_EVERY,
        id_bound(now - TimeDelta::days(8)),
        most.of_user,
        now,
        i64::from(MOST_NARROWED),
    )
    .fetch_all(db)
    .await?;
    let mut found: HashMap<i64, (Row, Vec<Result<LiveGrant, CorruptRow>>)> = HashMap::new();
    for mut row in rows {
        let grant = row.grant(open);
        found.entry(row.number).or_insert_with(|| (row, Vec::new())).1.extend(grant);
    }
    let contexts = (1..).zip(asks).map(|(number, ask)| {
        let row = found.remove(&number);
        row.map(|(row, grants)| row.read(ask, grants)).transpose().map_err(sqlx::Error::from)
    });
    Ok(contexts.collect())
}

impl Row {
    /// Takes the grant out of the row.
    fn grant(&mut self, open: Open<'_>) -> Option<Result<LiveGrant, CorruptRow>> {
        let (id, stored) = self.grant_id.zip(self.grant_scope.as_deref())?;
        let narrowing = NarrowingRow {
            backend_id: self.grant_backend,
            agent_id: self.grant_agent.take(),
            agent_name: self.grant_agent_name.take(),
            expires_at: self.grant_until,
            max_uses: self.grant_uses,
            uses_left: self.grant_left,
            fixed_values: self.grant_fixed.take(),
        };
        let read = |scope| {
            Ok(LiveGrant { id: GrantId::new(id), scope, narrowing: narrowing.read(id, stored, open)? })
        };
        Some(standing_scope(id, stored).and_then(read))
    }

    fn read(
        self,
        ask: &Asking<'_>,
        grants: Vec<Result<LiveGrant, CorruptRow>>,
    ) -> Result<AskContext, CorruptRow> {
        let scopes = api_keys::scopes(self.key_id, &self.scopes)?;
        let integration_row = self.integration_id.zip(self.integration_name);
        let action_row = self.action_id.zip(self.action_name.zip(self.destructive));
        let (connected, unlocked, confirmed) = (self.connected, self.unlocked_for, self.confirmed);
        let known = integration_row.zip(action_row);
        let read = |((integration_id, integration_name), (action_id, (action_name, destructive)))| {
            let id = ActionId::new(action_id);
            let unlocked = unlocked_for(id, unlocked.as_deref())?;
            let version_id = self.version_id.ok_or_else(|| CorruptRow::new("actions", "version_id", &id))?;
            let action_ref = ActionRef {
                id,
                integration_id: IntegrationId::new(integration_id),
                integration: ask.integration.clone(),
                action: ask.action.clone(),
                // Taken from the action's locked row. Once a row lock had to wait, Postgres reads that row in its
                // newest version, but rows of joined tables as of the start of the statement.
                version: ActionVersionId::new(version_id),
                integration_name,
                action_name,
                description: None,
                impact: if destructive { Impact::DESTRUCTIVE } else { Impact::Undeclared },
                presentation: Presentation::default(),
                has_input_schema: false,
                must_read: false,
            };
            let eligibility = Eligibility {
                lock: Lock::new(unlocked, false, confirmed),
                outdated: false,
                connected: connected || self.requires_connection == Some(false),
                conversation_closed: false,
                bounds: Bounds::default(),
            };
            Ok((action_ref, eligibility, grants.into_iter().collect::<Result<_, _>>()?))
        };
        Ok(AskContext {
            action: known.map(read).transpose()?,
            key: StoredKey {
                id: ApiKeyId::new(self.key_id),
                hash: self.hash,
                scopes,
                expires_at: self.expires_at,
                revoked: self.revoked_at.is_some(),
                backend: BackendId::new(self.backend_id),
                backend_name: self.backend_name,
                user: self.bound_user.map(UserId::from_stored),
                workspace: WorkspaceId::new(self.workspace_id),
                disabled: self.disabled_at.is_some(),
                workspace_removed: self.removed_at.is_some(),
            },
            policy: PolicyVersion::from_stored(self.policy_version),
            replayed: self.replayed.map(ApprovalId::new).zip(self.replayed_digest),
            pending: self.pending,
            pauses: PausesInForce::from_locked(pauses::read(
                WorkspaceId::new(self.workspace_id),
                self.pauses.as_deref(),
            )?),
            conversation: self
                .last_asked_at
                .map(|last_asked_at| StoredConversation { last_asked_at, touched: self.touched }),
        })
    }
}
