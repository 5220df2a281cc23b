-- Who somebody is, as Slack said last, so that all instances together ask Slack once.

CREATE TABLE profiles (
    -- Slack's id of the installation: what somebody is depends on where the app is.
    workspace text NOT NULL,
    user_id   text NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('member', 'guest', 'external')),
    is_admin  boolean NOT NULL,
    -- When Slack was asked, not when it answered: of two answers the one that was asked for later holds.
    read_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace, user_id)
);
CREATE INDEX profiles_read ON profiles (read_at);

-- What user_change said that somebody is now. NULL for events that are about nobody.
ALTER TABLE events ADD COLUMN person_kind text CHECK (person_kind IN ('member', 'guest', 'external'));
