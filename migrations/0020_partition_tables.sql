-- What 0021 turns approvals, prompts, outbox, attempts and audit into partitioned tables with, while earlier versions of
-- the program use them. 0022 drops it again.

-- The smallest UUIDv7 of a time.
CREATE FUNCTION id_bound(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- The first moment of the month of a time, in UTC, and of the months after it.
CREATE FUNCTION month_start(at timestamptz, later integer DEFAULT 0) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT (date_trunc('month', at AT TIME ZONE 'UTC') + make_interval(months => later)) AT TIME ZONE 'UTC'
$$;

-- How many numbers a partition of audit has room for: about 4 GB with indexes. Large enough that a busy service, with 100
-- entries a second, makes a partition a day, and that a day's peak of 10,000 a second finds room in the two that are
-- made ahead until the next check, five minutes later.
CREATE FUNCTION audit_block() RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT 10000000::bigint $$;

-- Has the table stand as the first partition of a partitioned table of the same name. `key` is the column that partitions
-- are told apart by, and `upper` where the first partition ends.
--
-- `unread` names indexes that go, because nothing reads them.
--
-- 1. A constraint says that no row lies beyond `upper`. It is not checked yet, so that this takes a moment.
-- 2. The constraint is checked, while rows are read and written.
-- 3. In one short transaction the table is renamed, the partitioned table is made in its place with the same columns,
--    constraints, indexes, triggers and privileges, and the old table attached, which reads nothing: its constraint
--    proves that it fits, and its indexes are matched, not built.
--
-- Steps 1 and 3 lock the table against everything, and every other statement on it queues behind them. So they give up
-- after 300 ms and try again. Every tenth try is more patient than deadlock_timeout, so that Postgres cancels an
-- autovacuum that is in the way. The procedure can be run again, wherever it was stopped.
CREATE PROCEDURE partition_table(parent text, key text, upper text, unread text[]) LANGUAGE plpgsql AS $$
DECLARE
    first constant text := parent || '_first';
    bound constant text := parent || '_bound';
    done boolean;
    tries integer := 0;
    broken text;
    owner oid;
    acl aclitem[];
    indexes text[];
    triggers text[];
    identity text;
    numbers text;
    next bigint;
    one record;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = parent::regclass) = 'p' THEN
        RETURN;
    END IF;
    SELECT string_agg(indexrelid::regclass::text, ', ') INTO broken FROM pg_index
    WHERE indrelid = parent::regclass AND NOT indisvalid;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'The index % was not completed. Run REINDEX INDEX CONCURRENTLY %, then migrate again.', broken, broken;
    END IF;

    LOOP
        EXIT WHEN EXISTS (SELECT FROM pg_constraint WHERE conrelid = parent::regclass AND conname = bound);
        tries := tries + 1;
        BEGIN
            PERFORM set_config('lock_timeout', CASE WHEN tries % 10 = 0 THEN '1500ms' ELSE '300ms' END, true);
            EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (%I < %L) NOT VALID', parent, bound, key, upper);
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(0.1);
        END;
        COMMIT;
    END LOOP;
    EXECUTE format('ALTER TABLE %I VALIDATE CONSTRAINT %I', parent, bound);
    COMMIT;
    -- A run that was stopped may have set another one.
    SELECT (regexp_match(pg_get_constraintdef(oid), '< \(?''?([^'':)]+)'))[1] INTO upper FROM pg_constraint
    WHERE conrelid = parent::regclass AND conname = bound;

    LOOP
        tries := tries + 1;
        BEGIN
            PERFORM set_config('lock_timeout', CASE WHEN tries % 10 = 0 THEN '1500ms' ELSE '300ms' END, true);
            EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent);
            SELECT relowner, relacl INTO owner, acl FROM pg_class WHERE oid = parent::regclass;

            -- Identity columns of partitions differ from version to version of Postgres: a sequence does the same.
            SELECT attname, pg_get_serial_sequence(parent, attname::text) INTO identity, numbers FROM pg_attribute
            WHERE attrelid = parent::regclass AND attidentity <> '';
            IF identity IS NOT NULL THEN
                EXECUTE format('SELECT last_value + is_called::int FROM %s', numbers) INTO next;
                EXECUTE format('ALTER TABLE %I ALTER COLUMN %I DROP IDENTITY', parent, identity);
                numbers := parent || '_numbers';
                EXECUTE format('CREATE SEQUENCE %I AS bigint START %s', numbers, next);
                EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT nextval(%L)', parent, identity, numbers);
            END IF;

            -- A unique index has to contain the key, so of those only the primary key can stay.
            FOR one IN SELECT conname AS name FROM pg_constraint WHERE conrelid = parent::regclass AND contype = 'u' LOOP
                EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', parent, one.name);
            END LOOP;
            FOR i IN 1 .. coalesce(cardinality(unread), 0) LOOP
                EXECUTE format('DROP INDEX %I', unread[i]);
            END LOOP;
            -- Their definitions, which name the table as the new one will be called. The index approvals_keys is needed
            -- for a while only, by version 0.1.0, and stays behind.
            SELECT array_agg(CASE WHEN i.indisprimary THEN
                    format('ALTER TABLE %I ADD CONSTRAINT %I %s', parent, c.conname, pg_get_constraintdef(c.oid))
                ELSE pg_get_indexdef(i.indexrelid) END) INTO indexes
            FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid
            WHERE i.indrelid = parent::regclass AND i.indexrelid::regclass::text <> 'approvals_keys';
            SELECT array_agg(pg_get_triggerdef(oid)) INTO triggers FROM pg_trigger
            WHERE tgrelid = parent::regclass AND NOT tgisinternal;
            -- Triggers for rows are made in every partition by the one of the partitioned table.
            FOR one IN SELECT tgname FROM pg_trigger
                       WHERE tgrelid = parent::regclass AND NOT tgisinternal AND tgtype & 1 = 1 LOOP
                EXECUTE format('DROP TRIGGER %I ON %I', one.tgname, parent);
            END LOOP;

            EXECUTE format('ALTER TABLE %I RENAME TO %I', parent, first);
            FOR one IN SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                       WHERE i.indrelid = first::regclass LOOP
                EXECUTE format('ALTER INDEX %I RENAME TO %I', one.name,
                    first || substr(one.name, length(parent) + 1));
            END LOOP;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE
                INCLUDING COMMENTS) PARTITION BY RANGE (%I)', parent, first, key);
            FOR i IN 1 .. coalesce(cardinality(indexes), 0) LOOP
                EXECUTE indexes[i];
            END LOOP;
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', parent, first, upper);
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', parent, bound);
            FOR i IN 1 .. coalesce(cardinality(triggers), 0) LOOP
                EXECUTE triggers[i];
            END LOOP;

            EXECUTE format('ALTER TABLE %I OWNER TO %s', parent, owner::regrole);
            IF identity IS NOT NULL THEN
                EXECUTE format('ALTER SEQUENCE %I OWNER TO %s', numbers, owner::regrole);
                EXECUTE format('ALTER SEQUENCE %I OWNED BY %I.%I', numbers, parent, identity);
            END IF;
            FOR one IN SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS role, privilege_type,
                           is_grantable FROM aclexplode(acl) WHERE grantee <> owner LOOP
                EXECUTE format('GRANT %s ON %I TO %s%s', one.privilege_type, parent, one.role,
                    CASE WHEN one.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
                IF identity IS NOT NULL AND one.privilege_type = 'INSERT' THEN
                    EXECUTE format('GRANT USAGE ON SEQUENCE %I TO %s', numbers, one.role);
                END IF;
            END LOOP;
            done := true;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            done := false;
            PERFORM pg_sleep(0.1);
        END;
        COMMIT;
        EXIT WHEN done;
    END LOOP;
END $$;
