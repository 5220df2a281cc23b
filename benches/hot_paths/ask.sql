-- The yardstick: what one ask that a grant approves costs Postgres, one ask in a transaction.
--
-- The statements of `src/storage/statements/create_approval/` as they were when each ask had a transaction of its own.
-- One reads and locks, the other writes. They stay as they are while the service changes how it asks, and follow only
-- changes of the tables. `pgbench.rs` defines the variables, except those that begin with found_, which the first
-- statement returns. No comment may have a colon before a letter, since pgbench would read a variable there.
\set number random(0, 63)
\set run random(0, 1000000000)
BEGIN;
SELECT k.id AS key_id, k.hash, k.scopes, k.expires_at, k.revoked_at, b.id AS backend_id, b.workspace_id, b.disabled_at,
    w.removed_at,
    (SELECT p.id FROM approvals p WHERE p.backend_id = b.id AND p.idempotency_key = NULL::text) AS replayed,
    i.id AS integration_id, i.name AS integration_name, i.requires_connection, a.id AS action_id, a.version_id,
    a.name AS action_name, a.destructive, (a.unlocked_at IS NOT NULL) AS unlocked,
    coalesce(a.confirmed_version_id = a.version_id, false) AS confirmed, (c.user_id IS NOT NULL) AS connected,
    g.id AS grant_id, g.scope AS grant_scope,
    CASE WHEN g.id IS NULL THEN (SELECT count(*) FROM (SELECT FROM approvals p
        WHERE p.backend_id = b.id AND p.status = 'pending' LIMIT 5000) pending) ELSE 0 END AS pending,
    -- What the service makes itself before the second statement, in which Postgres must not have to make it.
    u.user_id, u.conversation, n.id AS approval, jsonb_build_array(jsonb_build_object('workspace_id', b.workspace_id,
        'actor_kind', 'service', 'what', 'approval.approved', 'approval_id', n.id, 'grant_id', g.id,
        'subject', 'postgres.list_schemas', 'after', '{"by": "auto"}'::jsonb)) AS entries
FROM (SELECT 'U0LOAD' || lpad((:number)::text, 3, '0') AS user_id, 'bench-' || (:run)::text AS conversation) u
-- A UUIDv7 of now. Partitions depend on its time.
CROSS JOIN (SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid AS id OFFSET 0) n
CROSS JOIN api_keys k
JOIN backends b ON b.id = k.backend_id
JOIN LATERAL (SELECT w.id, w.removed_at FROM workspaces w WHERE w.id = b.workspace_id FOR KEY SHARE) w ON true
LEFT JOIN LATERAL (SELECT i.id, i.name, i.requires_connection FROM integrations i
    WHERE i.workspace_id = w.id AND i.key = (:integration)::text FOR SHARE) i ON true
LEFT JOIN LATERAL (SELECT a.id, a.name, a.destructive, a.unlocked_at, a.version_id, a.confirmed_version_id FROM actions a
    WHERE a.integration_id = i.id AND a.key = (:action)::text FOR SHARE) a ON true
LEFT JOIN LATERAL (SELECT c.user_id FROM connections c
    WHERE c.integration_id = i.id AND c.user_id = u.user_id FOR SHARE) c ON true
LEFT JOIN LATERAL (SELECT v.id, v.closed_at, v.last_asked_at FROM conversations v
    WHERE v.backend_id = b.id AND v.id = u.conversation FOR NO KEY UPDATE) v ON true
LEFT JOIN LATERAL (SELECT g.id, g.scope FROM grants g
    WHERE g.workspace_id = b.workspace_id AND g.user_id = u.user_id AND g.action_id = a.id AND g.revoked_at IS NULL
        AND (g.scope = 'always' OR (g.scope = 'conversation' AND g.backend_id = b.id
            AND g.conversation_id = v.id AND v.closed_at IS NULL AND v.last_asked_at > now() - interval '30 days'))
    ORDER BY CASE g.scope WHEN 'always' THEN 1 WHEN 'conversation' THEN 2 END LIMIT 1 FOR UPDATE) g ON true
WHERE k.id = (:key)::uuid
\gset found_
WITH seen AS (
    INSERT INTO conversations (backend_id, id, title, url, last_asked_at)
    VALUES ((:backend)::uuid, (:found_conversation)::text, 'Nightly report', NULL, now())
    ON CONFLICT (backend_id, id) DO UPDATE SET last_asked_at = excluded.last_asked_at, closed_at = NULL,
        title = coalesce(excluded.title, conversations.title),
        url = coalesce(excluded.url, conversations.url)),
used AS (
    UPDATE grants SET use_count = use_count + 1, last_used_at = now() WHERE id = (:found_grant_id)::uuid),
asked AS (
    INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, agent_name,
        conversation_id, conversation_title, conversation_url, action_id, action_version_id, arguments,
        arguments_digest, reason, metadata, slack_channel, slack_thread_ts, created_at,
        expires_at, idempotency_key, request_digest, status, decision_scope, decided_by, decision_grant, decided_at)
    VALUES ((:found_approval)::uuid, (:workspace)::uuid, (:backend)::uuid, (:found_user_id)::text, 'atlas', 'Atlas',
        (:found_conversation)::text, 'Nightly report', NULL, (:found_action_id)::uuid, (:found_version_id)::uuid,
        (:arguments)::text::json,
        sha256('x'), 'The nightly report needs the orders of yesterday', NULL, NULL, NULL, now(),
        now() + interval '30 minutes', NULL, sha256('y'), 'approved', 'always', 'auto', (:found_grant_id)::uuid, now())),
recorded AS (
    INSERT INTO audit (at, workspace_id, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
    SELECT now(), e.* FROM jsonb_to_recordset((:found_entries)::jsonb) AS e (workspace_id uuid, actor_kind text,
        actor text, what text, approval_id uuid, grant_id uuid, subject text, before jsonb, after jsonb)),
queued AS (
    INSERT INTO outbox (created_at, id, workspace_id, due_at, kind, queue, approval_id, backend_id, event)
    SELECT now(), r.* FROM jsonb_to_recordset('[]') AS r (id uuid, workspace_id uuid, due_at timestamptz, kind text,
        queue text, approval_id uuid, backend_id uuid, event text)
    RETURNING kind),
planned AS (
    SELECT 1 FROM outbox WHERE queue = 'home:' || (:workspace)::uuid || ':' || (:found_user_id)::text
        AND done_at IS NULL AND dead_at IS NULL AND lease IS NULL AND due_at > now() LIMIT 1 FOR SHARE SKIP LOCKED),
refreshed AS (
    INSERT INTO outbox (id, workspace_id, kind, queue, user_id, created_at, due_at)
    SELECT (:found_approval)::uuid, (:workspace)::uuid, 'home', 'home:' || (:workspace)::uuid || ':' || h.user_id,
        h.user_id, now(), now() + interval '5 seconds'
    FROM homes h WHERE h.workspace_id = (:workspace)::uuid AND h.user_id = (:found_user_id)::text
        AND NOT EXISTS (SELECT 1 FROM planned) RETURNING kind)
SELECT pg_notify('countersign_outbox', kind) AS told
FROM (SELECT kind FROM queued UNION SELECT kind FROM refreshed) AS kinds;
COMMIT;
