-- Callback URLs: where to report the end of one approval, beside its backend's webhook endpoint.

-- Partitioned by the approval's id, and dropped with the approvals. Only pending approvals that were asked with a callback
-- URL get a row.
CREATE TABLE callbacks (
    approval_id uuid PRIMARY KEY,
    backend_id  uuid NOT NULL,
    -- Sealed, because it may contain a secret. Emptied together with the approval's arguments.
    url         bytea,
    host        text NOT NULL,
    -- Made from host and port: callbacks to one of them share its limits.
    receiver    uuid NOT NULL,
    -- The row of the outbox, once the approval has ended.
    delivery_id uuid
) PARTITION BY RANGE (approval_id);
CREATE INDEX callbacks_backend ON callbacks (backend_id, delivery_id) WHERE delivery_id IS NOT NULL;
COMMENT ON INDEX callbacks_pkey IS 'whether an approval that ends has a callback; where a callback goes; partitions';
COMMENT ON INDEX callbacks_backend IS 'GET /v1/webhook-deliveries';

-- The first one, up to where a partition of the approvals ends. make_partitions makes the others.
DO $$
DECLARE
    was text;
    becomes text;
BEGIN
    EXECUTE format('CREATE TABLE callbacks_first PARTITION OF callbacks FOR VALUES FROM (MINVALUE) TO (%L)',
        (SELECT coalesce(min(p.upper), id_bound(month_start(now(), 1))::text) FROM partitions p
         WHERE p.parent = 'approvals' AND p.upper > id_bound(now())::text));
    -- The tables with a partition a month, and this one.
    EXECUTE format('CREATE OR REPLACE FUNCTION monthly_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS %L',
        format('SELECT %L::text[]', monthly_tables() || 'callbacks'::text));
    -- The function that empties arguments empties the URLs too.
    was := pg_get_functiondef('delete_contents'::regproc);
    becomes := replace(was, 'UPDATE approval_results r SET', 'UPDATE callbacks c SET url = NULL
    WHERE c.approval_id = ANY(ids) AND c.url IS NOT NULL;
    UPDATE approval_results r SET');
    IF becomes = was THEN
        RAISE EXCEPTION 'The function delete_contents is not the one that this migration changes.';
    END IF;
    EXECUTE becomes;
    -- Roles that write approvals write these too.
    FOR was IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
               WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON callbacks TO %s', was);
    END LOOP;
END $$;

SELECT make_partitions(now());
