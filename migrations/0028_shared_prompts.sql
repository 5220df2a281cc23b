-- Which message shows an approval. From the third pending request of a conversation on, several share one.

-- A row is written before its message is posted, so that of two renders at once only one makes a message. Partitioned by
-- the approval's id, and dropped with the approvals. Empty, so it is partitioned from the start.
CREATE TABLE prompt_messages (
    approval_id uuid PRIMARY KEY,
    -- The approval that the message was made for, which identifies it. A message of its own has the approval's id.
    first_id    uuid NOT NULL,
    -- Whether later requests may join the message.
    is_shared   boolean NOT NULL,
    -- When the message was made.
    began_at    timestamptz NOT NULL
) PARTITION BY RANGE (approval_id);
CREATE INDEX prompt_messages_first_id ON prompt_messages (first_id);
COMMENT ON INDEX prompt_messages_pkey IS 'the message that shows an approval; partitions';
COMMENT ON INDEX prompt_messages_first_id IS 'the approvals that a shared message shows';

-- The first one, up to where a partition of the approvals ends. make_partitions makes the others.
DO $$
BEGIN
    EXECUTE format('CREATE TABLE prompt_messages_first PARTITION OF prompt_messages FOR VALUES FROM (MINVALUE) TO (%L)',
        (SELECT coalesce(min(p.upper), id_bound(month_start(now(), 1))::text) FROM partitions p
         WHERE p.parent = 'approvals' AND p.upper > id_bound(now())::text));
END $$;

-- The tables with a partition a month.
CREATE OR REPLACE FUNCTION monthly_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT '{approvals,approval_results,prompts,prompt_messages,outbox,attempts}'::text[]
$$;

DO $$
DECLARE
    was text := pg_get_functiondef('grant_service'::regproc);
    becomes text := replace(was, '''approval_results'')', '''approval_results'', ''prompt_messages'')');
    service text;
BEGIN
    IF becomes = was THEN
        RAISE EXCEPTION 'The function grant_service is not the one that this migration changes.';
    END IF;
    EXECUTE becomes;
    -- Roles that write approvals write these rows too.
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT ON prompt_messages TO %s', service);
    END LOOP;
END $$;

SELECT make_partitions(now());
