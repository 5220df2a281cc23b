-- no-transaction
-- Takes the place of the unique index on the same columns, which no partitioned table can have and which had an entry for
-- every approval. Instances of version 0.1.0 find a repeated request by it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS approvals_keys ON approvals (backend_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
