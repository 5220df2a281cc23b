-- Grants that an admin or the operator revoked: who, why, and whether their user was told.

CREATE TABLE revocations (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    -- Whose grants they were.
    user_id      text NOT NULL,
    -- The admin. NULL: the operator.
    revoked_by   text,
    reason       text,
    revoked_at   timestamptz NOT NULL,
    -- Written before the message is sent: a message may be lost, but is never repeated.
    told_at      timestamptz
);
CREATE INDEX revocations_untold ON revocations (workspace_id, user_id) WHERE told_at IS NULL;
COMMENT ON INDEX revocations_pkey IS 'a message that is being sent';
COMMENT ON INDEX revocations_untold IS 'what a user has to be told';

-- Grants that were revoked together. Uses of a grant don't change it, so it costs them no write to this index.
ALTER TABLE grants ADD COLUMN revocation_id uuid;
CREATE INDEX grants_revocation ON grants (revocation_id) WHERE revocation_id IS NOT NULL;
COMMENT ON INDEX grants_revocation IS 'the grants that a message names';

-- Roles that write approvals write these too.
DO $$
DECLARE
    service text;
BEGIN
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON revocations TO %s', service);
    END LOOP;
END $$;
