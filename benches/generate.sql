-- Fills a migrated database, in which nothing was asked yet, with years of use, so that it can be seen what that costs:
--
--     psql -v approvals=10000000 -v grants=1000000 -v months=36 -f benches/generate.sql "$DATABASE_URL"
--
-- The approvals spread evenly over the months up to now, over 50 backends, 2,000 users and 200 actions of one workspace,
-- which is the existing one if there is one. 90 % were approved by a grant, 6 % by a person, the others denied, expired or
-- cancelled; 500 of the last days are pending. Each has its audit entries; those that a person was asked about have a
-- prompt and a delivered webhook. A million approvals take 1.1 GB and a minute or two.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';
SELECT setseed(0.5);

-- A partition a month, instead of the first one, which ends in the future.
SELECT count(*) > 0 AS used FROM approvals \gset
\if :used
    \echo 'Approvals exist already: this needs a new database.'
    \quit
\endif
DROP TABLE IF EXISTS approvals_first, prompts_first, outbox_first, attempts_first;
SELECT count(make_partition(parent, format('%s_%s', parent, to_char(month_start(now(), -m) AT TIME ZONE 'UTC', 'YYYY_MM')),
           id_bound(month_start(now(), -m))::text, id_bound(month_start(now(), 1 - m))::text))
FROM unnest('{approvals,prompts,outbox,attempts}'::text[]) parent, generate_series(0, :months) m
WHERE NOT EXISTS (SELECT FROM partitions p WHERE p.parent = parent.parent AND p.lower = id_bound(month_start(now(), -m))::text);

