-- What came of approved calls, as their backends reported it.

-- Partitioned by the approval's id, and dropped with the approvals. Empty, so it is partitioned from the start.
CREATE TABLE approval_results (
    approval_id uuid PRIMARY KEY,
    status      text NOT NULL CHECK (status IN ('succeeded', 'failed')),
    -- The backend's own words. Both are emptied together with the approval's arguments.
    summary     text,
    url         text,
    -- SHA-256 over the report's canonical JSON: whether a later report is the same one.
    digest      bytea NOT NULL CHECK (octet_length(digest) = 32),
    reported_at timestamptz NOT NULL
) PARTITION BY RANGE (approval_id);
COMMENT ON INDEX approval_results_pkey IS 'the result beside its approval; partitions';

-- A result never changes, except that its words are emptied, once.
CREATE FUNCTION keep_result() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.summary IS NULL AND NEW.url IS NULL THEN
        OLD.summary := NULL;
        OLD.url := NULL;
        IF OLD::text = NEW::text THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% of % is refused: these rows never change', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER results_keep BEFORE UPDATE OR DELETE ON approval_results
    FOR EACH ROW EXECUTE FUNCTION keep_result();

-- The first one, up to where a partition of the approvals ends. make_partitions makes the others.
DO $$
BEGIN
    EXECUTE format('CREATE TABLE approval_results_first PARTITION OF approval_results FOR VALUES FROM (MINVALUE) TO (%L)',
        (SELECT coalesce(min(p.upper), id_bound(month_start(now(), 1))::text) FROM partitions p
         WHERE p.parent = 'approvals' AND p.upper > id_bound(now())::text));
END $$;

-- The tables with a partition a month.
CREATE FUNCTION monthly_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT '{approvals,approval_results,prompts,outbox,attempts}'::text[]
$$;

CREATE OR REPLACE VIEW partitions AS
SELECT p.relname::text AS parent, c.relname::text AS name, nullif(bounds[1], 'MINVALUE') COLLATE "C" AS lower,
       bounds[2] COLLATE "C" AS upper
FROM pg_class p JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''?([^'')]*)''?\) TO \(''?([^'')]*)''?\)') bounds
WHERE p.relkind = 'p' AND (p.relname = 'audit' OR p.relname = ANY(monthly_tables())) AND pg_table_is_visible(p.oid);

-- The functions that list these tables learn of the new one, and stay as they are otherwise: settings and privileges too.
DO $$
DECLARE
    one text[];
    was text;
    becomes text;
BEGIN
    FOREACH one SLICE 1 IN ARRAY ARRAY[
        ['missing_partitions', '''{approvals,prompts,outbox,attempts}''::text[]', 'monthly_tables()'],
        ['partition_room', '''{approvals,prompts,outbox,attempts}''::text[]', 'monthly_tables()'],
        ['make_partitions', '''{approvals,prompts,outbox,attempts}''::text[]', 'monthly_tables()'],
        ['drop_oldest_partition', 'parent NOT IN (''approvals'', ''prompts'', ''outbox'', ''attempts'')',
            'parent <> ALL(monthly_tables())'],
        ['grant_service', '(''audit'', ''action_versions'')', '(''audit'', ''action_versions'', ''approval_results'')'],
        -- A result's words may quote the arguments, so they go with them.
        ['delete_contents', 'WHERE p.id = ANY(ids) AND p.contents_deleted_at IS NULL;',
            'WHERE p.id = ANY(ids) AND p.contents_deleted_at IS NULL;
    UPDATE approval_results r SET summary = NULL, url = NULL
    WHERE r.approval_id = ANY(ids) AND (r.summary IS NOT NULL OR r.url IS NOT NULL);']
    ] LOOP
        was := pg_get_functiondef(one[1]::regproc);
        becomes := replace(was, one[2], one[3]);
        IF becomes = was THEN
            RAISE EXCEPTION 'The function % is not the one that this migration changes.', one[1];
        END IF;
        EXECUTE becomes;
    END LOOP;
    -- Roles that write approvals write results too.
    FOR was IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
               WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT ON approval_results TO %s', was);
    END LOOP;
END $$;

SELECT make_partitions(now());
