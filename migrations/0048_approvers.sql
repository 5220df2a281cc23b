-- Approvals that other people decide than their user: who, how many of them, and what they answered.

-- New columns without defaults: nothing is rewritten. Frozen when the approval is asked: {"people", "required",
-- "not_the_user", "escalate_after", "escalate_to"}. NULL: its user decides, or their delegate.
ALTER TABLE approvals ADD COLUMN approvers jsonb;

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

-- When more people may decide an approval. Rows are deleted when no approval of their time can be pending.
CREATE TABLE approval_escalations (
    approval_id  uuid PRIMARY KEY,
    due_at       timestamptz NOT NULL,
    escalated_at timestamptz
);
CREATE INDEX approval_escalations_due ON approval_escalations (due_at);
COMMENT ON INDEX approval_escalations_pkey IS 'whether an approval was escalated';
COMMENT ON INDEX approval_escalations_due IS 'the job that escalates, and deletes old rows';

-- The first partition, up to where one of the approvals ends. make_partitions makes the others.
DO $$
DECLARE
    service text;
BEGIN
    EXECUTE format('CREATE TABLE approver_answers_first PARTITION OF approver_answers FOR VALUES FROM (MINVALUE) TO (%L)',
        (SELECT coalesce(min(p.upper), id_bound(month_start(now(), 1))::text) FROM partitions p
         WHERE p.parent = 'approvals' AND p.upper > id_bound(now())::text));
    -- The tables with a partition a month, and this one.
    EXECUTE format('CREATE OR REPLACE FUNCTION monthly_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS %L',
        format('SELECT %L::text[]', monthly_tables() || 'approver_answers'::text));
    -- Roles that write approvals write these too.
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT ON approver_answers TO %s', service);
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
        OR (is_approved AND (OLD.approvers ->> 'required')::bigint > (
            SELECT count(*) FROM approver_answers r WHERE r.approval_id = OLD.id AND r.approves
                AND NOT (not_the_user AND OLD.user_id IN (r.person, r.clicked_by)))) THEN
        RAISE EXCEPTION 'The decision is refused: too few of the approvers of the approval % have answered', OLD.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_have_approvers BEFORE UPDATE ON approvals
    FOR EACH ROW WHEN (OLD.approvers IS NOT NULL) EXECUTE FUNCTION refuse_too_few_approvers();
