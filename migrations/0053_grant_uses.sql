-- Uses of grants are counted in rows of their own. A request that a grant approves no longer writes the grant's row, so it
-- doesn't wait for other requests that the grant approves. `grants.use_count` and `grants.last_used_at` keep what was
-- counted before, and what the previous version still counts while it runs.

-- One row for each grant and transaction of requests. A job adds them to the totals and deletes them, so there are few.
-- No foreign key: its check would lock the grant, on the path of every request.
CREATE TABLE grant_uses (
    grant_id uuid NOT NULL,
    uses     bigint NOT NULL CHECK (uses > 0),
    used_at  timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000);
CREATE INDEX grant_uses_grant ON grant_uses (grant_id);
COMMENT ON INDEX grant_uses_grant IS 'how often a grant was used';

CREATE TABLE grant_use_totals (
    grant_id uuid PRIMARY KEY,
    uses     bigint NOT NULL CHECK (uses > 0),
    used_at  timestamptz NOT NULL
) WITH (fillfactor = 80);
COMMENT ON INDEX grant_use_totals_pkey IS 'how often a grant was used; the job that adds to it';

-- How often each grant was used, and when last.
CREATE VIEW used_grants AS
SELECT g.id,
       g.use_count + coalesce(t.uses, 0) + coalesce(u.uses, 0)::bigint AS use_count,
       greatest(g.last_used_at, t.used_at, u.used_at) AS last_used_at
FROM grants g
LEFT JOIN grant_use_totals t ON t.grant_id = g.id
CROSS JOIN LATERAL (SELECT sum(n.uses) AS uses, max(n.used_at) AS used_at FROM grant_uses n WHERE n.grant_id = g.id) u;

-- The number of the advisory lock that is a turn at a grant. A workspace has 256 of them, so that ending all grants of a
-- workspace takes no more. An id's last byte is random.
CREATE FUNCTION grant_turn(workspace uuid, grant_id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(workspace::text || '/grants/' || get_byte(uuid_send(grant_id), 15)::text, 0)
$$;

-- Roles that write approvals write these too.
DO $$
DECLARE
    service text;
BEGIN
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON grant_uses TO %s', service);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON grant_use_totals TO %s', service);
        EXECUTE format('GRANT SELECT ON used_grants TO %s', service);
    END LOOP;
END $$;
