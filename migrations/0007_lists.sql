-- A backend's lists by status go straight to what they are asked for, however little of it there is. Most approvals are
-- approved, and most webhooks delivered: these a list meets anyway.

-- It also counts the pending ones, which the one that it replaces did.
CREATE INDEX approvals_not_approved ON approvals (backend_id, status, id) WHERE status <> 'approved';
DROP INDEX approvals_pending_backend;

CREATE INDEX outbox_webhooks_pending ON outbox (backend_id, id)
    WHERE kind = 'webhook' AND done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_webhooks_dead ON outbox (backend_id, id) WHERE kind = 'webhook' AND dead_at IS NOT NULL;
-- Whatever it was used for goes by the two.
DROP INDEX outbox_failing;
