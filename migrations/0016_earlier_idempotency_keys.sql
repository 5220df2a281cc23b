-- The keys of approvals that were asked before the previous migration. An approval is pending for seven days at most,
-- and its key counts for 24 hours more. UUIDv7 begins with the milliseconds since 1970, so the primary key finds these.
-- A transaction of its own: it reads for a while, and locks nothing that an ask needs.
INSERT INTO idempotency_keys (backend_id, key, approval_id, request_digest, created_at)
SELECT p.backend_id, p.idempotency_key, p.id, p.request_digest, p.created_at
FROM approvals p
WHERE p.id >= (lpad(to_hex((extract(epoch FROM now() - interval '9 days') * 1000)::bigint), 12, '0')
               || repeat('0', 20))::uuid
  AND p.idempotency_key IS NOT NULL
ON CONFLICT DO NOTHING;
