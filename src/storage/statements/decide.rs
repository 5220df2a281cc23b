//! Deciding an approval: locking it, reading what a grant is judged by, and writing everything that follows from the
//! decision in one statement. A click needs at most three round trips between begin and commit.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        approvals::Approval,
        callers::OwnApprovals,
        catalog::{Eligibility, Lock},
        decision::Decision,
        decisions::{Ended, Held},
        effects::Changed,
        grants::{Reach, Scope, StandingScope},
        ids::{ApprovalId, BackendId, GrantId, UserId},
        limits::Bounds,
        own_keys::ConversationKey,
        panel::Approvers,
        policy::PolicyVersion,
        repeats::RequestDigest,
        text::Text,
    },
    storage::{
        PgConnection,
        effects::Unwritten,
        json_text,
        tables::{
            actions::unlocked_for,
            approvals::{ApprovalRow, select_approvals},
            grants::Seal,
        },
    },
};

/// Locks an approval and its workspace, which is known by its Slack id. The workspace is locked first, against removal
/// of the app and against a change of the rules, of which the version in force is returned: Postgres takes row locks in the
/// order of the locking clauses. `None` if the app is no longer installed.
/// The request is recorded in any case; if it was recorded before, the statement fails
/// ([`crate::storage::tables::repeats::is_repeat`]).
pub async fn lock_in_workspace(
    db: &mut PgConnection,
    slack_id: &str,
    id: ApprovalId,
    request: Option<RequestDigest>,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<(Approval, Option<PolicyVersion>)>> {
    let row = select_approvals!(
        // Postgres runs this after it took the locks, so the second copy of a request waits for the first, and then
        // fails.
        @ "WITH remembered AS (
               INSERT INTO slack_requests (digest, taken_at) SELECT $3, $4 WHERE $3::bytea IS NOT NULL)
           " in_force "w.policy_version";
        "JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.id = $1 AND w.slack_id = $2 AND w.removed_at IS NULL
         FOR KEY SHARE OF w FOR NO KEY UPDATE OF p",
        id.uuid(),
        slack_id,
        request.as_ref().map(RequestDigest::as_bytes),
        now
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let in_force = row.in_force.and_then(PolicyVersion::from_stored);
    Ok(Some((row.read()?, in_force)))
}

/// Locks an approval of this backend.
pub async fn lock_of_caller(
    db: &mut PgConnection,
    own: &OwnApprovals,
    id: ApprovalId,
) -> sqlx::Result<Option<Approval>> {
    let row = select_approvals!(
        "JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.id = $1 AND p.backend_id = $2 AND ($3::text IS NULL OR p.user_id = $3)
         FOR KEY SHARE OF w FOR NO KEY UPDATE OF p",
        id.uuid(),
        own.backend().uuid(),
        own.user().map(UserId::as_str)
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(ApprovalRow::read).transpose()?)
}

/// Locks an approval of any backend, for background work.
pub async fn lock(db: &mut PgConnection, id: ApprovalId) -> sqlx::Result<Option<Approval>> {
    let row = select_approvals!(
        "JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.id = $1 FOR KEY SHARE OF w FOR NO KEY UPDATE OF p",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(ApprovalRow::read).transpose()?)
}

/// What giving a grant is judged by.
#[derive(Debug, Clone, Copy)]
pub struct DecisionContext {
    /// Whether the action may be auto-approved.
    pub eligibility: Eligibility,
    /// The user's live grants for the action.
    pub held: Held,
    /// When the user was last found not to be a full member.
    pub left_at: Option<DateTime<Utc>>,
}

/// Reads and locks what giving a grant of this scope is judged by.
///
/// The locks are those of [`crate::storage::statements::create_approval::load`]. Locking the action, disconnecting the
/// integration and closing the conversation therefore happen before or after this transaction, never during it. The
/// lock on the user's row does the same for turning off grants and for leaving the workspace.
pub async fn context(
    db: &mut PgConnection,
    approval: &Approval,
    scope: StandingScope,
    now: DateTime<Utc>,
) -> sqlx::Result<DecisionContext> {
    let request = &approval.request;
    // Each subquery refers to the one before it, so that Postgres can only lock in this order.
    let row = sqlx::query!(
        r#"WITH present AS (
               INSERT INTO members (workspace_id, user_id) VALUES ($6, $3)
               ON CONFLICT (workspace_id, user_id) DO UPDATE SET checked_at = members.checked_at
               RETURNING user_id, left_at)
           SELECT a.unlocked_for, (a.retired_at IS NOT NULL) AS "retired!",
                  coalesce(a.confirmed_version_id = a.version_id, false) AS "confirmed!",
                  coalesce(a.version_id <> $8, true) AS "outdated!",
                  (c.user_id IS NOT NULL OR NOT i.requires_connection) AS "connected!",
                  coalesce(v.closed_at IS NOT NULL, true) AS "closed!", g.id AS "grant_id?", m.left_at AS "left_at?",
                  -- The lock on the user's row keeps this number.
                  (SELECT count(*) FROM grants n WHERE n.workspace_id = $6 AND n.user_id = $3 AND n.action_id = a.id
                     AND n.scope IN ('narrowed_conversation', 'narrowed_always') AND n.revoked_at IS NULL
                     AND (n.expires_at IS NULL OR n.expires_at > $9) AND (n.uses_left IS NULL OR n.uses_left > 0))
                      AS "narrowed!"
           FROM present m
           JOIN LATERAL (SELECT id, requires_connection FROM integrations WHERE id = $1 AND m.user_id = $3
                FOR SHARE) i ON true
           JOIN LATERAL (SELECT id, unlocked_for, retired_at, version_id, confirmed_version_id FROM actions
                WHERE id = $2 AND integration_id = i.id FOR SHARE) a ON true
           LEFT JOIN LATERAL (SELECT user_id FROM connections WHERE integration_id = i.id AND user_id = $3 FOR SHARE) c
                ON true
           LEFT JOIN LATERAL (SELECT id, closed_at FROM conversations WHERE backend_id = $4 AND id = $5 FOR SHARE) v
                ON true
           LEFT JOIN LATERAL (SELECT id FROM grants WHERE workspace_id = $6 AND user_id = $3 AND action_id = a.id
                AND revoked_at IS NULL AND scope = $7
                AND (scope = 'always' OR (backend_id = $4 AND conversation_id = $5)) FOR UPDATE) g ON true"#,
        request.action.integration_id.uuid(),
        request.action.id.uuid(),
        request.user.as_str(),
        request.backend.uuid(),
        request.conversation_key().stored_id(),
        request.workspace.uuid(),
        scope.as_stored(false),
        request.action.version.uuid(),
        now,
    )
    .fetch_one(db)
    .await?;
    let unlocked = unlocked_for(request.action.id, row.unlocked_for.as_deref())?;
    let eligibility = Eligibility {
        lock: Lock::new(unlocked, row.retired, row.confirmed),
        outdated: row.outdated,
        connected: row.connected,
        conversation_closed: row.closed,
        bounds: Bounds::default(),
    };
    let held = Held {
        same: row.grant_id.map(GrantId::new),
        narrowed: u32::try_from(row.narrowed).unwrap_or(u32::MAX),
    };
    Ok(DecisionContext { eligibility, held, left_at: row.left_at })
}

