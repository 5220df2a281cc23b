-- The statements of version 0.1.0 that read or write approvals, prompts, outbox, attempts or audit, as it prepared them.
PREPARE finish (uuid, uuid, int4, timestamptz, text, text, timestamptz, timestamptz, int8, int4, text) AS
WITH finished AS (
               UPDATE outbox SET lease = NULL, leased_until = NULL, attempts = attempts + $3::int,
                   by_hand = by_hand AND $3 = 0,
                   due_at = coalesce($4, due_at), last_error = $5,
                   done_at = CASE WHEN $6 = 'done' THEN $7::timestamptz END,
                   dead_at = CASE WHEN $6 = 'dead' THEN $7::timestamptz END
               WHERE id = $1 AND lease = $2 RETURNING id, attempts),
           noted AS (
               INSERT INTO attempts (outbox_id, number, started_at, took_ms, outcome, http_status, detail)
               SELECT id, attempts, $8, $9, $6, $10, $11 FROM finished WHERE $3 = 1
               ON CONFLICT (outbox_id, number) DO NOTHING)
           SELECT count(*) AS "held!" FROM finished;
PREPARE statement_2 (uuid, uuid, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.backend_id = $1 AND p.id < $2 AND p.status = 'denied' ORDER BY p.id DESC LIMIT $3;
PREPARE statement_3 (uuid, text) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               JOIN workspaces w ON w.id = p.workspace_id WHERE p.id = $1 AND w.slack_id = $2;
PREPARE save_decision (uuid, uuid, timestamptz, text, text, text, text, text, uuid, uuid, uuid, text, uuid, text, text, text[], text[], text[], uuid[], uuid[], text[], jsonb[], jsonb[], uuid[], text[], text[], uuid[], text[], uuid, text) AS
WITH given AS (
               INSERT INTO grants (id, workspace_id, user_id, action_id, scope, backend_id, conversation_id, created_at)
               SELECT $10, $2, $4, $11, $12, $13, $14, $3 WHERE $10::uuid IS NOT NULL),
           decided AS (
               UPDATE approvals SET status = $5, decision_scope = $6, decided_by = $7, decided_user = $8,
                   decision_grant = $9, decision_reason = $15, decided_at = $3
               WHERE id = $1),
           recorded AS (
               INSERT INTO audit (workspace_id, at, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
               SELECT $2, $3, * FROM unnest($16::text[], $17::text[], $18::text[], $19::uuid[], $20::uuid[],
                   $21::text[], $22::jsonb[], $23::jsonb[])),
           queued AS (
               INSERT INTO outbox (workspace_id, created_at, due_at, approval_id, id, kind, queue, backend_id, event)
               SELECT $2, $3, $3, $1, * FROM unnest($24::uuid[], $25::text[], $26::text[], $27::uuid[], $28::text[])
               RETURNING kind),
           refreshed AS (
               INSERT INTO outbox (id, workspace_id, kind, queue, user_id, created_at, due_at)
               SELECT $29, $2, 'home', 'home:' || $2::uuid || ':' || h.user_id, h.user_id, $3, $3 FROM homes h
               WHERE h.workspace_id = $2 AND h.user_id = $30 RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told
           FROM (SELECT kind FROM queued UNION SELECT kind FROM refreshed) AS kinds
           UNION ALL SELECT pg_notify('countersign_ended', $1::uuid::text);
PREPARE statement_5 (uuid, text[], bool, bool, timestamptz, timestamptz) AS
SELECT h.user_id FROM homes h WHERE h.workspace_id = $1
           AND (h.user_id = ANY($2) OR ($2 IS NULL AND h.opened_at > $6)) AND (NOT $3 OR h.admin)
           AND (NOT $4 OR NOT EXISTS (SELECT 1 FROM outbox o
               WHERE o.queue = 'home:' || $1::uuid || ':' || h.user_id AND o.done_at IS NULL AND o.dead_at IS NULL
                 AND o.lease IS NULL AND o.due_at > $5));
PREPARE statement_6 (uuid, uuid, int8) AS
SELECT id, approval_id AS "approval_id!", event AS "event!", created_at, due_at, attempts, done_at,
                      dead_at, last_error,
                      (NOT by_hand AND EXISTS (SELECT FROM backends b
                          WHERE b.id = backend_id AND b.webhook_stopped_at IS NOT NULL)) AS "stopped!"
               FROM outbox WHERE kind = 'webhook' AND backend_id = $1 AND id < $2 AND done_at IS NULL AND dead_at IS NULL ORDER BY id DESC LIMIT $3;
PREPARE statement_7 (uuid, timestamptz, uuid[], uuid[], text[]) AS
WITH waiting AS (
               SELECT queue FROM outbox WHERE queue = ANY($5) AND done_at IS NULL AND dead_at IS NULL
                 AND lease IS NULL FOR SHARE SKIP LOCKED),
           queued AS (
               INSERT INTO outbox (workspace_id, created_at, due_at, kind, id, approval_id, queue)
               SELECT $1, $2, $2, 'prompt', * FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS row (id, approval, queue)
               WHERE row.queue NOT IN (SELECT waiting.queue FROM waiting) RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told FROM queued LIMIT 1;
PREPARE statement_8 (uuid[]) AS
SELECT id FROM approvals WHERE action_id = ANY($1) AND status = 'pending' ORDER BY id;
PREPARE statement_9 (uuid, uuid, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.backend_id = $1 AND p.id < $2 AND p.status = 'cancelled' ORDER BY p.id DESC LIMIT $3;
PREPARE statement_10 (uuid, uuid, text, text, text, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.backend_id = $1 AND p.id < $2 AND p.conversation_id = $3
                   AND ($4::text IS NULL OR p.user_id = $4) AND ($5::text IS NULL OR p.status = $5)
                 ORDER BY p.id DESC LIMIT $6;
PREPARE load_ask (uuid, text, text, text, text, text, timestamptz, int8) AS
SELECT k.id AS key_id, k.hash, k.expires_at, b.id AS backend_id, b.workspace_id, b.disabled_at,
                  w.removed_at,
                  (SELECT p.id FROM approvals p WHERE p.backend_id = b.id AND p.idempotency_key = $2) AS replayed,
                  i.id AS "integration_id?", i.name AS "integration_name?", i.requires_connection AS "requires_connection?",
                  a.id AS "action_id?", a.name AS "action_name?", a.destructive AS "destructive?",
                  (a.unlocked_at IS NOT NULL) AS "unlocked!",
                  (c.user_id IS NOT NULL) AS "connected!",
                  g.id AS "grant_id?", g.scope AS "grant_scope?",
                  CASE WHEN g.id IS NULL THEN (SELECT count(*) FROM (SELECT FROM approvals p
                      WHERE p.backend_id = b.id AND p.status = 'pending' LIMIT $8) pending) ELSE 0 END AS "pending!"
           FROM api_keys k
           JOIN backends b ON b.id = k.backend_id
           JOIN workspaces w ON w.id = b.workspace_id
           LEFT JOIN LATERAL (SELECT i.id, i.name, i.requires_connection FROM integrations i
                WHERE i.workspace_id = b.workspace_id AND i.key = $3 FOR SHARE) i ON true
           LEFT JOIN LATERAL (SELECT a.id, a.name, a.destructive, a.unlocked_at FROM actions a
                WHERE a.integration_id = i.id AND a.key = $4 FOR SHARE) a ON true
           LEFT JOIN LATERAL (SELECT c.user_id FROM connections c
                WHERE c.integration_id = i.id AND c.user_id = $5 FOR SHARE) c ON true
           LEFT JOIN LATERAL (SELECT v.id, v.closed_at, v.last_asked_at FROM conversations v
                WHERE v.backend_id = b.id AND v.id = $6 FOR NO KEY UPDATE) v ON true
           LEFT JOIN LATERAL (SELECT g.id, g.scope FROM grants g
                WHERE g.workspace_id = b.workspace_id AND g.user_id = $5 AND g.action_id = a.id
                  AND g.revoked_at IS NULL
                  AND (g.scope = 'always' OR (g.scope = 'conversation' AND g.backend_id = b.id
                      AND g.conversation_id = v.id AND v.closed_at IS NULL AND v.last_asked_at > $7))
                ORDER BY g.scope LIMIT 1 FOR UPDATE) g ON true
           WHERE k.id = $1;
PREPARE statement_12 (uuid, uuid, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.backend_id = $1 AND p.id < $2 AND p.status = 'pending' ORDER BY p.id DESC LIMIT $3;
PREPARE statement_13 (uuid) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.id = $1;
PREPARE statement_14 (uuid, text, int8, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.workspace_id = $1 AND p.user_id = $2 AND p.status = 'pending' ORDER BY p.id LIMIT $3 OFFSET $4;
PREPARE statement_15 (uuid, uuid, int8) AS
SELECT id, approval_id AS "approval_id!", event AS "event!", created_at, due_at, attempts, done_at,
                      dead_at, last_error,
                      (NOT by_hand AND EXISTS (SELECT FROM backends b
                          WHERE b.id = backend_id AND b.webhook_stopped_at IS NOT NULL)) AS "stopped!"
               FROM outbox WHERE kind = 'webhook' AND backend_id = $1 AND id < $2 AND done_at IS NOT NULL ORDER BY id DESC LIMIT $3;
PREPARE statement_16 AS
SELECT coalesce(max(newest.txid) >= pg_snapshot_xmax(pg_current_snapshot()), false) AS "over!"
           FROM workspaces w CROSS JOIN LATERAL (
               SELECT a.txid FROM audit a
               WHERE a.workspace_id = w.id AND a.era = (SELECT max(e.era) FROM audit_eras e)
               ORDER BY a.txid DESC LIMIT 1) newest;
PREPARE statement_17 (uuid, int8, int8, timestamptz) AS
SELECT b.id, b.name, (b.disabled_at IS NOT NULL) AS "disabled!", b.webhook_stopped_at,
                  (SELECT count(*) FROM outbox o WHERE o.backend_id = b.id AND o.kind = 'webhook'
                       AND o.done_at IS NULL AND o.dead_at IS NULL AND o.attempts > 0) AS "failing!",
                  (SELECT count(*) FROM outbox o WHERE o.backend_id = b.id AND o.kind = 'webhook'
                       AND o.done_at IS NULL AND o.dead_at > $4) AS "dead!",
                  (SELECT o.done_at FROM outbox o WHERE o.backend_id = b.id AND o.kind = 'webhook'
                       AND o.done_at IS NOT NULL ORDER BY o.id DESC LIMIT 1) AS delivered_at
           FROM backends b WHERE b.workspace_id = $1 ORDER BY (b.disabled_at IS NOT NULL), lower(b.name) LIMIT $2 OFFSET $3;
PREPARE statement_18 (int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.status = 'pending' AND w.removed_at IS NOT NULL
         LIMIT $1 FOR NO KEY UPDATE OF p SKIP LOCKED;
PREPARE statement_19 (uuid, uuid, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.backend_id = $1 AND p.id < $2 AND p.status = 'approved' ORDER BY p.id DESC LIMIT $3;
PREPARE statement_20 (uuid, text) AS
SELECT id, user_id FROM approvals WHERE backend_id = $1 AND conversation_id = $2 AND status = 'pending'
         ORDER BY id;
PREPARE statement_21 (uuid, text, text, timestamptz) AS
UPDATE prompts SET gone_at = $4 WHERE approval_id = $1 AND channel = $2 AND ts = $3;
PREPARE statement_22 (uuid) AS
SELECT number, started_at, took_ms, outcome, http_status, detail FROM attempts
         WHERE outbox_id = $1 ORDER BY number;
PREPARE statement_23 (uuid, text, int8) AS
SELECT count(*) AS "count!" FROM (SELECT 1 FROM approvals
               WHERE workspace_id = $1 AND user_id = $2 AND decided_at IS NOT NULL LIMIT $3) AS recent;
PREPARE remember_prompt (uuid, text, text, timestamptz) AS
INSERT INTO prompts (approval_id, channel, ts, posted_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;
PREPARE statement_25 (uuid, uuid, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.backend_id = $1 AND p.id < $2 AND p.status = 'expired' ORDER BY p.id DESC LIMIT $3;
PREPARE statement_26 (uuid, uuid, uuid, text, text, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.backend_id = $1 AND p.id < $2 AND p.workspace_id = $3 AND p.user_id = $4
                   AND ($5::text IS NULL OR p.status = $5)
                 ORDER BY p.id DESC LIMIT $6;
PREPARE statement_27 (uuid, text) AS
SELECT p.id FROM approvals p JOIN actions a ON a.id = p.action_id
         WHERE a.integration_id = $1 AND p.user_id = $2 AND p.status = 'pending' ORDER BY p.id;
PREPARE statement_28 (uuid, int4, text, int8, int8) AS
SELECT id, era, txid::text AS "txid!", at, actor_kind, actor, what, approval_id, grant_id, subject, before,
                  after
           FROM audit
           WHERE workspace_id = $1 AND (era, txid, id) > ($2, $3::text::xid8, $4)
             AND (txid < pg_snapshot_xmin(pg_current_snapshot()) OR era < (SELECT max(e.era) FROM audit_eras e))
           ORDER BY era, audit.txid, audit.id LIMIT $5;
PREPARE statement_29 (uuid) AS
SELECT request_digest FROM approvals WHERE id = $1;
PREPARE statement_30 (uuid, timestamptz) AS
UPDATE outbox SET done_at = $2 WHERE id <> $1 AND queue = (SELECT queue FROM outbox WHERE id = $1)
           AND done_at IS NULL AND dead_at IS NULL AND lease IS NULL;
PREPARE statement_31 (uuid, uuid, int8) AS
SELECT id, approval_id AS "approval_id!", event AS "event!", created_at, due_at, attempts, done_at,
                      dead_at, last_error,
                      (NOT by_hand AND EXISTS (SELECT FROM backends b
                          WHERE b.id = backend_id AND b.webhook_stopped_at IS NOT NULL)) AS "stopped!"
               FROM outbox WHERE kind = 'webhook' AND backend_id = $1 AND id < $2 AND dead_at IS NOT NULL ORDER BY id DESC LIMIT $3;
PREPARE statement_32 AS
SELECT min(expires_at) FROM approvals WHERE status = 'pending';
PREPARE statement_33 (uuid, timestamptz, timestamptz, int8, uuid[], int8[], int8) AS
WITH RECURSIVE waiting AS (
               (SELECT o.backend_id FROM outbox o
                WHERE o.kind = 'webhook' AND o.done_at IS NULL AND o.dead_at IS NULL
                ORDER BY o.backend_id, o.due_at LIMIT 1)
               UNION ALL
               SELECT (SELECT o.backend_id FROM outbox o
                       WHERE o.kind = 'webhook' AND o.done_at IS NULL AND o.dead_at IS NULL
                         AND o.backend_id > w.backend_id
                       ORDER BY o.backend_id, o.due_at LIMIT 1)
               FROM waiting w WHERE w.backend_id IS NOT NULL),
           ready AS (
               SELECT o.id, o.due_at, o.seq
               FROM waiting w
               JOIN backends b ON b.id = w.backend_id AND b.webhook_stopped_at IS NULL
               LEFT JOIN unnest($5::uuid[], $6::bigint[]) AS held (backend_id, count) ON held.backend_id = b.id
               CROSS JOIN LATERAL (
                   SELECT o.id, o.due_at, o.seq FROM outbox o
                   WHERE o.kind = 'webhook' AND o.backend_id = b.id AND o.done_at IS NULL AND o.dead_at IS NULL
                     AND o.due_at <= $3 AND (o.lease IS NULL OR o.leased_until <= $3)
                     AND (SELECT e.id FROM outbox e
                         WHERE e.queue = o.queue AND e.id <> o.id AND e.done_at IS NULL AND e.dead_at IS NULL
                           AND (e.seq < o.seq OR e.leased_until > $3) LIMIT 1) IS NULL
                   ORDER BY o.due_at, o.seq LIMIT greatest($7 - coalesce(held.count, 0), 0)
                   FOR UPDATE SKIP LOCKED) o
               UNION ALL
               SELECT o.id, o.due_at, o.seq FROM (
                   SELECT o.id, o.due_at, o.seq FROM outbox o
                   JOIN backends b ON b.id = o.backend_id AND b.webhook_stopped_at IS NOT NULL
                   WHERE o.by_hand AND o.kind = 'webhook' AND o.done_at IS NULL AND o.dead_at IS NULL
                     AND o.due_at <= $3 AND (o.lease IS NULL OR o.leased_until <= $3)
                     AND (SELECT e.id FROM outbox e
                         WHERE e.queue = o.queue AND e.id <> o.id AND e.done_at IS NULL AND e.dead_at IS NULL
                           AND (e.seq < o.seq OR e.leased_until > $3) LIMIT 1) IS NULL
                   ORDER BY o.due_at, o.seq LIMIT $7 FOR UPDATE OF o SKIP LOCKED) o)
           UPDATE outbox SET lease = $1, leased_until = $2
           WHERE id IN (SELECT ready.id FROM ready ORDER BY ready.due_at, ready.seq LIMIT $4)
           RETURNING id, workspace_id, approval_id, user_id, unlock_request_id, backend_id, event,
                     attempts - attempts_before AS "attempts!", created_at, due_at;
PREPARE statement_34 (uuid, timestamptz, uuid[], text[], text[], uuid[], text[]) AS
WITH queued AS (
               INSERT INTO outbox (workspace_id, created_at, due_at, id, kind, queue, unlock_request_id, user_id)
               SELECT $1, $2, $2, * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[])
               RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told FROM (SELECT DISTINCT kind FROM queued) AS kinds;
PREPARE statement_35 (uuid, uuid, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.backend_id = $1 AND p.id < $2 AND p.status = 'undeliverable' ORDER BY p.id DESC LIMIT $3;
PREPARE statement_36 (uuid, uuid, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.backend_id = $1 AND p.id < $2 ORDER BY p.id DESC LIMIT $3;
PREPARE statement_37 (uuid, uuid, uuid) AS
SELECT id, approval_id AS "approval_id!", event AS "event!", created_at, due_at, attempts, done_at,
                      dead_at, last_error,
                      (NOT by_hand AND EXISTS (SELECT FROM backends b
                          WHERE b.id = backend_id AND b.webhook_stopped_at IS NOT NULL)) AS "stopped!"
               FROM outbox WHERE kind = 'webhook' AND backend_id = $1 AND id < $2 AND approval_id = $3 ORDER BY id DESC;
PREPARE statement_38 (timestamptz) AS
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
             WHERE done_at < $1 AND kind <> 'webhook' LIMIT 1000);
PREPARE statement_39 (uuid, timestamptz, uuid[], text[], timestamptz) AS
WITH queued AS (
               INSERT INTO outbox (id, workspace_id, kind, queue, user_id, created_at, due_at)
               SELECT h.id, $1, 'home', 'home:' || $1::uuid || ':' || h.user_id, h.user_id, $2, $5
               FROM unnest($3::uuid[], $4::text[]) AS h (id, user_id) RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told FROM queued LIMIT 1;
PREPARE statement_40 (uuid, uuid, int8) AS
SELECT id, approval_id AS "approval_id!", event AS "event!", created_at, due_at, attempts, done_at,
                      dead_at, last_error,
                      (NOT by_hand AND EXISTS (SELECT FROM backends b
                          WHERE b.id = backend_id AND b.webhook_stopped_at IS NOT NULL)) AS "stopped!"
               FROM outbox WHERE kind = 'webhook' AND backend_id = $1 AND id < $2 AND true ORDER BY id DESC LIMIT $3;
PREPARE statement_41 (uuid, timestamptz, text[], text[], text[], uuid[], uuid[], text[], jsonb[], jsonb[]) AS
INSERT INTO audit (workspace_id, at, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
         SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::text[],
             $9::jsonb[], $10::jsonb[]);
PREPARE statement_42 (uuid, uuid) AS
SELECT id, approval_id AS "approval_id!", event AS "event!", created_at, due_at, attempts, done_at,
                      dead_at, last_error,
                      (NOT by_hand AND EXISTS (SELECT FROM backends b
                          WHERE b.id = backend_id AND b.webhook_stopped_at IS NOT NULL)) AS "stopped!"
               FROM outbox WHERE kind = 'webhook' AND backend_id = $1 AND id = $2;
PREPARE statement_43 (timestamptz, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.status = 'pending' AND p.expires_at <= $1
         ORDER BY p.expires_at LIMIT $2 FOR NO KEY UPDATE OF p SKIP LOCKED;
PREPARE statement_44 (uuid) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.id = $1 FOR NO KEY UPDATE OF p;
PREPARE statement_45 (uuid[]) AS
SELECT id FROM approvals WHERE decision_grant = ANY($1) AND decided_by = 'user' ORDER BY id;
PREPARE statement_46 (uuid) AS
SELECT channel, ts FROM prompts WHERE approval_id = $1 AND gone_at IS NULL ORDER BY posted_at;
PREPARE statement_47 (uuid, uuid, uuid, timestamptz, int8) AS
SELECT k.user_id, k.asked_at, count(*) FILTER (WHERE p.status = 'approved') AS "approved!",
                  count(*) FILTER (WHERE p.status = 'denied') AS "denied!"
           FROM unlock_askers k
           LEFT JOIN approvals p ON p.workspace_id = $2 AND p.user_id = k.user_id AND p.action_id = $3
                AND p.decided_by = 'user' AND p.decided_at > $4
           WHERE k.request_id = $1 GROUP BY k.user_id, k.asked_at ORDER BY k.asked_at, k.user_id LIMIT $5;
PREPARE statement_48 (uuid, text) AS
SELECT count(*) AS "count!" FROM approvals WHERE workspace_id = $1 AND user_id = $2 AND status = 'pending';
PREPARE statement_49 (uuid, uuid, timestamptz) AS
WITH again AS (
               UPDATE outbox SET done_at = NULL, dead_at = NULL, due_at = $3, by_hand = true,
                   attempts_before = attempts, lease = NULL, leased_until = NULL
               WHERE id = $1 AND backend_id = $2 AND kind = 'webhook' RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) IS NOT NULL AS told FROM again;
PREPARE save_ask (uuid, uuid, uuid, text, text, text, text, text, text, uuid, text, bytea, text, text, text, text, text, timestamptz, timestamptz, uuid[], text, text, text, uuid, timestamptz, bytea, text[], text[], text[], uuid[], uuid[], text[], jsonb[], jsonb[], uuid[], text[], text[], uuid[], text[], uuid, bool, timestamptz) AS
WITH seen AS (
               INSERT INTO conversations (backend_id, id, title, url, last_asked_at) VALUES ($3, $7, $8, $9, $18)
               ON CONFLICT (backend_id, id) DO UPDATE SET last_asked_at = excluded.last_asked_at, closed_at = NULL,
                   title = coalesce(excluded.title, conversations.title),
                   url = coalesce(excluded.url, conversations.url)),
           used AS (
               UPDATE grants SET use_count = use_count + 1, last_used_at = $18 WHERE id = ANY($20)),
           asked AS (
               INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, agent_name, conversation_id,
                   conversation_title, conversation_url, action_id, arguments, arguments_digest, reason, metadata,
                   slack_channel, slack_thread_ts, idempotency_key, created_at, expires_at, status, decision_scope,
                   decided_by, decision_grant, decided_at, request_digest)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::json, $12, $13, $14::text::json, $15, $16, $17, $18, $19, $21,
                   $22, $23, $24, $25, $26)),
           recorded AS (
               INSERT INTO audit (workspace_id, at, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
               SELECT $2, $18, * FROM unnest($27::text[], $28::text[], $29::text[], $30::uuid[], $31::uuid[],
                   $32::text[], $33::jsonb[], $34::jsonb[])),
           queued AS (
               INSERT INTO outbox (workspace_id, created_at, due_at, approval_id, id, kind, queue, backend_id, event)
               SELECT $2, $18, $18, $1, * FROM unnest($35::uuid[], $36::text[], $37::text[], $38::uuid[], $39::text[])
               RETURNING kind),
           planned AS (
               SELECT 1 FROM outbox WHERE queue = 'home:' || $2::uuid || ':' || $4 AND done_at IS NULL
                 AND dead_at IS NULL AND lease IS NULL AND due_at > $18 AND $41 LIMIT 1 FOR SHARE SKIP LOCKED),
           refreshed AS (
               INSERT INTO outbox (id, workspace_id, kind, queue, user_id, created_at, due_at)
               SELECT $40, $2, 'home', 'home:' || $2::uuid || ':' || h.user_id, h.user_id, $18, $42 FROM homes h
               WHERE h.workspace_id = $2 AND h.user_id = $4 AND NOT EXISTS (SELECT 1 FROM planned) RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told
           FROM (SELECT kind FROM queued UNION SELECT kind FROM refreshed) AS kinds;
PREPARE lock_approval (uuid, text) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.id = $1 AND w.slack_id = $2 AND w.removed_at IS NULL FOR NO KEY UPDATE OF p;
PREPARE statement_52 (uuid, text, int8, int8) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.workspace_id = $1 AND p.user_id = $2 AND p.decided_at IS NOT NULL
         ORDER BY p.decided_at DESC, p.id DESC LIMIT $3 OFFSET $4;
PREPARE statement_53 (text, timestamptz) AS
SELECT min(due_at) FROM outbox WHERE kind = $1 AND done_at IS NULL AND dead_at IS NULL AND due_at > $2;
PREPARE statement_54 (uuid, timestamptz) AS
WITH waiting AS (
               UPDATE outbox SET due_at = $2
               WHERE backend_id = $1 AND kind = 'webhook' AND done_at IS NULL AND dead_at IS NULL AND lease IS NULL
                 AND due_at > $2 RETURNING kind)
           SELECT pg_notify('countersign_outbox', 'webhook') AS told FROM (SELECT count(*) FROM waiting) AS counted;
PREPARE claim (uuid, timestamptz, text, timestamptz, int8, bool) AS
UPDATE outbox SET lease = $1, leased_until = $2 WHERE id IN (
               SELECT o.id FROM outbox o
               WHERE o.kind = $3 AND o.done_at IS NULL AND o.dead_at IS NULL AND o.due_at <= $4
                 AND (o.lease IS NULL OR o.leased_until <= $4)
                 AND (SELECT e.id FROM outbox e
                     WHERE e.queue = o.queue AND e.id <> o.id AND e.done_at IS NULL AND e.dead_at IS NULL
                       AND ((e.seq < o.seq AND ($6 OR e.due_at <= $4)) OR e.leased_until > $4) LIMIT 1) IS NULL
               ORDER BY o.due_at, o.seq LIMIT $5 FOR UPDATE SKIP LOCKED)
           RETURNING id, workspace_id, approval_id, user_id, unlock_request_id, backend_id, event,
                     attempts - attempts_before AS "attempts!", created_at, due_at;
PREPARE statement_56 (uuid, uuid) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.id = $1 AND p.backend_id = $2;
PREPARE statement_57 (uuid, uuid) AS
SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      i.name AS integration_name, a.name AS action_name, a.destructive,
                      p.arguments AS "arguments: _", p.arguments_digest, p.reason, p.metadata AS "metadata: _",
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decision_grant,
                      p.decision_reason, p.decided_at
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               WHERE p.id = $1 AND p.backend_id = $2 FOR NO KEY UPDATE OF p;
