-- Who opened the details of requests that must be read.

-- Partitioned by the approval's id, and dropped with the approvals. Empty, so it is partitioned from the start.
CREATE TABLE details_opened (
    approval_id uuid NOT NULL,
    user_id     text NOT NULL,
    opened_at   timestamptz NOT NULL,
    PRIMARY KEY (approval_id, user_id)
) PARTITION BY RANGE (approval_id);
COMMENT ON INDEX details_opened_pkey IS 'whether a person who approves has read the request; partitions';

-- The first one, up to where a partition of the approvals ends. make_partitions makes the others.
DO $$
BEGIN
    EXECUTE format('CREATE TABLE details_opened_first PARTITION OF details_opened FOR VALUES FROM (MINVALUE) TO (%L)',
        (SELECT coalesce(min(p.upper), id_bound(month_start(now(), 1))::text) FROM partitions p
         WHERE p.parent = 'approvals' AND p.upper > id_bound(now())::text));
    -- The tables with a partition a month, and this one.
    EXECUTE format('CREATE OR REPLACE FUNCTION monthly_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS %L',
        format('SELECT %L::text[]', monthly_tables() || 'details_opened'::text));
END $$;

-- Its rows never change.
DO $$
DECLARE
    was text := pg_get_functiondef('grant_service'::regproc);
    becomes text := replace(was, '(''audit'', ''action_versions'',', '(''audit'', ''details_opened'', ''action_versions'',');
BEGIN
    IF becomes = was THEN
        RAISE EXCEPTION 'The function grant_service is not the one that this migration changes.';
    END IF;
    EXECUTE becomes;
    -- Roles that write approvals write these too.
    FOR was IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
               WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT ON details_opened TO %s', was);
    END LOOP;
END $$;

SELECT make_partitions(now());
