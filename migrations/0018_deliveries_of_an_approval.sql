-- no-transaction
-- The part of outbox_approval that has a reader: the deliveries about an approval are webhooks.
CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_webhooks_approval ON outbox (approval_id) WHERE kind = 'webhook';