/// What a prompt shows in addition to the approval.
#[derive(Debug)]
pub struct PromptFacts {
    /// Whether the action may be auto-approved, read without locks.
    pub eligibility: Eligibility,
    /// Where the user can connect the integration.
    pub connect_url: Option<String>,
    /// Whether the grant that the decision gave or used is still live.
    pub grant_live: bool,
    /// Whether the user has an unanswered unlock request for the action.
    pub requested: bool,
    /// Whether a caller tried to run something other than what was approved.
    pub misused: bool,
    /// The version of the rules in force.
    pub policy: Option<PolicyVersion>,
}

/// Reads what a prompt shows in addition to the approval, without locks.
pub async fn surroundings(
    db: &mut PgConnection,
    approval: &Approval,
    now: DateTime<Utc>,
) -> sqlx::Result<PromptFacts> {
    let request = &approval.request;
    let row = sqlx::query!(
        r#"SELECT a.unlocked_for, (a.retired_at IS NOT NULL) AS "retired!",
                  coalesce(a.confirmed_version_id = a.version_id, false) AS "confirmed!",
                  coalesce(a.version_id <> $6, true) AS "outdated!",
                  (NOT i.requires_connection OR EXISTS (SELECT 1 FROM connections c
                      WHERE c.integration_id = i.id AND c.user_id = $2)) AS "connected!",
                  EXISTS (SELECT 1 FROM conversations v WHERE v.backend_id = $3 AND v.id = $4
                      AND v.closed_at IS NOT NULL) AS "closed!",
                  coalesce((SELECT g.revoked_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > $7)
                      AND (g.uses_left IS NULL OR g.uses_left > 0) FROM grants g WHERE g.id = $5), false) AS "grant_live!",
                  EXISTS (SELECT 1 FROM unlock_requests r JOIN unlock_askers k ON k.request_id = r.id
                      WHERE r.action_id = a.id AND r.answered_at IS NULL AND k.user_id = $2) AS "requested!",
                  EXISTS (SELECT FROM permit_refusals f WHERE f.approval_id = $8 AND f.why = 'other-arguments') AS "misused!",
                  i.connect_url, (SELECT w.policy_version FROM workspaces w WHERE w.id = i.workspace_id) AS "policy_version!"
           FROM actions a JOIN integrations i ON i.id = a.integration_id WHERE a.id = $1"#,
        request.action.id.uuid(),
        request.user.as_str(),
        request.backend.uuid(),
        request.conversation_key().stored_id(),
        approval.decision.as_ref().and_then(Decision::grant).map(GrantId::uuid),
        request.action.version.uuid(),
        now,
        request.id.uuid(),
    )
    .fetch_one(db)
    .await?;
    let unlocked = unlocked_for(request.action.id, row.unlocked_for.as_deref())?;
    Ok(PromptFacts {
        eligibility: Eligibility {
            lock: Lock::new(unlocked, row.retired, row.confirmed),
            outdated: row.outdated,
            connected: row.connected,
            conversation_closed: row.closed,
            bounds: Bounds::default(),
        },
        connect_url: row.connect_url,
        grant_live: row.grant_live,
        requested: row.requested,
        misused: row.misused,
        policy: PolicyVersion::from_stored(row.policy_version),
    })
}

