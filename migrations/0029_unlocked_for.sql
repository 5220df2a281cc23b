-- What people may allow for an unlocked action, and actions whose requests must be read.

-- New columns without defaults: the previous version of the program goes on reading and writing the columns that it knows.
ALTER TABLE actions
    -- 'conversations': grants for one conversation only. 'always': those for every conversation, too.
    ADD COLUMN unlocked_for text CHECK (unlocked_for IN ('conversations', 'always')),
    -- Since when, and by whose decision, a person must open a request's details before they approve it.
    ADD COLUMN must_read_at timestamptz,
    ADD COLUMN must_read_by text,
    ADD CHECK ((must_read_at IS NULL) = (must_read_by IS NULL));

-- The previous version unlocks and locks without the new column. What it unlocks is unlocked for 'always', as it says.
CREATE FUNCTION keep_unlocked_for() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.unlocked_at IS NULL THEN
        NEW.unlocked_for := NULL;
    ELSIF NEW.unlocked_for IS NULL THEN
        NEW.unlocked_for := 'always';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER actions_unlocked_for BEFORE INSERT OR UPDATE OF unlocked_at, unlocked_for ON actions
    FOR EACH ROW EXECUTE FUNCTION keep_unlocked_for();

UPDATE actions SET unlocked_for = 'always' WHERE unlocked_at IS NOT NULL;
ALTER TABLE actions ADD CHECK ((unlocked_at IS NULL) = (unlocked_for IS NULL));

-- No program gives a grant for every conversation where an admin has not allowed it, the previous version included, which
-- does not know of the limit. Who gives a grant holds a lock on the action's row, so this reads what holds until the end
-- of the transaction.
CREATE FUNCTION refuse_always_grant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM actions a WHERE a.id = NEW.action_id AND a.unlocked_for = 'conversations') THEN
        RAISE EXCEPTION 'A grant of scope always is refused: the action % is unlocked for conversations only',
            NEW.action_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER grants_within_limit BEFORE INSERT ON grants
    FOR EACH ROW WHEN (NEW.scope = 'always') EXECUTE FUNCTION refuse_always_grant();
