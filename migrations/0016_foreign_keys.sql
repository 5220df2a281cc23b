-- no-transaction
-- The keys of earlier approvals, and the foreign keys that an ask or a click paid for, go step by step, each in a transaction
-- of its own. A step that does not get its locks within 300 ms gives up and tries again, because every other statement on
-- the table queues behind it. Every tenth try is more patient than deadlock_timeout, so that Postgres cancels an autovacuum
-- that is in the way. All of it can be run again, wherever it was stopped.
DO $$
DECLARE
    -- Workspaces, backends, integrations, actions, conversations, grants and unlock requests are never deleted, so these
    -- checks can't fail. Each of them cost every ask or click a lookup and a row lock.
    unneeded constant text[] := '{
        {approvals, approvals_workspace_id_fkey}, {approvals, approvals_backend_id_fkey},
        {approvals, approvals_action_id_fkey}, {approvals, approvals_decision_grant_fkey},
        {prompts, prompts_approval_id_fkey}, {audit, audit_workspace_id_fkey},
        {outbox, outbox_workspace_id_fkey}, {outbox, outbox_approval_id_fkey}, {outbox, outbox_backend_id_fkey},
        {outbox, outbox_unlock_request_id_fkey}, {attempts, attempts_outbox_id_fkey},
        {conversations, conversations_backend_id_fkey}}';
    one text[];
    tries integer := 0;
    done boolean;
BEGIN
    -- The keys of approvals that were asked before the previous migration. An approval is pending for seven days at most,
    -- and its key counts for 24 hours more. UUIDv7 begins with the milliseconds since 1970, so the primary key finds these.
    INSERT INTO idempotency_keys (backend_id, key, approval_id, request_digest, created_at)
    SELECT p.backend_id, p.idempotency_key, p.id, p.request_digest, p.created_at
    FROM approvals p
    WHERE p.id >= (lpad(to_hex((extract(epoch FROM now() - interval '9 days') * 1000)::bigint), 12, '0')
                   || repeat('0', 20))::uuid
      AND p.idempotency_key IS NOT NULL
    ON CONFLICT DO NOTHING;
    COMMIT;
    FOREACH one SLICE 1 IN ARRAY unneeded LOOP
        LOOP
            tries := tries + 1;
            BEGIN
                PERFORM set_config('lock_timeout', CASE WHEN tries % 10 = 0 THEN '1500ms' ELSE '300ms' END, true);
                EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I', one[1], one[2]);
                done := true;
            EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
                done := false;
                PERFORM pg_sleep(0.1);
            END;
            COMMIT;
            EXIT WHEN done;
        END LOOP;
    END LOOP;
END $$;
