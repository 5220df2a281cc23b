-- An admin or the operator pauses a backend or an agent: nothing that it asks is approved until it is resumed.

-- The live pauses of a workspace, as storage/tables/pauses.rs writes them; NULL: none. In the workspace's row because each
-- ask locks that row (FOR KEY SHARE) and reads it in its newest version: whoever pauses locks it FOR UPDATE, so an ask is
-- judged before the pause or with it, without another statement. There are at most 100.
ALTER TABLE workspaces ADD COLUMN pauses jsonb
    CHECK (pauses IS NULL OR (jsonb_typeof(pauses) = 'array' AND pauses <> '[]'));

-- No program records an approval while its agent or backend is paused. The previous version knows nothing of pauses, and
-- a click of this one may have read the request in a snapshot from before: Postgres then tells both to try again.
CREATE FUNCTION refuse_paused_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    live jsonb;
BEGIN
    -- A statement in a function sees what was committed before it, and the workspace's row is locked against pauses.
    SELECT w.pauses INTO live FROM workspaces w WHERE w.id = NEW.workspace_id;
    IF live IS NOT NULL AND EXISTS (
        SELECT FROM jsonb_to_recordset(live) AS z (backend uuid, agent text)
        WHERE (z.backend IS NULL OR z.backend = NEW.backend_id) AND (z.agent IS NULL OR z.agent = NEW.agent_id))
    THEN
        RAISE EXCEPTION 'The approval % is refused: its agent or backend is paused', NEW.id
            USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_not_paused BEFORE UPDATE OF status ON approvals
    FOR EACH ROW WHEN (OLD.status = 'pending' AND NEW.status = 'approved')
    EXECUTE FUNCTION refuse_paused_approval();
-- This version judges each new request by the pauses that it locked, says so here, and is spared the trigger. The previous
-- version leaves the column alone.
ALTER TABLE approvals ADD COLUMN pauses_checked boolean NOT NULL DEFAULT false;
CREATE TRIGGER approvals_not_asked_paused BEFORE INSERT ON approvals
    FOR EACH ROW WHEN (NEW.status = 'approved' AND NOT NEW.pauses_checked)
    EXECUTE FUNCTION refuse_paused_approval();

-- 'policy' ends an approval too: a pause that denies. Not validated, because Postgres would read the whole table, and no
-- row has it yet.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT c.conname FROM pg_constraint c
               WHERE c.conrelid = 'approvals'::regclass AND c.contype = 'c'
                 AND pg_get_constraintdef(c.oid) LIKE '%decided_by = ANY%'
                 AND pg_get_constraintdef(c.oid) NOT LIKE '%''policy''%' LOOP
        EXECUTE format('ALTER TABLE approvals DROP CONSTRAINT %I', one.conname);
        EXECUTE format('ALTER TABLE approvals ADD CONSTRAINT %I CHECK (decided_by IN (''user'', ''auto'', ''policy'', ''backend'')) NOT VALID',
            one.conname);
    END LOOP;
END $$;

-- The agents that asked in the last 30 days, for admins who look for one. Written once a minute, not by each ask, and
-- deleted after that time.
CREATE TABLE agents (
    id            uuid PRIMARY KEY,
    workspace_id  uuid NOT NULL,
    backend_id    uuid NOT NULL,
    -- The backend's id of the agent, and what it called it last.
    agent_id      text NOT NULL,
    name          text,
    last_asked_at timestamptz NOT NULL,
    UNIQUE (backend_id, agent_id)
);
CREATE INDEX agents_seen ON agents (workspace_id, last_asked_at DESC, id);
CREATE INDEX agents_old ON agents (last_asked_at);
COMMENT ON INDEX agents_pkey IS 'the agent that an admin clicked';
COMMENT ON INDEX agents_backend_id_agent_id_key IS 'the agent that asked again';
COMMENT ON INDEX agents_seen IS 'what an admin sees';
COMMENT ON INDEX agents_old IS 'retention';

-- Roles that write approvals write these too.
DO $$
DECLARE
    service text;
BEGIN
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON agents TO %s', service);
    END LOOP;
END $$;
