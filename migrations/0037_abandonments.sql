-- Pending approvals that are cancelled if no caller listens.

-- Only approvals that were asked with abandon_after have a row. The job that looks at a row deletes it once the approval
-- has ended, so the tables stay small.
CREATE TABLE abandonments (
    approval_id   uuid PRIMARY KEY,
    -- In seconds.
    abandon_after integer NOT NULL CHECK (abandon_after > 0),
    asked_at      timestamptz NOT NULL,
    -- When to look whether a caller has listened since.
    check_at      timestamptz NOT NULL
);
CREATE INDEX abandonments_due ON abandonments (check_at);
COMMENT ON INDEX abandonments_pkey IS 'which of the approvals that callers listen to are cancelled without one';
COMMENT ON INDEX abandonments_due IS 'the job that looks whether callers listened';

-- The instances that callers listen to. Each renews its row every few seconds while one listens, so that the callers of
-- an instance that died no longer count.
CREATE TABLE listening_instances (
    id       uuid PRIMARY KEY,
    alive_at timestamptz NOT NULL
);
COMMENT ON INDEX listening_instances_pkey IS 'when an instance was last alive';

-- At which instances callers listen, or listened.
CREATE TABLE listeners (
    approval_id uuid NOT NULL REFERENCES abandonments ON DELETE CASCADE,
    instance_id uuid NOT NULL,
    -- When the last caller left. NULL: one listens, as long as the instance is alive.
    left_at     timestamptz,
    PRIMARY KEY (approval_id, instance_id)
);
COMMENT ON INDEX listeners_pkey IS 'who listens to an approval';

-- Roles that write approvals write these too.
DO $$
DECLARE
    service text;
BEGIN
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON abandonments, listening_instances, listeners TO %s', service);
    END LOOP;
END $$;
