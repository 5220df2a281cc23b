-- Rules: what admins say of actions. A policy is a list of rules; every version of it is kept.

CREATE TABLE policies (
    workspace_id uuid NOT NULL,
    version      integer NOT NULL CHECK (version > 0),
    -- YAML, as the admin wrote it.
    text         text NOT NULL,
    -- A Slack user, or `operator`.
    made_by      text NOT NULL,
    reason       text,
    made_at      timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, version)
);
COMMENT ON INDEX policies_pkey IS 'the rules of a version, and the history';

-- A version says under which rules requests were decided, so it never changes.
CREATE FUNCTION keep_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A version of a policy never changes.';
END $$;
CREATE TRIGGER policies_stay BEFORE UPDATE OR DELETE ON policies FOR EACH ROW EXECUTE FUNCTION keep_policy();

-- The version in force; 0: no policy. It changes under FOR UPDATE, which waits for every request that is being judged.
ALTER TABLE workspaces ADD COLUMN policy_version integer NOT NULL DEFAULT 0;

-- New columns without a value: nothing is rewritten.
ALTER TABLE approvals
    -- The version that the request was judged by, and the number of the rule that decided, counted from 1. NULL: there
    -- were no rules, none matched, or a pause was judged instead. A decision by a rule is stored as that of `policy`, with
    -- the scope `once` or none, and without a grant; version 0.1.0 can't read such a row, so it never reports it as
    -- something else.
    ADD COLUMN policy_version integer,
    ADD COLUMN policy_rule integer;

-- Version 0.1.0 knows no rules. It leaves out the column, and so runs this function, which refuses its requests once
-- any workspace has a policy: a grant must not approve what a rule blocks. This version always says the value, and so
-- never runs it.
CREATE FUNCTION no_policy() RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM workspaces w WHERE w.policy_version > 0) THEN
        RAISE EXCEPTION 'This version of Countersign knows no rules, and a workspace has some. Stop it.';
    END IF;
    RETURN NULL;
END $$;
ALTER TABLE approvals ALTER COLUMN policy_version SET DEFAULT no_policy();

-- Roles that write approvals read and write policies.
DO $$
DECLARE
    service text;
BEGIN
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT ON policies TO %s', service);
    END LOOP;
END $$;
