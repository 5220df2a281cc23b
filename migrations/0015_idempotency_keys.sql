-- Idempotency keys have a table of their own, which is emptied.

CREATE TABLE idempotency_keys (
    backend_id     uuid NOT NULL,
    key            text NOT NULL,
    approval_id    uuid NOT NULL,
    -- SHA-256 of the request's canonical JSON: the same key with another body is refused.
    request_digest bytea NOT NULL CHECK (octet_length(request_digest) = 32),
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (backend_id, key)
);
-- Read by the job that deletes keys 24 hours after their approvals have ended, oldest first.
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- For instances of the previous version, which write keys to approvals only. The present version writes both: the rows
-- that it inserted are there already when this runs, after the whole statement.
CREATE FUNCTION copy_idempotency_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency_keys (backend_id, key, approval_id, request_digest, created_at)
    VALUES (NEW.backend_id, NEW.idempotency_key, NEW.id, NEW.request_digest, NEW.created_at)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER approvals_copy_idempotency_key AFTER INSERT ON approvals
    FOR EACH ROW WHEN (NEW.idempotency_key IS NOT NULL) EXECUTE FUNCTION copy_idempotency_key();
