-- Making partitions ahead of need, dropping old ones, and what else of the schema the running service changes. It calls
-- functions that run with the rights of their owner, so that its own role needs no more than to read and write rows.

DROP PROCEDURE partition_table;

-- Without the unique constraint on approvals two instances of version 0.1.0 could take the same key at the same moment. The second one gets
-- the error that it expects.
CREATE OR REPLACE FUNCTION copy_idempotency_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency_keys (backend_id, key, approval_id, request_digest, created_at)
    VALUES (NEW.backend_id, NEW.idempotency_key, NEW.id, NEW.request_digest, NEW.created_at)
    ON CONFLICT DO NOTHING;
    IF NOT EXISTS (SELECT FROM idempotency_keys k WHERE k.backend_id = NEW.backend_id AND k.key = NEW.idempotency_key
                   AND k.approval_id = NEW.id) THEN
        RAISE unique_violation USING MESSAGE = 'another approval has this idempotency key';
    END IF;
    RETURN NULL;
END $$;

-- Below the ids of all rows about an approval: an hour before its own, since it takes instances' clocks to differ by more
-- than seconds for one to be made earlier.
CREATE FUNCTION id_before(id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(greatest(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint - 3600000, 0)), 12, '0')
        || repeat('0', 20))::uuid
$$;

-- The partitions, with the range of keys that each holds, `upper` being outside. No `lower`: from the smallest key on.
CREATE VIEW partitions AS
SELECT p.relname::text AS parent, c.relname::text AS name, nullif(bounds[1], 'MINVALUE') COLLATE "C" AS lower,
       bounds[2] COLLATE "C" AS upper
FROM pg_class p JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''?([^'')]*)''?\) TO \(''?([^'')]*)''?\)') bounds
WHERE p.relkind = 'p' AND p.relname IN ('approvals', 'prompts', 'outbox', 'attempts', 'audit') AND pg_table_is_visible(p.oid);

-- The number that the next entry of the audit gets.
CREATE FUNCTION next_audit_number() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT last_value + is_called::int FROM audit_numbers
$$;

-- The tables that could not take a row that is written at this time.
CREATE FUNCTION missing_partitions(at timestamptz) RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT parent FROM unnest('{approvals,prompts,outbox,attempts}'::text[]) parent
    WHERE NOT EXISTS (SELECT FROM partitions p WHERE p.parent = parent.parent
        AND (p.lower IS NULL OR p.lower <= id_bound(at)::text) AND p.upper > id_bound(at)::text)
    UNION ALL
    SELECT 'audit' WHERE NOT EXISTS (SELECT FROM partitions p WHERE p.parent = 'audit' AND CASE p.parent WHEN 'audit' THEN
        (p.lower IS NULL OR p.lower::bigint <= next_audit_number()) AND p.upper::bigint > next_audit_number() END)
$$;

-- How much room there is for new rows: where the last monthly partition of some table ends (NULL: a table has none), and
-- how many more audit entries have a partition.
CREATE FUNCTION partition_room(OUT until uuid, OUT audit_entries bigint) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT CASE WHEN bool_and(ends.last IS NOT NULL) THEN min(ends.last)::uuid END,
           (SELECT coalesce(max(p.upper::bigint), 0) - next_audit_number() FROM partitions p WHERE p.parent = 'audit')
    FROM (SELECT (SELECT max(p.upper) FROM partitions p WHERE p.parent = monthly.parent) AS last
          FROM unnest('{approvals,prompts,outbox,attempts}'::text[]) monthly (parent)) ends
$$;

