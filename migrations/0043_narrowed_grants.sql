-- Grants that are narrowed: to some values of arguments, to one agent, to a time, to a number of uses.
--
-- They have scopes of their own. An instance of version 0.1.0 looks for grants of the scopes 'conversation' and 'always'
-- only, so a narrowed grant covers nothing for it, and the person is asked.

ALTER TABLE grants
    -- Only requests of this agent, of the backend `backend_id`.
    ADD COLUMN agent_id text,
    ADD COLUMN agent_name text,
    -- The first moment at which it covers nothing any more.
    ADD COLUMN expires_at timestamptz,
    -- How many requests it approves, and how many of these are left.
    ADD COLUMN max_uses integer,
    ADD COLUMN uses_left integer,
    -- The values that arguments must have: a JSON object in canonical form, encrypted for this row. Emptied, never NULL,
    -- when they are deleted after a time: an empty one can't be opened, and such a grant covers nothing.
    ADD COLUMN fixed_values bytea;

-- An index on `use_count` would cost every use of every grant an entry in each index. So what is left is counted apart.
ALTER TABLE grants
    DROP CONSTRAINT grants_scope_check,
    DROP CONSTRAINT grants_check,
    ADD CONSTRAINT grants_scope_check CHECK (
        scope IN ('conversation', 'always', 'narrowed_conversation', 'narrowed_always')),
    ADD CONSTRAINT grants_conversation CHECK (
        (scope = 'conversation' OR scope = 'narrowed_conversation') = (backend_id IS NOT NULL AND conversation_id IS NOT NULL)),
    ADD CONSTRAINT grants_narrowed CHECK (
        (scope = 'narrowed_conversation' OR scope = 'narrowed_always')
            = (num_nonnulls(agent_id, expires_at, max_uses, fixed_values) > 0)),
    ADD CONSTRAINT grants_agent CHECK (
        CASE WHEN agent_id IS NULL THEN agent_name IS NULL ELSE backend_id IS NOT NULL END),
    -- A use too many is an error, whatever a program does.
    ADD CONSTRAINT grants_uses CHECK (
        CASE WHEN max_uses IS NULL THEN uses_left IS NULL ELSE coalesce(uses_left BETWEEN 0 AND max_uses, false) END),
    ADD CONSTRAINT grants_fixed_values CHECK (fixed_values <> '' OR revoked_at IS NOT NULL);

-- The live ones of a user for an action: at most 10 that cover anything, and those that have ended and are still to be
-- recorded.
CREATE INDEX grants_live_narrowed ON grants (workspace_id, user_id, action_id)
    WHERE scope IN ('narrowed_conversation', 'narrowed_always') AND revoked_at IS NULL;
COMMENT ON INDEX grants_live_narrowed IS 'the narrowed grants that a request is judged by';
CREATE INDEX grants_live_in_narrowed_conversation ON grants (backend_id, conversation_id)
    WHERE scope = 'narrowed_conversation' AND revoked_at IS NULL;
COMMENT ON INDEX grants_live_in_narrowed_conversation IS 'the narrowed grants that end with their conversation';
CREATE INDEX grants_ending ON grants (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL;
COMMENT ON INDEX grants_ending IS 'the grants whose time is over';
CREATE INDEX grants_used_up ON grants (id) WHERE uses_left = 0 AND revoked_at IS NULL;
COMMENT ON INDEX grants_used_up IS 'the grants whose uses are used up';
CREATE INDEX grants_fixed ON grants (revoked_at) WHERE fixed_values <> '' AND revoked_at IS NOT NULL;
COMMENT ON INDEX grants_fixed IS 'the ended grants whose fixed values are still to be deleted';

-- As migration 0029 says of grants for every conversation.
CREATE TRIGGER narrowed_grants_within_limit BEFORE INSERT ON grants
    FOR EACH ROW WHEN (NEW.scope = 'narrowed_always') EXECUTE FUNCTION refuse_always_grant();

-- What the grant that a decision left or used was limited to, as JSON, without the values. NULL: to nothing.
ALTER TABLE approvals ADD COLUMN decision_limits json;
COMMENT ON COLUMN approvals.decision_limits IS 'what the decision''s grant is limited to in addition to its scope';
