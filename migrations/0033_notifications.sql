-- Reminders of requests that wait, the daily digest of what ran without asking, and the hours in which neither comes.

-- A user's choices, and where their digest stands. Users who have no row chose nothing and never gave a grant.
CREATE TABLE notifications (
    workspace_id    uuid NOT NULL,
    user_id         text NOT NULL,
    reminders       boolean NOT NULL DEFAULT true,
    digest          boolean NOT NULL DEFAULT true,
    -- Whole hours by the user's wall clock. They may contain midnight.
    quiet_from      smallint CHECK (quiet_from BETWEEN 0 AND 23),
    quiet_until     smallint CHECK (quiet_until BETWEEN 0 AND 23),
    -- Their profile's when a digest was last planned, because profiles are forgotten after a week.
    time_zone       text,
    -- When to look whether a digest is due. NULL: never, because the user never gave a grant or left.
    digest_due_at   timestamptz,
    -- The last window that ended: a day of the user's calendar, and what it counts.
    digest_day      date,
    digest_from     timestamptz,
    digest_until    timestamptz,
    -- The day of the last digest that was sent, written before it is sent: a digest may be lost, but is never repeated.
    digest_sent_day date,
    PRIMARY KEY (workspace_id, user_id),
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)),
    CHECK (quiet_from <> quiet_until),
    CHECK ((digest_day IS NULL) = (digest_from IS NULL) AND (digest_day IS NULL) = (digest_until IS NULL))
);
CREATE INDEX notifications_due ON notifications (digest_due_at);
COMMENT ON INDEX notifications_pkey IS 'a user''s choices; their digest';
COMMENT ON INDEX notifications_due IS 'whose digest is due';

-- The messages that remind of requests.
CREATE TABLE reminders (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    user_id      text NOT NULL,
    reminded_at  timestamptz NOT NULL,
    -- Where the message is. NULL: it was not sent, or Slack did not confirm it.
    channel      text,
    ts           text,
    -- How many of the requests wait, as the message says.
    waiting      integer NOT NULL,
    -- The message says that all of them ended, or can no longer be changed.
    closed_at    timestamptz,
    CHECK ((channel IS NULL) = (ts IS NULL))
);
CREATE INDEX reminders_open ON reminders (workspace_id, user_id) WHERE closed_at IS NULL AND ts IS NOT NULL;
CREATE INDEX reminders_user ON reminders (workspace_id, user_id, reminded_at);
CREATE INDEX reminders_at ON reminders (reminded_at);
COMMENT ON INDEX reminders_pkey IS 'a message that was sent';
COMMENT ON INDEX reminders_open IS 'messages to update when their requests end';
COMMENT ON INDEX reminders_user IS 'when a user was last reminded';
COMMENT ON INDEX reminders_at IS 'the job that deletes them';

-- The requests that a message names. The key lets a request be named once, ever. Written before the message is sent: a
-- reminder may be lost, but is never repeated.
CREATE TABLE reminded (
    approval_id uuid PRIMARY KEY,
    reminder_id uuid NOT NULL REFERENCES reminders ON DELETE CASCADE
);
CREATE INDEX reminded_reminder ON reminded (reminder_id);
COMMENT ON INDEX reminded_pkey IS 'whether a request was named already';
COMMENT ON INDEX reminded_reminder IS 'the requests of a message';

-- Users who gave a grant that is live, or was used lately, get their first digest tomorrow. The service adds others.
INSERT INTO notifications (workspace_id, user_id, digest_due_at)
SELECT DISTINCT g.workspace_id, g.user_id, 'epoch'::timestamptz FROM grants g
WHERE g.revoked_at IS NULL OR g.last_used_at > now() - interval '1 day';

-- Roles that write approvals write these too.
DO $$
DECLARE
    service text;
BEGIN
    FOR service IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
                   WHERE oid = 'approvals'::regclass AND privilege_type = 'INSERT' AND grantee NOT IN (0, relowner) LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON notifications, reminders, reminded TO %s', service);
    END LOOP;
END $$;

-- As Slack said last. NULL: by the previous version, or Slack said none. Last, because clicks wait until it is committed.
ALTER TABLE profiles ADD COLUMN time_zone text;
