-- Approvals that other people decide than their user: who, how many of them, and what they answered.

-- New columns without defaults: nothing is rewritten. Frozen when the approval is asked: {"people", "required",
-- "not_the_user", "escalate_after", "escalate_to"}. NULL: its user decides, or their delegate.
ALTER TABLE approvals
    ADD COLUMN approvers jsonb,
    -- Who approved, in whose place and when, if a rule names who decides; decided_user is the last one.
    ADD COLUMN decided_together jsonb,
    -- Not validated, because no row has the column yet, and Postgres would read the whole table.
    ADD CONSTRAINT approvals_decided_together CHECK (decided_together IS NULL
        OR (approvers IS NOT NULL AND status = 'approved' AND decided_by = 'user' AND decision_scope = 'once'
            AND decision_grant IS NULL AND edited_digest IS NULL)) NOT VALID;

-- What the people answered. A denial ends the approval, and so does the approval that was missing.
-- Partitioned by the approval's id, and dropped with the approvals.
CREATE TABLE approver_answers (
    approval_id uuid NOT NULL,
    -- For whom the answer counts: the person who clicked, or the one who delegated to them.
    person      text NOT NULL,
    clicked_by  text NOT NULL,
    approves    boolean NOT NULL,
    answered_at timestamptz NOT NULL,
    -- Each person counts once, and each person clicks once.
    PRIMARY KEY (approval_id, person),
    UNIQUE (approval_id, clicked_by)
) PARTITION BY RANGE (approval_id);
COMMENT ON INDEX approver_answers_pkey IS 'who answered an approval; partitions';
COMMENT ON INDEX approver_answers_approval_id_clicked_by_key IS 'that no one answers twice';

-- For whom an approval waits, beside its user: one row a person whom a rule names, also later ones. So what a person can
-- decide is found by the person. Partitioned by the approval's id, and dropped with the approvals.
CREATE TABLE asked_approvers (
    approval_id  uuid NOT NULL,
    workspace_id uuid NOT NULL,
    person       text NOT NULL,
    PRIMARY KEY (approval_id, person)
) PARTITION BY RANGE (approval_id);
CREATE INDEX asked_approvers_person ON asked_approvers (workspace_id, person, approval_id);
COMMENT ON INDEX asked_approvers_pkey IS 'that no one is asked twice; partitions';
COMMENT ON INDEX asked_approvers_person IS 'what a person can decide';

-- When more people may decide an approval. Rows are deleted when no approval of their time can be pending.
CREATE TABLE approval_escalations (
    approval_id  uuid PRIMARY KEY,
    due_at       timestamptz NOT NULL,
    escalated_at timestamptz
);
CREATE INDEX approval_escalations_due ON approval_escalations (due_at);
COMMENT ON INDEX approval_escalations_pkey IS 'whether an approval was escalated';
COMMENT ON INDEX approval_escalations_due IS 'the job that escalates, and deletes old rows';

-- The first partitions, up to where one of the approvals ends. make_partitions makes the others.
DO $$
DECLARE
    service text;
    upper text := (SELECT coalesce(min(p.upper), id_bound(month_start(now(), 1))::text) FROM partitions p
                   WHERE p.parent = 'approvals' AND p.upper > id_bound(now())::text);
BEGIN
    EXECUTE format('CREATE TABLE approver_answers_first PARTITION OF approver_answers FOR VALUES FROM (MINVALUE) TO (%L)', upper);
    EXECUTE format('CREATE TABLE asked_approvers_first PARTITION OF asked_approvers FOR VALUES FROM (MINVALUE) TO (%L)', upper);
    -- The tables with a partition a month, and these.
    EXECUTE format('CREATE OR REPLACE FUNCTION monthly_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS %L',
        format('SELECT %L::text[]', monthly_tables() || ARRAY['approver_answers', 'asked_approvers']));
    -- Roles that write approvals write these too.
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT ON approver_answers, asked_approvers TO %s', service);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON approval_escalations TO %s', service);
    END LOOP;
END $$;

SELECT make_partitions(now());

-- No program lets a person end such an approval whose answers don't add up: neither the previous version, which knows only
-- the approval's user and would take their click, nor this one. The answers are written before the decision, in the same
-- transaction, which holds the approval's lock.
CREATE FUNCTION refuse_too_few_approvers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_approved boolean := NEW.status = 'approved';
    not_the_user boolean := coalesce((OLD.approvers ->> 'not_the_user')::boolean, false);
BEGIN
    IF NEW.approvers IS DISTINCT FROM OLD.approvers THEN
        RAISE EXCEPTION 'The approvers of the approval % never change', OLD.id;
    END IF;
    IF NEW.decided_by IS DISTINCT FROM 'user' OR OLD.status <> 'pending' THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (SELECT FROM approver_answers r WHERE r.approval_id = OLD.id AND r.clicked_by = NEW.decided_user
            AND r.approves = is_approved)
        OR (is_approved AND NEW.decided_together IS NULL)
        OR (is_approved AND (OLD.approvers ->> 'required')::bigint > (
            SELECT count(*) FROM approver_answers r WHERE r.approval_id = OLD.id AND r.approves
                AND NOT (not_the_user AND OLD.user_id IN (r.person, r.clicked_by)))) THEN
        RAISE EXCEPTION 'The decision is refused: too few of the approvers of the approval % have answered', OLD.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_have_approvers BEFORE UPDATE ON approvals
    FOR EACH ROW WHEN (OLD.approvers IS NOT NULL) EXECUTE FUNCTION refuse_too_few_approvers();
