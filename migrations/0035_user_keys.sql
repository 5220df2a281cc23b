-- API keys that are bound to one user: they ask for that user only, and see only that user's approvals.
--
-- They have a table of their own, because the previous version gives every key in api_keys the rights of the whole
-- backend. It does not look here, so it refuses these keys.
CREATE TABLE user_keys (
    -- The public half of cs_<id>_<secret>; the secret is known only as its SHA-256.
    id               uuid PRIMARY KEY,
    backend_id       uuid NOT NULL REFERENCES backends,
    -- The backend's. It is here so that a user's keys are found by one index.
    workspace_id     uuid NOT NULL,
    user_id          text NOT NULL,
    -- Which device or agent has it, in the operator's words.
    name             text,
    hash             bytea NOT NULL CHECK (octet_length(hash) = 32),
    created_at       timestamptz NOT NULL,
    -- For how long it was made, and its successors are. NULL: until it is revoked.
    lifetime_seconds bigint CHECK (lifetime_seconds > 0),
    -- When that is over, or the overlap of a rotation.
    expires_at       timestamptz,
    -- Written once a minute at most.
    last_used_at     timestamptz,
    -- An operator or the user revoked it, or the user left. Does not depend on any clock.
    revoked_at       timestamptz
);
CREATE INDEX user_keys_user ON user_keys (workspace_id, user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX user_keys_backend ON user_keys (backend_id);
COMMENT ON INDEX user_keys_pkey IS 'authentication; key rotate, key revoke; Home: Revoke';
COMMENT ON INDEX user_keys_user IS 'Home: Devices and agents; the membership check; users who leave';
COMMENT ON INDEX user_keys_backend IS 'key list, key revoke --all, backend show';

-- A backend without a webhook endpoint has an empty address: the previous version can't read NULL. It tries to send
-- webhooks to such a backend, fails, and changes nothing else.
COMMENT ON COLUMN backends.webhook_url IS 'empty: the backend has no webhook endpoint';

-- Roles that write approvals write these too.
DO $$
DECLARE
    service text;
BEGIN
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON user_keys TO %s', service);
    END LOOP;
END $$;
