-- Permits: the single use of an approval, and the refusals of it.

-- Partitioned by the approval's id, and dropped with the approvals. Empty, so they are partitioned from the start.
CREATE TABLE permits (
    -- An approval is used at most once.
    approval_id     uuid PRIMARY KEY,
    -- The digest of what was about to run.
    digest          bytea NOT NULL CHECK (octet_length(digest) = 32),
    key_id          uuid NOT NULL,
    idempotency_key text,
    used_at         timestamptz NOT NULL
) PARTITION BY RANGE (approval_id);
COMMENT ON INDEX permits_pkey IS 'whether an approval was used; partitions';

-- The first refusal of each reason.
CREATE TABLE permit_refusals (
    approval_id uuid NOT NULL,
    why         text NOT NULL,
    key_id      uuid NOT NULL,
    refused_at  timestamptz NOT NULL,
    -- Written before the user's message is sent: a message may be lost, but is never repeated.
    told_at     timestamptz,
    PRIMARY KEY (approval_id, why)
) PARTITION BY RANGE (approval_id);
COMMENT ON INDEX permit_refusals_pkey IS 'whether a refusal is the first; a message that is being sent; partitions';

-- A permit never changes.
CREATE FUNCTION keep_permit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: these rows never change', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER permits_keep BEFORE UPDATE OR DELETE ON permits FOR EACH ROW EXECUTE FUNCTION keep_permit();

DO $$
DECLARE
    one text;
    was text := pg_get_functiondef('grant_service'::regproc);
    becomes text := replace(was, '(''audit'', ''details_opened'',', '(''audit'', ''permits'', ''details_opened'',');
BEGIN
    -- The first ones, up to where a partition of the approvals ends. make_partitions makes the others.
    FOREACH one IN ARRAY '{permits,permit_refusals}'::text[] LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (MINVALUE) TO (%L)', one || '_first', one,
            (SELECT coalesce(min(p.upper), id_bound(month_start(now(), 1))::text) FROM partitions p
             WHERE p.parent = 'approvals' AND p.upper > id_bound(now())::text));
    END LOOP;
    -- The tables with a partition a month, and these.
    EXECUTE format('CREATE OR REPLACE FUNCTION monthly_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS %L',
        format('SELECT %L::text[]', monthly_tables() || '{permits,permit_refusals}'::text[]));
    IF becomes = was THEN
        RAISE EXCEPTION 'The function grant_service is not the one that this migration changes.';
    END IF;
    EXECUTE becomes;
    -- Roles that write approvals write these too.
    FOR one IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
               WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT ON permits TO %s', one);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON permit_refusals TO %s', one);
    END LOOP;
END $$;

SELECT make_partitions(now());