CREATE FUNCTION pg_temp.new_id(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (left(id_bound(at)::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid
$$;
INSERT INTO workspaces (id, slack_id, name, installed_at)
SELECT pg_temp.new_id(now()), 'T0GENERATED', 'Generated', now() WHERE NOT EXISTS (SELECT FROM workspaces);
CREATE TEMPORARY TABLE w AS SELECT id FROM workspaces ORDER BY id LIMIT 1;
CREATE TEMPORARY TABLE b AS SELECT row_number() OVER () - 1 AS n, pg_temp.new_id(now()) AS id FROM generate_series(1, 50);
INSERT INTO backends (id, workspace_id, name, webhook_url, webhook_secret, created_at)
SELECT b.id, w.id, 'generated ' || n, 'https://example.com/', '', now() FROM b, w;
INSERT INTO integrations (id, workspace_id, key, name, requires_connection, created_at)
SELECT pg_temp.new_id(now()), w.id, 'generated_' || n, 'Generated ' || n, false, now() FROM w, generate_series(1, 10) n;
INSERT INTO actions (id, integration_id, key, name, created_at)
SELECT pg_temp.new_id(now()), i.id, 'action_' || n, 'Action ' || n, now()
FROM integrations i, generate_series(1, 20) n WHERE i.key LIKE 'generated_%';
UPDATE actions SET unlocked_at = now(), unlocked_by = 'operator', confirmed_version_id = version_id WHERE key LIKE 'action_%';
CREATE TEMPORARY TABLE a AS SELECT row_number() OVER () - 1 AS n, id, version_id FROM actions WHERE key LIKE 'action_%';
CREATE INDEX ON b (n);
CREATE INDEX ON a (n);
ANALYZE a; ANALYZE b;

-- Of each user and action one grant is live; the others ended.
CREATE TEMPORARY TABLE g AS
SELECT k, pg_temp.new_id(now() - k * interval '1 second') AS id FROM generate_series(0, :grants - 1) k;
CREATE INDEX ON g (k);
ANALYZE g;
INSERT INTO grants (id, workspace_id, user_id, action_id, scope, created_at, revoked_at, revoked_by, revoked_why)
SELECT g.id, w.id, 'U0' || lpad((k % 2000)::text, 6, '0'), a.id, 'always', now() - k * interval '1 second', ended,
    CASE WHEN ended IS NOT NULL THEN 'operator' END, CASE WHEN ended IS NOT NULL THEN 'restored' END
FROM w, g JOIN a ON a.n = k / 2000 % 200
CROSS JOIN LATERAL (SELECT CASE WHEN k >= 400000 THEN now() END AS ended) e ORDER BY k;

CREATE TEMPORARY TABLE made AS
SELECT i.n, pg_temp.new_id(at) AS id, at, b.id AS backend_id, a.id AS action_id, a.version_id,
    'U0' || lpad((i.n * 7919 % 2000)::text, 6, '0') AS user_id,
    CASE WHEN :approvals - i.n <= 500 THEN 'pending' WHEN i.n % 100 < 96 THEN 'approved' WHEN i.n % 100 < 98 THEN 'denied'
         WHEN i.n % 100 < 99 THEN 'expired' ELSE 'cancelled' END AS status,
    CASE WHEN :approvals - i.n > 500 AND i.n % 100 < 90 THEN coalesce(g.id, a.id) END AS by_grant
FROM generate_series(1::bigint, :approvals) i (n)
JOIN b ON b.n = i.n * 37 / 11 % 50 JOIN a ON a.n = i.n * 31 % 200
LEFT JOIN g ON g.k = a.n * 2000 + i.n * 7919 % 2000
CROSS JOIN LATERAL (SELECT now() - (:approvals - i.n)::float8 / :approvals * (now() - month_start(now(), -:months)) AS at) t;
ANALYZE made;

INSERT INTO conversations (backend_id, id, title, last_asked_at)
SELECT backend_id, 'c-' || n / 500, 'Generated', max(at) FROM made GROUP BY 1, 2;
INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, agent_name, conversation_id, action_id,
    action_version_id, arguments, arguments_digest, reason, request_digest, created_at, expires_at, status, decision_scope,
    decided_by, decided_user, decision_grant, decided_at)
SELECT m.id, w.id, backend_id, user_id, 'atlas', 'Atlas', 'c-' || n / 500, action_id, version_id,
    json_build_object('to', user_id || '@example.com', 'subject', 'Contract ' || n, 'body', repeat('Dear Kim, ', 10)),
    sha256(m.id::text::bytea), 'Follow up on the contract', sha256(m.id::text::bytea), at,
    CASE status WHEN 'pending' THEN now() + interval '7 days' ELSE at + interval '30 minutes' END, status,
    CASE WHEN by_grant IS NOT NULL THEN 'always' WHEN status = 'approved' THEN 'once' END,
    CASE WHEN status = 'pending' THEN NULL WHEN by_grant IS NOT NULL OR status = 'expired' THEN 'auto'
         WHEN status = 'cancelled' THEN 'backend' ELSE 'user' END,
    CASE WHEN status IN ('approved', 'denied') AND by_grant IS NULL THEN user_id END, by_grant,
    CASE WHEN status = 'pending' THEN NULL WHEN by_grant IS NOT NULL THEN at ELSE at + interval '5 minutes' END
FROM made m, w ORDER BY n;
INSERT INTO audit (workspace_id, at, actor_kind, what, approval_id, after)
SELECT w.id, at, 'service', CASE WHEN by_grant IS NOT NULL THEN 'approval.approved' ELSE 'approval.requested' END, m.id, '{"user": "U0000001"}'
FROM made m, w ORDER BY n;
INSERT INTO audit (workspace_id, at, actor_kind, actor, what, approval_id)
SELECT w.id, at, 'user', user_id, 'approval.' || status, m.id
FROM made m, w WHERE by_grant IS NULL AND status <> 'pending' ORDER BY n;
INSERT INTO prompts (approval_id, channel, ts, posted_at)
SELECT id, 'D' || user_id, n::text, at FROM made WHERE by_grant IS NULL ORDER BY n;
CREATE TEMPORARY TABLE sent AS
SELECT pg_temp.new_id(at + interval '5 minutes') AS id, id AS approval_id, backend_id, status, at, n
FROM made WHERE by_grant IS NULL AND status <> 'pending';
INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, backend_id, event, created_at, due_at, attempts, done_at)
SELECT s.id, 'webhook', w.id, 'webhook:' || approval_id, approval_id, backend_id, 'approval.' || status, at, at, 1, at
FROM sent s, w ORDER BY n;
INSERT INTO attempts (outbox_id, number, started_at, took_ms, outcome, http_status)
SELECT id, 1, at, 12, 'done', 200 FROM sent ORDER BY n;
VACUUM (ANALYZE);
-- After it, because Postgres would not take an index for tables of which it knows that they are empty.
SELECT count(make_partitions) FROM make_partitions(now());
