-- API keys of a workspace, with which a program administers it: it lists and revokes grants, and locks and unlocks
-- actions.
--
-- They have a table of their own and no scope in api_keys: a backend's key can't become one of these, whatever is written
-- there, and the previous version, which does not look here, refuses them.
CREATE TABLE admin_keys (
    -- The public half of csa_<id>_<secret>; the secret is known only as its SHA-256.
    id               uuid PRIMARY KEY,
    workspace_id     uuid NOT NULL REFERENCES workspaces,
    -- Which program has it, in the operator's words. The audit names it.
    name             text NOT NULL,
    hash             bytea NOT NULL CHECK (octet_length(hash) = 32),
    created_at       timestamptz NOT NULL,
    -- For how long it was made, and its successors are. NULL: until it is revoked.
    lifetime_seconds bigint CHECK (lifetime_seconds > 0),
    -- When that is over, or the overlap of a rotation.
    expires_at       timestamptz,
    -- Written once a minute at most.
    last_used_at     timestamptz,
    -- An operator revoked it. Does not depend on any clock.
    revoked_at       timestamptz
);
CREATE INDEX admin_keys_workspace ON admin_keys (workspace_id, id);
COMMENT ON INDEX admin_keys_pkey IS 'authentication; key rotate, key revoke';
COMMENT ON INDEX admin_keys_workspace IS 'key list, key revoke --all --admin, doctor';

-- Roles that write approvals write these too.
DO $$
DECLARE
    service text;
BEGIN
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON admin_keys TO %s', service);
    END LOOP;
END $$;