-- Makes an empty partition and attaches it. Unlike CREATE TABLE … PARTITION OF, that does not lock the table against
-- reading and writing.
CREATE FUNCTION make_partition(parent text, name text, lower text, upper text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', name, parent);
    IF parent = 'audit' THEN
        -- Triggers for rows come with the partitioned table's, this one doesn't.
        EXECUTE format('CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name, lower, upper);
END $$;

-- Makes the partitions that will be needed: two months beyond the present one, and two blocks of audit entries beyond
-- the present one. Gives their names. Does nothing while another session does it.
CREATE FUNCTION make_partitions(at timestamptz) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '300ms' AS $$
DECLARE
    partitioned text;
    name text;
    month timestamptz;
    block bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('countersign'), hashtext('partitions')) THEN
        RETURN;
    END IF;
    FOREACH partitioned IN ARRAY '{approvals,prompts,outbox,attempts}'::text[] LOOP
        -- Where the last partition ends. The first 48 bits of a UUIDv7 are milliseconds.
        SELECT to_timestamp(('x' || left(replace(p.upper, '-', ''), 12))::bit(48)::bigint / 1000.0) INTO month
        FROM partitions p WHERE p.parent = partitioned ORDER BY p.upper DESC LIMIT 1;
        -- None: an operator dropped them all.
        month := coalesce(month, month_start(at));
        WHILE month < month_start(at, 3) LOOP
            name := format('%s_%s', partitioned, to_char(month AT TIME ZONE 'UTC', 'YYYY_MM'));
            PERFORM make_partition(partitioned, name, id_bound(month)::text, id_bound(month_start(month, 1))::text);
            month := month_start(month, 1);
            RETURN NEXT name;
        END LOOP;
    END LOOP;
    SELECT p.upper::bigint INTO block FROM partitions p WHERE p.parent = 'audit' ORDER BY p.upper::bigint DESC LIMIT 1;
    block := coalesce(block, next_audit_number() / audit_block() * audit_block());
    WHILE block < (next_audit_number() / audit_block() + 3) * audit_block() LOOP
        name := format('audit_%s', block / audit_block());
        PERFORM make_partition('audit', name, block::text, (block + audit_block())::text);
        block := block + audit_block();
        RETURN NEXT name;
    END LOOP;
END $$;

-- Begins the next block of the audit if the present one has entries of an earlier month, so that retention can go by
-- months where few are written. Numbers are skipped for that; there are enough of them for 900 billion blocks.
CREATE FUNCTION begin_audit_block(at timestamptz) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '300ms' AS $$
DECLARE
    present record;
    began timestamptz;
BEGIN
    SELECT coalesce(p.lower::bigint, 0) AS lower, p.upper::bigint AS upper INTO present FROM partitions p
    WHERE p.parent = 'audit' AND coalesce(p.lower::bigint, 0) <= next_audit_number()
      AND p.upper::bigint > next_audit_number();
    SELECT a.at INTO began FROM audit a WHERE a.id >= present.lower AND a.id < present.upper ORDER BY a.id LIMIT 1;
    IF began IS NULL OR began >= month_start(at) THEN
        RETURN false;
    END IF;
    -- No statement takes a number now, because it locks the table first.
    LOCK TABLE ONLY audit IN SHARE ROW EXCLUSIVE MODE;
    IF next_audit_number() >= present.upper
        OR NOT EXISTS (SELECT FROM partitions p WHERE p.parent = 'audit' AND p.lower = present.upper::text) THEN
        RETURN false;
    END IF;
    PERFORM setval('audit_numbers', present.upper, false);
    RETURN true;
END $$;

-- The service can have older rows dropped, and no younger ones.
CREATE FUNCTION newest_droppable() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT now() - interval '30 days' $$;

-- Drops the oldest partition of a table if all of its rows are older than `before`, and gives its name. None is dropped
-- while anything in it waits or could be needed by what waits: pending approvals, messages and webhooks to send.
CREATE FUNCTION drop_oldest_partition(parent text, before timestamptz) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '300ms' AS $$
DECLARE
    oldest record;
    bound uuid;
BEGIN
    IF before > newest_droppable() THEN
        RAISE EXCEPTION 'Rows of less than 30 days ago are not dropped.';
    END IF;
    IF parent NOT IN ('approvals', 'prompts', 'outbox', 'attempts') THEN
        RAISE EXCEPTION 'The table % has no monthly partitions.', parent;
    END IF;
    SELECT p.name, p.upper::uuid AS upper INTO oldest FROM partitions p
    WHERE p.parent = drop_oldest_partition.parent ORDER BY p.lower NULLS FIRST LIMIT 1;
    IF oldest IS NULL OR oldest.upper > id_bound(before) THEN
        RETURN NULL;
    END IF;
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', parent);
    bound := oldest.upper;
    IF EXISTS (SELECT FROM approvals WHERE status = 'pending' AND id < bound)
        OR EXISTS (SELECT FROM outbox WHERE done_at IS NULL AND dead_at IS NULL AND (id < bound OR approval_id < bound)) THEN
        RETURN NULL;
    END IF;
    EXECUTE format('DROP TABLE %I', oldest.name);
    RETURN oldest.name;
END $$;

-- The same for the audit: a block goes once all of its entries are older than `before`.
CREATE FUNCTION drop_oldest_audit_block(before timestamptz) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '300ms' AS $$
DECLARE
    oldest record;
    newest timestamptz;
BEGIN
    IF before > newest_droppable() THEN
        RAISE EXCEPTION 'Rows of less than 30 days ago are not dropped.';
    END IF;
    SELECT p.name, p.upper::bigint AS upper INTO oldest FROM partitions p
    WHERE p.parent = 'audit' ORDER BY p.lower::bigint NULLS FIRST LIMIT 1;
    IF oldest IS NULL OR next_audit_number() < oldest.upper THEN
        RETURN NULL;
    END IF;
    LOCK TABLE ONLY audit IN ACCESS EXCLUSIVE MODE;
    -- Entries are numbered before they are committed, so the last number is not always the last entry.
    EXECUTE format('SELECT max(at) FROM (SELECT at FROM %I ORDER BY id DESC LIMIT 1000) newest', oldest.name) INTO newest;
    IF newest >= before THEN
        RETURN NULL;
    END IF;
    EXECUTE format('DROP TABLE %I', oldest.name);
    RETURN oldest.name;
END $$;

-- As before, but also for a role that doesn't own the table. Rows are written by way of the partitioned table, so its
-- default is the one that counts.
CREATE OR REPLACE FUNCTION begin_audit_era(at timestamptz) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    begun integer;
BEGIN
    LOCK TABLE ONLY audit IN ACCESS EXCLUSIVE MODE;
    INSERT INTO audit_eras (era, began_at) SELECT max(era) + 1, at FROM audit_eras RETURNING era INTO begun;
    EXECUTE format('ALTER TABLE ONLY audit ALTER COLUMN era SET DEFAULT %s', begun);
    RETURN begun;
END $$;

-- Grants a role what `serve` needs, and revokes what else it may: it reads and writes rows, but neither changes entries of
-- the audit or versions of descriptions, nor deletes what is never deleted, nor changes the schema. `drops_audit`: whether
-- it may have old audit entries dropped. Makes the role, without a login, if there is none. Whether it did.
CREATE FUNCTION grant_service(service text, drops_audit boolean) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    is_new constant boolean := NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service);
    one record;