/// Writes the decision and its effects, and returns the ended approval. `seal`: encrypts the values that a grant holds
/// fixed.
#[expect(clippy::too_many_lines, reason = "one statement, and what it binds")]
pub async fn save(
    db: &mut PgConnection,
    unwritten: &mut Unwritten,
    ended: Changed<Ended>,
    seal: Seal<'_>,
) -> sqlx::Result<Approval> {
    let Ended { approval, decision, given } = unwritten.record(ended).into_state();
    let request = &approval.request;
    let effects = unwritten.bind();
    let edited = decision.edited();
    let edited_json = edited.map(|edited| json_text(&edited.arguments)).transpose()?;
    let conversation = given.as_ref().and_then(|grant| match &grant.reach {
        Reach::Conversation(conversation) => Some(conversation),
        Reach::Always => None,
    });
    let narrowing = given.as_ref().and_then(|grant| grant.narrowing.as_ref());
    let agent = narrowing.and_then(|narrowing| narrowing.agent.as_ref());
    let uses = narrowing.and_then(|narrowing| narrowing.uses);
    let fixed =
        given.as_ref().and_then(|grant| Some(seal(grant.id, grant.narrowing.as_ref()?.fixed.values()?)));
    let backend = conversation.map(ConversationKey::backend).or(agent.map(|(backend, _)| *backend));
    let limits = decision.limits().map(json_text).transpose()?;
    sqlx::query!(
        r#"-- given: the grant that the click gave, if it gave one ($10: its id).
           -- decided: the approval ends. Its row is locked, so that nothing else has ended it.
           -- recorded: the audit entries.
           -- queued: the prompt to draw again, and the webhook.
           -- called: the callback, if the approval has one. Its row learns of the delivery.
           -- refreshed: the Home tab of the user who was asked, if they ever opened it.
           -- The last part rings for the outbox's workers, and for the requests that wait for this approval to end.
           -- One statement, because the person who clicked waits for it: a round trip, and not six.
           WITH given AS (
               INSERT INTO grants (id, workspace_id, user_id, action_id, scope, backend_id, conversation_id, created_at,
                   agent_id, agent_name, expires_at, max_uses, uses_left, fixed_values)
               SELECT $10, $2, $11, $12, $13, $14, $15, $3, $23, $24, $25, $26, $27, $28 WHERE $10::uuid IS NOT NULL),
           decided AS (
               UPDATE approvals SET status = $4, decision_scope = $5, decided_by = $6, decided_user = $7,
                   decision_grant = $8, decision_reason = $9, decided_at = $3,
                   edited_arguments = $19::text::json, edited_digest = $20, decided_for = $22,
                   decision_limits = $29::text::json, decided_together = $30
               WHERE id = $1),
           recorded AS (
               INSERT INTO audit (at, workspace_id, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
               SELECT $3, e.* FROM jsonb_to_recordset($16) AS e (workspace_id uuid, actor_kind text, actor text, what text,
                   approval_id uuid, grant_id uuid, subject text, before jsonb, after jsonb)),
           queued AS (
               INSERT INTO outbox (created_at, id, workspace_id, due_at, kind, queue, approval_id, backend_id, event)
               SELECT $3, r.* FROM jsonb_to_recordset($17) AS r (id uuid, workspace_id uuid, due_at timestamptz, kind text,
                   queue text, approval_id uuid, backend_id uuid, event text)
               -- A backend without an endpoint gets no webhook: its callers long-poll.
               WHERE r.kind <> 'webhook'
                  OR EXISTS (SELECT FROM backends b WHERE b.id = r.backend_id AND b.webhook_url <> '')
               RETURNING kind),
           called AS (
               INSERT INTO outbox (created_at, id, workspace_id, due_at, kind, queue, approval_id, backend_id, event)
               SELECT $3, r.id, r.workspace_id, r.due_at, r.kind, r.queue, r.approval_id, r.backend_id, r.event
               FROM jsonb_to_recordset($21) AS r (id uuid, workspace_id uuid, due_at timestamptz, kind text,
                   queue text, approval_id uuid, backend_id uuid, event text)
               CROSS JOIN LATERAL (SELECT FROM callbacks c WHERE c.approval_id = $1 LIMIT 1) c
               RETURNING id, kind),
           named AS (UPDATE callbacks SET delivery_id = (SELECT c.id FROM called c) WHERE approval_id = $1),
           refreshed AS (
               INSERT INTO outbox (id, workspace_id, kind, queue, user_id, created_at, due_at)
               SELECT r.id, r.workspace_id, 'home', r.queue, r.user_id, $3, r.due_at
               FROM jsonb_to_recordset($18) AS r (id uuid, workspace_id uuid, user_id text, due_at timestamptz, queue text)
               CROSS JOIN LATERAL (
                   SELECT 1 FROM homes h WHERE h.workspace_id = r.workspace_id AND h.user_id = r.user_id LIMIT 1) h
               RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told
           FROM (SELECT kind FROM queued UNION SELECT kind FROM called UNION SELECT kind FROM refreshed) AS kinds
           UNION ALL SELECT pg_notify('countersign_ended', $1::uuid::text)"#,
        request.id.uuid(),
        request.workspace.uuid(),
        decision.decided_at,
        // The decision.
        approval.status().as_str(),
        // Without one if the arguments were edited: migration 0031 says why.
        decision.scope().filter(|_| edited.is_none()).map(Scope::as_str),
        decision.by(),
        decision.user().map(UserId::as_str),
        decision.grant().map(GrantId::uuid),
        decision.reason().map(Text::as_str),
        // The grant.
        given.as_ref().map(|grant| grant.id.uuid()),
        given.as_ref().map(|grant| grant.user.as_str()),
        given.as_ref().map(|grant| grant.action.uuid()),
        given.as_ref().map(|grant| grant.reach.scope().as_stored(grant.narrowing.is_some())),
        backend.map(BackendId::uuid),
        conversation.map(ConversationKey::stored_id),
        // The effects.
        effects.audit as _,
        effects.outbox as _,
        effects.homes as _,
        // What was approved, if that is not what was asked.
        edited_json,
        edited.map(|edited| edited.digest.bytes().as_slice()),
        effects.callbacks as _,
        decision.on_behalf_of().map(UserId::as_str),
        // What the grant is narrowed to.
        agent.map(|(_, agent)| agent.id.as_str()),
        agent.and_then(|(_, agent)| agent.name.as_ref()).map(Text::as_str),
        narrowing.and_then(|narrowing| narrowing.until),
        uses.map(|uses| i32::from(uses.max.number())),
        uses.map(|uses| i32::from(uses.left)),
        fixed,
        limits,
        // Who approved, if a rule names them.
        decision.approvers().map(Approvers::to_stored),
    )
    .fetch_all(db)
    .await?;
    Ok(approval)
}
