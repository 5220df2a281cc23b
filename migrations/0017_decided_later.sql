-- no-transaction
-- The part of approvals_decided that an ask doesn't write: a grant's approval ends as it is asked, so that its id orders
-- it. Concurrently, because the table may be large and asks go on.
CREATE INDEX CONCURRENTLY IF NOT EXISTS approvals_decided_later ON approvals (workspace_id, user_id, decided_at)
    WHERE decided_at IS NOT NULL AND (decided_by <> 'auto' OR status <> 'approved');