BEGIN
    IF is_new THEN
        EXECUTE format('CREATE ROLE %I', service);
    END IF;
    IF (SELECT pg_has_role(service, relowner, 'MEMBER') FROM pg_class WHERE oid = 'audit'::regclass) THEN
        RAISE EXCEPTION 'The role % owns the tables, or is a superuser: choose another one for serve.', service;
    END IF;
    -- Functions with their owner's rights look up names in this schema.
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), service);
    FOR one IN SELECT c.relname AS name, c.relkind AS kind FROM pg_class c
               WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
                 AND pg_has_role(c.relowner, 'USAGE') LOOP
        IF one.kind = 'S' THEN
            EXECUTE format('GRANT USAGE ON SEQUENCE %I TO %I', one.name, service);
            CONTINUE;
        END IF;
        EXECUTE format('REVOKE ALL ON %I FROM %I', one.name, service);
        -- Partitions are read and written by way of their tables.
        CONTINUE WHEN EXISTS (SELECT FROM partitions p WHERE p.name = one.name);
        EXECUTE format('GRANT %s ON %I TO %I', CASE
            WHEN one.name IN ('_sqlx_migrations', 'audit_eras', 'partitions', 'deleted_contents') THEN 'SELECT'
            WHEN one.name IN ('audit', 'action_versions') THEN 'SELECT, INSERT'
            WHEN one.name IN ('approvals', 'prompts') THEN 'SELECT, INSERT, UPDATE'
            ELSE 'SELECT, INSERT, UPDATE, DELETE' END, one.name, service);
    END LOOP;
    -- The functions that run with their owner's rights.
    FOR one IN SELECT p.oid::regprocedure::text AS name, p.proname FROM pg_proc p
               WHERE p.pronamespace = current_schema()::regnamespace AND p.prosecdef LOOP
        EXECUTE format(CASE WHEN drops_audit OR one.proname <> 'drop_oldest_audit_block'
            THEN 'GRANT EXECUTE ON FUNCTION %s TO %I' ELSE 'REVOKE EXECUTE ON FUNCTION %s FROM %I' END, one.name, service);
    END LOOP;
    RETURN is_new;
