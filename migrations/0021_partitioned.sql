-- no-transaction
DO $$
DECLARE
    -- The first of the month after next, so that at least a month goes by before the next partition is used.
    upper constant text := id_bound(month_start(now(), 2));
    highest bigint;
BEGIN
    -- The readers of approvals_decided and outbox_approval are the lists of recent decisions and of an approval's
    -- deliveries, which have an index of their own now (0017, 0018). Audit entries of one approval are not read anywhere.
    CALL partition_table('approvals', 'id', upper, '{approvals_decided}');
    CALL partition_table('prompts', 'approval_id', upper, '{}');
    CALL partition_table('outbox', 'id', upper, '{outbox_approval}');
    CALL partition_table('attempts', 'outbox_id', upper, '{}');
    SELECT coalesce(max(id), 0) INTO highest FROM audit;
    CALL partition_table('audit', 'id', ((highest / audit_block() + 2) * audit_block())::text, '{audit_approval}');
END $$;
