-- The audit survives a move to another server. Transactions number themselves anew there, so that numbers alone would
-- put what is written now before what was restored. An era is the time on one server; the export goes by
-- (era, txid, id).

CREATE TABLE audit_eras (
    era      integer PRIMARY KEY,
    -- NULL: the first one, which began with the audit.
    began_at timestamptz
);
INSERT INTO audit_eras (era) VALUES (0);

-- The default is the present era. It is changed by begin_audit_era alone, so that writing an entry costs nothing more.
ALTER TABLE audit ADD COLUMN era integer NOT NULL DEFAULT 0;
CREATE INDEX audit_era_order ON audit (workspace_id, era, txid, id);
DROP INDEX audit_order;

-- Begins the next era. Whoever writes entries is waited for: when this has committed, nothing is added to earlier eras.
CREATE FUNCTION begin_audit_era(at timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    begun integer;
BEGIN
    LOCK TABLE audit IN ACCESS EXCLUSIVE MODE;
    INSERT INTO audit_eras (era, began_at) SELECT max(era) + 1, at FROM audit_eras RETURNING era INTO begun;
    EXECUTE format('ALTER TABLE audit ALTER COLUMN era SET DEFAULT %s', begun);
    RETURN begun;
END $$;
