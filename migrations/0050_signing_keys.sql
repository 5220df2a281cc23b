-- The keys that sign receipts, and what a prompt showed.

-- Public keys stay for as long as receipts may be verified. The private half is sealed, is missing for keys that are kept
-- elsewhere (a file), and is emptied once a newer key has signed for a while.
CREATE TABLE signing_keys (
    id          uuid PRIMARY KEY,
    -- The order of the keys. Of two instances that make a key at the same time, one finds its number taken.
    number      integer NOT NULL UNIQUE,
    -- The JWK thumbprint (RFC 7638).
    kid         text NOT NULL UNIQUE,
    public_key  bytea NOT NULL CHECK (octet_length(public_key) = 32),
    private_key bytea,
    -- Published from created_at on; signs from this moment on.
    signs_from  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL
);
COMMENT ON INDEX signing_keys_pkey IS 'a key that is sealed again';
COMMENT ON INDEX signing_keys_number_key IS 'two keys made at the same time';
COMMENT ON INDEX signing_keys_kid_key IS 'the key that signs';

-- SHA-256 over the message as Slack took it. New columns: nothing is rewritten, and the previous version leaves them empty.
ALTER TABLE prompts
    ADD COLUMN shown_digest bytea,
    -- Not validated, because no row has the column yet, and Postgres would read the whole table.
    ADD CONSTRAINT prompts_shown_digest CHECK (octet_length(shown_digest) = 32) NOT VALID;
ALTER TABLE approver_messages
    ADD COLUMN shown_digest bytea,
    ADD CONSTRAINT approver_messages_shown_digest CHECK (octet_length(shown_digest) = 32) NOT VALID;

-- Roles that write approvals write keys too.
DO $$
DECLARE
    service text;
BEGIN
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON signing_keys TO %s', service);
    END LOOP;
END $$;
