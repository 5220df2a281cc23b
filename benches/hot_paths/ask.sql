-- The yardstick: what one ask that a grant approves costs Postgres, one ask in a transaction.
--
-- The statements of `src/storage/statements/create_approval/` as they were when each ask had a transaction of its own:
-- one reads and locks, the other writes. They stay as they are while the service changes how it asks, and follow only
-- changes of the tables. `pgbench.rs` defines the variables. No comment may have a colon before a letter, since pgbench
-- would read a variable there.
\set number random(0, 63)
\set run random(0, 1000000000)
BEGIN;
SELECT k.id, k.hash, k.scopes, k.expires_at, k.revoked_at, b.id, b.workspace_id, b.disabled_at, w.removed_at,
    (SELECT p.id FROM approvals p WHERE p.backend_id = b.id AND p.idempotency_key = NULL::text) AS replayed,
    i.id, i.name, i.requires_connection, a.id, a.version_id, a.name, a.destructive, (a.unlocked_at IS NOT NULL),
    coalesce(a.confirmed_version_id = a.version_id, false), (c.user_id IS NOT NULL), g.id, g.scope,
    CASE WHEN g.id IS NULL THEN (SELECT count(*) FROM (SELECT FROM approvals p
        WHERE p.backend_id = b.id AND p.status = 'pending' LIMIT 5000) pending) ELSE 0 END
FROM api_keys k
JOIN backends b ON b.id = k.backend_id
JOIN LATERAL (SELECT w.id, w.removed_at FROM workspaces w WHERE w.id = b.workspace_id FOR KEY SHARE) w ON true
LEFT JOIN LATERAL (SELECT i.id, i.name, i.requires_connection FROM integrations i
    WHERE i.workspace_id = w.id AND i.key = (:integration)::text FOR SHARE) i ON true
LEFT JOIN LATERAL (SELECT a.id, a.name, a.destructive, a.unlocked_at, a.version_id, a.confirmed_version_id FROM actions a
    WHERE a.integration_id = i.id AND a.key = (:action)::text FOR SHARE) a ON true
LEFT JOIN LATERAL (SELECT c.user_id FROM connections c
    WHERE c.integration_id = i.id AND c.user_id = 'U0LOAD' || lpad((:number)::text, 3, '0') FOR SHARE) c ON true
LEFT JOIN LATERAL (SELECT v.id, v.closed_at, v.last_asked_at FROM conversations v
    WHERE v.backend_id = b.id AND v.id = 'bench-' || (:run)::text FOR NO KEY UPDATE) v ON true
LEFT JOIN LATERAL (SELECT g.id, g.scope FROM grants g
    WHERE g.workspace_id = b.workspace_id AND g.user_id = 'U0LOAD' || lpad((:number)::text, 3, '0')
        AND g.action_id = a.id AND g.revoked_at IS NULL
        AND (g.scope = 'always' OR (g.scope = 'conversation' AND g.backend_id = b.id
            AND g.conversation_id = v.id AND v.closed_at IS NULL AND v.last_asked_at > now() - interval '30 days'))
    ORDER BY CASE g.scope WHEN 'always' THEN 1 WHEN 'conversation' THEN 2 END LIMIT 1 FOR UPDATE) g ON true
WHERE k.id = (:key)::uuid;
WITH
-- A UUIDv7 of now, as the service makes them. Partitions depend on its time.
given AS MATERIALIZED (
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
            52, 1), 53, 1), 'hex')::uuid AS id,
        'U0LOAD' || lpad((:number)::text, 3, '0') AS user_id,
        'bench-' || (:run)::text AS conversation,
        -- The service binds the grant that the first statement found.
        (SELECT id FROM grants WHERE workspace_id = (:workspace)::uuid AND action_id = (:action_id)::uuid
            AND user_id = 'U0LOAD' || lpad((:number)::text, 3, '0') AND scope = 'always' AND revoked_at IS NULL) AS grant_id),
seen AS (
    INSERT INTO conversations (backend_id, id, title, url, last_asked_at)
    SELECT (:backend)::uuid, conversation, 'Nightly report', NULL, now() FROM given
    ON CONFLICT (backend_id, id) DO UPDATE SET last_asked_at = excluded.last_asked_at, closed_at = NULL,
        title = coalesce(excluded.title, conversations.title),
        url = coalesce(excluded.url, conversations.url)),
used AS (
    UPDATE grants SET use_count = use_count + 1, last_used_at = now() WHERE id = (SELECT grant_id FROM given)),
asked AS (
    INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, agent_name,
        conversation_id, conversation_title, conversation_url, action_id, action_version_id, arguments,
        arguments_digest, reason, metadata, slack_channel, slack_thread_ts, created_at,
        expires_at, idempotency_key, request_digest, status, decision_scope, decided_by, decision_grant, decided_at)
    SELECT id, (:workspace)::uuid, (:backend)::uuid, user_id, 'atlas', 'Atlas',
        conversation, 'Nightly report', NULL, (:action_id)::uuid, (:version)::uuid, (:arguments)::text::json,
        sha256('x'), 'The nightly report needs the orders of yesterday', NULL, NULL, NULL, now(),
        now() + interval '30 minutes', NULL, sha256('y'), 'approved', 'always', 'auto', grant_id, now()
    FROM given),
recorded AS (
    INSERT INTO audit (at, workspace_id, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
    SELECT now(), (:workspace)::uuid, 'service', NULL, 'approval.approved', id, grant_id, 'postgres', NULL,
        jsonb_build_object('by', 'auto') FROM given),
queued AS (
    INSERT INTO outbox (created_at, id, workspace_id, due_at, kind, queue, approval_id, backend_id, event)
    SELECT now(), r.* FROM jsonb_to_recordset('[]') AS r (id uuid, workspace_id uuid, due_at timestamptz, kind text,
        queue text, approval_id uuid, backend_id uuid, event text)
    RETURNING kind),
planned AS (
    SELECT 1 FROM outbox, given WHERE queue = 'home:' || (:workspace)::uuid || ':' || given.user_id AND done_at IS NULL
        AND dead_at IS NULL AND lease IS NULL AND due_at > now() LIMIT 1 FOR SHARE OF outbox SKIP LOCKED),
refreshed AS (
    INSERT INTO outbox (id, workspace_id, kind, queue, user_id, created_at, due_at)
    SELECT given.id, (:workspace)::uuid, 'home', 'home:' || (:workspace)::uuid || ':' || h.user_id, h.user_id, now(),
        now() + interval '5 seconds'
    FROM given JOIN homes h ON h.workspace_id = (:workspace)::uuid AND h.user_id = given.user_id
    WHERE NOT EXISTS (SELECT 1 FROM planned) RETURNING kind)
SELECT pg_notify('countersign_outbox', kind) AS told
FROM (SELECT kind FROM queued UNION SELECT kind FROM refreshed) AS kinds;
COMMIT;
