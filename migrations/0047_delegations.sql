-- Delegations: a person lets another decide their approvals until a date. And the messages of people who may decide an
-- approval beside its user.

CREATE TABLE delegations (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    -- Whose approvals the delegate may decide.
    user_id      text NOT NULL,
    delegate_id  text NOT NULL,
    reason       text,
    began_at     timestamptz NOT NULL,
    -- The delegate decides nothing from this moment on, whether the row says that it ended or not.
    until        timestamptz NOT NULL,
    ended_at     timestamptz,
    -- Who ended it: a Slack user id, or 'service'.
    ended_by     text,
    ended_why    text,
    CHECK (user_id <> delegate_id),
    CHECK (until > began_at),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (ended_why IS NULL))
);
-- A person has one delegate at a time.
CREATE UNIQUE INDEX delegations_live ON delegations (workspace_id, user_id) WHERE ended_at IS NULL;
CREATE INDEX delegations_live_delegate ON delegations (workspace_id, delegate_id) WHERE ended_at IS NULL;
CREATE INDEX delegations_due ON delegations (until) WHERE ended_at IS NULL;
COMMENT ON INDEX delegations_pkey IS 'a delegation that a person ends; what a notice is about';
COMMENT ON INDEX delegations_live IS 'a user''s delegate';
COMMENT ON INDEX delegations_live_delegate IS 'for whom a person decides';
COMMENT ON INDEX delegations_due IS 'the job that ends them';

-- What people are told about a delegation in their direct messages.
CREATE TABLE delegation_notices (
    id            uuid PRIMARY KEY,
    workspace_id  uuid NOT NULL,
    delegation_id uuid NOT NULL REFERENCES delegations,
    user_id       text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('begun', 'ended')),
    -- Written before the message is sent: a message may be lost, but is never repeated.
    told_at       timestamptz
);
CREATE INDEX delegation_notices_untold ON delegation_notices (workspace_id, user_id) WHERE told_at IS NULL;
COMMENT ON INDEX delegation_notices_pkey IS 'a message that is being sent';
COMMENT ON INDEX delegation_notices_untold IS 'what a person has to be told';

-- The messages that show an approval to people who may decide it beside its user. They are not in `prompts`: the previous
-- version would render them as the user's own. Partitioned by the approval's id, and dropped with the approvals.
CREATE TABLE approver_messages (
    approval_id uuid NOT NULL,
    -- Whose direct message it is.
    user_id     text NOT NULL,
    channel     text NOT NULL,
    ts          text NOT NULL,
    posted_at   timestamptz NOT NULL,
    -- Slack no longer lets the app change it.
    gone_at     timestamptz,
    PRIMARY KEY (approval_id, channel, ts)
) PARTITION BY RANGE (approval_id);
COMMENT ON INDEX approver_messages_pkey IS 'the messages of an approval; partitions';

-- The first one, up to where a partition of the approvals ends. make_partitions makes the others.
DO $$
DECLARE
    service text;
BEGIN
    EXECUTE format('CREATE TABLE approver_messages_first PARTITION OF approver_messages FOR VALUES FROM (MINVALUE) TO (%L)',
        (SELECT coalesce(min(p.upper), id_bound(month_start(now(), 1))::text) FROM partitions p
         WHERE p.parent = 'approvals' AND p.upper > id_bound(now())::text));
    -- The tables with a partition a month, and this one.
    EXECUTE format('CREATE OR REPLACE FUNCTION monthly_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS %L',
        format('SELECT %L::text[]', monthly_tables() || 'approver_messages'::text));
    -- Roles that write approvals write these too.
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON delegations, delegation_notices, approver_messages TO %s',
            service);
    END LOOP;
END $$;

SELECT make_partitions(now());

-- In whose place a delegate decided; decided_user is the delegate. A new column: nothing is rewritten. The previous
-- version goes on reading who clicked, and lets only the approval's user click.
ALTER TABLE approvals
    ADD COLUMN decided_for text,
    -- Not validated, because no row has the column yet, and Postgres would read the whole table.
    ADD CONSTRAINT approvals_decided_for CHECK (decided_for IS NULL OR (decided_by = 'user' AND decided_user IS NOT NULL
        AND decided_for <> decided_user AND decision_grant IS NULL AND edited_digest IS NULL
        AND (status = 'denied' OR decision_scope = 'once'))) NOT VALID;