END $$;

-- Functions that run with their owner's rights look up names in this schema only, and only roles that were granted the
-- right may call them. Roles that write approvals already get it now; that to drop audit entries has to be granted.
DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY '{missing_partitions(timestamptz),partition_room(),make_partitions(timestamptz),begin_audit_block(timestamptz),
        "drop_oldest_partition(text,timestamptz)",drop_oldest_audit_block(timestamptz),begin_audit_era(timestamptz)}'::text[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', one, current_schema());
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
    FOR one IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
               WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT ON partitions TO %s', one);
        EXECUTE format('GRANT EXECUTE ON FUNCTION make_partitions, missing_partitions, partition_room, begin_audit_block, begin_audit_era,
            drop_oldest_partition TO %s', one);
    END LOOP;
END $$;

-- What reads each index of the tables that an ask writes. One that nothing reads goes.
COMMENT ON INDEX approvals_pkey IS 'everything that names an approval by its id; partitions';
COMMENT ON INDEX approvals_backend IS 'GET /v1/approvals: all, and approved';
COMMENT ON INDEX approvals_not_approved IS 'GET /v1/approvals by the other statuses; an ask counts what is pending';
COMMENT ON INDEX approvals_user IS 'GET /v1/approvals by user; recent decisions on the Home tab, by when they were asked';
COMMENT ON INDEX approvals_decided_later IS 'recent decisions that were taken later than asked; decisions beside an unlock request';
COMMENT ON INDEX approvals_backend_conversation IS 'GET /v1/approvals by conversation; prompts of a conversation that closes';
COMMENT ON INDEX approvals_grant IS 'prompts that offer to turn off a grant, once it is turned off';
COMMENT ON INDEX approvals_pending_expiry IS 'expiry; apps that were removed';
COMMENT ON INDEX approvals_pending_user IS 'requests that wait on the Home tab; a user who leaves; prompts when a user connects';
COMMENT ON INDEX approvals_pending_action IS 'prompts of an action that is unlocked, locked or described differently';
COMMENT ON INDEX approvals_first_keys IS 'a repeated request at an instance of version 0.1.0';
COMMENT ON INDEX audit_pkey IS 'partitions; the beginning and end of a block';
COMMENT ON INDEX audit_era_order IS 'GET /v1/audit; the lag of the export; whether the database was restored';
COMMENT ON INDEX prompts_pkey IS 'the messages that show an approval; partitions';
COMMENT ON INDEX outbox_pkey IS 'a claimed row; GET /v1/webhook-deliveries/{id}; partitions';
COMMENT ON INDEX outbox_due IS 'claims of what goes to Slack, and when the next is due';
COMMENT ON INDEX outbox_queue IS 'whether an earlier row of the same queue waits; a Home tab that is drawn soon anyway';
COMMENT ON INDEX outbox_waiting IS 'claims of webhooks, from backend to backend';
COMMENT ON INDEX outbox_by_hand IS 'claims of webhooks that are sent again although their endpoint is stopped';
COMMENT ON INDEX outbox_webhooks IS 'GET /v1/webhook-deliveries: all, and delivered; the last delivery on the Home tab';
COMMENT ON INDEX outbox_webhooks_pending IS 'GET /v1/webhook-deliveries: pending; failing ones on the Home tab';
COMMENT ON INDEX outbox_webhooks_dead IS 'GET /v1/webhook-deliveries: dead; dead ones on the Home tab';
COMMENT ON INDEX outbox_webhooks_approval IS 'GET /v1/webhook-deliveries by approval';
COMMENT ON INDEX outbox_done IS 'the job that deletes rows for Slack seven days after they were done';
COMMENT ON INDEX attempts_pkey IS 'the attempts at a delivery; partitions';

SELECT make_partitions(now());
