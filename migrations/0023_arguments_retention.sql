-- Arguments, reasons and metadata of ended approvals can be deleted after a time. The digests stay.

-- When they were. They stand in the approval's row as long as instances of version 0.1.0 may have to read them.
ALTER TABLE approvals ADD COLUMN contents_deleted_at timestamptz;

-- An ended approval still never changes, except that these columns are emptied, once.
CREATE FUNCTION keep_ended_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.contents_deleted_at IS NULL AND NEW.contents_deleted_at IS NOT NULL
        AND NEW.arguments::text = '{}' AND NEW.reason IS NULL AND NEW.metadata IS NULL THEN
        OLD.arguments := NEW.arguments;
        OLD.reason := NEW.reason;
        OLD.metadata := NEW.metadata;
        OLD.contents_deleted_at := NEW.contents_deleted_at;
        IF OLD::text = NEW::text THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% of % is refused: these rows never change', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER ended_approvals_keep BEFORE UPDATE ON approvals
    FOR EACH ROW WHEN (OLD.status <> 'pending') EXECUTE FUNCTION keep_ended_approval();
DROP TRIGGER ended_approvals_stay ON approvals;

-- Up to where they are deleted, so that the job goes on there.
CREATE TABLE deleted_contents (up_to uuid NOT NULL);
INSERT INTO deleted_contents VALUES ('00000000-0000-0000-0000-000000000000');

-- Deletes the contents of the oldest up to 500 approvals that have them, are older than `before` and have ended. Gives how
-- many approvals it looked at. Stops before one that is still pending.
CREATE FUNCTION delete_contents(before timestamptz, at timestamptz) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '300ms' AS $$
DECLARE
    past uuid;
    ids uuid[];
    stop integer;
BEGIN
    -- Longer than an approval is pending.
    IF before > newest_droppable() + interval '22 days' THEN
        RAISE EXCEPTION 'Arguments of less than 8 days ago are not deleted.';
    END IF;
    SELECT d.up_to INTO past FROM deleted_contents d FOR UPDATE;
    SELECT array_agg(p.id ORDER BY p.id), min(n) FILTER (WHERE p.status = 'pending') INTO ids, stop
    FROM (SELECT p.id, p.status, row_number() OVER (ORDER BY p.id) AS n FROM approvals p
          WHERE p.id > past AND p.id < id_bound(before) ORDER BY p.id LIMIT 500) p;
    ids := ids[:coalesce(stop - 1, cardinality(ids))];
    IF coalesce(cardinality(ids), 0) = 0 THEN
        RETURN 0;
    END IF;
    UPDATE approvals p SET arguments = '{}', reason = NULL, metadata = NULL, contents_deleted_at = at
    WHERE p.id = ANY(ids) AND p.contents_deleted_at IS NULL;
    UPDATE deleted_contents SET up_to = ids[cardinality(ids)];
    RETURN cardinality(ids);
END $$;

DO $$
DECLARE
    one text;
BEGIN
    EXECUTE format('ALTER FUNCTION delete_contents SET search_path = %I, pg_temp', current_schema());
    REVOKE EXECUTE ON FUNCTION delete_contents FROM PUBLIC;
    FOR one IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
               WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION delete_contents TO %s', one);
    END LOOP;
END $$;
