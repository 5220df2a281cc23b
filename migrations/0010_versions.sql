-- An action's description becomes an immutable version, and an integration belongs to the backend that describes it.

-- Who described each integration and who reported connections, as the audit tells. Read first, because it may take
-- seconds and locks nothing.
CREATE TEMPORARY TABLE describers AS
    SELECT workspace_id, subject AS key, actor_kind, actor FROM audit
    WHERE what = 'integration.put' GROUP BY 1, 2, 3, 4;
CREATE TEMPORARY TABLE connectors AS
    SELECT workspace_id, split_part(subject, ' ', 2) AS key, actor FROM audit
    WHERE what IN ('connection.added', 'connection.removed') AND actor_kind = 'backend' GROUP BY 1, 2, 3;

ALTER TABLE integrations
    -- Who may describe it and report connections: 'unclaimed' (an agent named it; the first to describe it owns it),
    -- 'backend' (owner_id), 'operator' (the command line alone) or 'shared' (every backend of the workspace).
    ADD COLUMN ownership text NOT NULL DEFAULT 'unclaimed'
        CHECK (ownership IN ('unclaimed', 'backend', 'operator', 'shared')),
    ADD COLUMN owner_id uuid REFERENCES backends,
    ADD CONSTRAINT integrations_owner CHECK ((ownership = 'backend') = (owner_id IS NOT NULL));

ALTER TABLE actions
    -- The present description. The columns name, description, read_only and destructive repeat it, for whoever has
    -- this row locked: only a locked row is read in its newest version.
    ADD COLUMN version_id uuid,
    -- The description that an admin unlocked or confirmed last. While it is another one than version_id, nothing is
    -- auto-approved.
    ADD COLUMN confirmed_version_id uuid;

-- The only backend that described an integration owns it; if no backend did, the only one that reported connections.
-- What several backends described is shared.
WITH known AS (
    SELECT i.id, i.key, i.name, i.description, i.requires_connection,
           array_agg(DISTINCT d.id) FILTER (WHERE d.id IS NOT NULL) AS described,
           array_agg(DISTINCT c.id) FILTER (WHERE c.id IS NOT NULL) AS connected,
           EXISTS (SELECT 1 FROM describers e WHERE e.workspace_id = i.workspace_id AND e.key = i.key) AS was_described
    FROM integrations i
    LEFT JOIN (SELECT e.workspace_id, e.key, b.id FROM describers e JOIN backends b ON b.workspace_id = e.workspace_id
                   AND e.actor_kind = 'backend' AND e.actor = 'bck_' || replace(b.id::text, '-', '')) d
        ON d.workspace_id = i.workspace_id AND d.key = i.key
    LEFT JOIN (SELECT e.workspace_id, e.key, b.id FROM connectors e JOIN backends b ON b.workspace_id = e.workspace_id
                   AND e.actor = 'bck_' || replace(b.id::text, '-', '')) c
        ON c.workspace_id = i.workspace_id AND c.key = i.key
    GROUP BY i.id),
owners AS (
    SELECT id, CASE WHEN cardinality(described) = 1 THEN described[1]
                    WHEN described IS NULL AND cardinality(connected) = 1 THEN connected[1] END AS owner_id,
           was_described OR cardinality(connected) > 1 OR name <> key OR description IS NOT NULL
               OR NOT requires_connection AS is_in_use
    FROM known)
UPDATE integrations i
SET owner_id = o.owner_id,
    ownership = CASE WHEN o.owner_id IS NOT NULL THEN 'backend' WHEN o.is_in_use THEN 'shared' ELSE 'unclaimed' END
FROM owners o WHERE o.id = i.id;
DROP TABLE describers, connectors;

CREATE TABLE action_versions (
    -- An action's first version has the action's own id. An approval of before this migration, which names no version,
    -- is read by that one.
    id                  uuid PRIMARY KEY,
    action_id           uuid NOT NULL REFERENCES actions,
    number              integer NOT NULL CHECK (number > 0),
    -- All that people see of the action, and all that it is judged by.
    integration_name    text NOT NULL,
    name                text NOT NULL,
    description         text,
    read_only           boolean NOT NULL,
    destructive         boolean NOT NULL,
    requires_connection boolean NOT NULL,
    -- NULL: an operator, an agent that named an unknown action, or the previous version of the program.
    described_by        uuid REFERENCES backends,
    created_at          timestamptz NOT NULL,
    UNIQUE (action_id, number)
);
INSERT INTO action_versions (id, action_id, number, integration_name, name, description, read_only, destructive,
                             requires_connection, described_by, created_at)
SELECT a.id, a.id, 1, i.name, a.name, a.description, a.read_only, a.destructive, i.requires_connection, i.owner_id, now()
FROM actions a JOIN integrations i ON i.id = a.integration_id;
UPDATE actions SET version_id = id, confirmed_version_id = CASE WHEN unlocked_at IS NOT NULL THEN id END;

CREATE TRIGGER action_versions_stay BEFORE UPDATE OR DELETE ON action_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER action_versions_are_not_emptied BEFORE TRUNCATE ON action_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE actions
    ADD FOREIGN KEY (version_id) REFERENCES action_versions,
    ADD FOREIGN KEY (confirmed_version_id) REFERENCES action_versions;

-- The version under which it was asked. Without a foreign key: versions are never deleted, an ask takes this from the
-- action's row, which it holds locked, and a check would lock one more row for every ask.
ALTER TABLE approvals ADD COLUMN action_version_id uuid;

-- For instances of the previous version of the program, which know of no versions: an action that they register gets its
-- first version, and an approval that they write names the present one. The conditions cost the present version nothing.
CREATE FUNCTION give_first_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO action_versions (id, action_id, number, integration_name, name, description, read_only, destructive,
                                 requires_connection, created_at)
    SELECT NEW.id, NEW.id, 1, i.name, NEW.name, NEW.description, NEW.read_only, NEW.destructive, i.requires_connection,
           NEW.created_at
    FROM integrations i WHERE i.id = NEW.integration_id;
    UPDATE actions SET version_id = NEW.id WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER actions_have_a_version AFTER INSERT ON actions
    FOR EACH ROW WHEN (NEW.version_id IS NULL) EXECUTE FUNCTION give_first_version();

CREATE FUNCTION name_present_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT version_id INTO NEW.action_version_id FROM actions WHERE id = NEW.action_id;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_name_a_version BEFORE INSERT ON approvals
    FOR EACH ROW WHEN (NEW.action_version_id IS NULL) EXECUTE FUNCTION name_present_version();
