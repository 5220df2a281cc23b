-- The log that seals the audit: each entry's number and hash, the hashes of the tree above them, and the last signed checkpoint.

-- One row: the state of the log. A leaf and this row are written in one transaction.
CREATE TABLE audit_log (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- The log's name in checkpoints. It never changes.
    origin          text NOT NULL,
    began_at        timestamptz NOT NULL,
    -- How many entries are sealed.
    size            bigint NOT NULL CHECK (size >= 0),
    -- The roots of the tree's full subtrees, the largest first: 32 bytes each.
    frontier        bytea NOT NULL CHECK (octet_length(frontier) % 32 = 0),
    -- The place of the last sealed entry in the audit's order.
    era             integer NOT NULL,
    txid            xid8 NOT NULL,
    entry           bigint NOT NULL,
    -- The last checkpoint, and the size that it was signed for.
    checkpoint_size bigint NOT NULL DEFAULT 0 CHECK (checkpoint_size BETWEEN 0 AND size),
    checkpoint      text
);
COMMENT ON INDEX audit_log_pkey IS 'that there is one row';

CREATE TABLE audit_leaves (
    -- From 0, without gaps.
    number      bigint PRIMARY KEY,
    audit_id    bigint NOT NULL UNIQUE,
    -- The approval that the entry ended, if it did.
    approval_id uuid,
    salt        bytea NOT NULL CHECK (octet_length(salt) = 16),
    hash        bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE INDEX audit_leaves_approval ON audit_leaves (approval_id) WHERE approval_id IS NOT NULL;
COMMENT ON INDEX audit_leaves_pkey IS 'the export; proofs';
COMMENT ON INDEX audit_leaves_audit_id_key IS 'that no entry is sealed twice; the number of an entry';
COMMENT ON INDEX audit_leaves_approval IS 'the proof in a receipt';

-- The roots of full tiles: level 1 is above 256 leaves, level 2 above 65,536, and so on.
CREATE TABLE audit_nodes (
    level  smallint NOT NULL CHECK (level BETWEEN 1 AND 7),
    number bigint NOT NULL,
    hash   bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, number)
);
COMMENT ON INDEX audit_nodes_pkey IS 'the export; proofs';

CREATE TRIGGER audit_leaves_are_append_only BEFORE UPDATE OR DELETE ON audit_leaves
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_leaves_are_not_emptied BEFORE TRUNCATE ON audit_leaves
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_nodes_are_append_only BEFORE UPDATE OR DELETE ON audit_nodes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_nodes_are_not_emptied BEFORE TRUNCATE ON audit_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Begins another log, for an operator whose database lost sealed entries: run by the owner of the tables only.
CREATE FUNCTION restart_audit_log() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE audit_leaves DISABLE TRIGGER USER;
    ALTER TABLE audit_nodes DISABLE TRIGGER USER;
    TRUNCATE audit_leaves, audit_nodes;
    ALTER TABLE audit_leaves ENABLE TRIGGER USER;
    ALTER TABLE audit_nodes ENABLE TRIGGER USER;
    DELETE FROM audit_log;
END $$;

DO $$
DECLARE
    one text[];
    was text;
    becomes text;
BEGIN
    FOREACH one SLICE 1 IN ARRAY ARRAY[
        ['grant_service', '(''audit'', ', '(''audit'', ''audit_leaves'', ''audit_nodes'', '],
        ['drop_oldest_audit_block', 'newest timestamptz;', 'newest timestamptz;
    is_unsealed boolean;'],
        -- Entries are dropped only once they are sealed, if a log was begun. As with their times, the last ones of the block
        -- are looked at.
        ['drop_oldest_audit_block', 'IF newest >= before THEN',
            'EXECUTE format(''SELECT EXISTS (SELECT FROM audit_log l, (SELECT era, txid, id FROM %I ORDER BY id DESC LIMIT 1000) a
        WHERE (a.era, a.txid, a.id) > (l.era, l.txid, l.entry))'', oldest.name) INTO is_unsealed;
    IF newest >= before OR is_unsealed THEN']
    ] LOOP
        was := pg_get_functiondef(one[1]::regproc);
        becomes := replace(was, one[2], one[3]);
        IF becomes = was THEN
            RAISE EXCEPTION 'The function % is not the one that this migration changes.', one[1];
        END IF;
        EXECUTE becomes;
    END LOOP;
    -- Roles that write the audit seal it too.
    FOR was IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
               WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT ON audit_leaves, audit_nodes TO %s', was);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON audit_log TO %s', was);
    END LOOP;
END $$;
