-- A person's row is what giving a standing permission, turning it off and leaving the workspace are ordered by, so
-- there has to be one before anybody has looked the person up.
ALTER TABLE members
    ALTER COLUMN checked_at DROP NOT NULL,
    -- When the person was last found to be no full member.
    ADD COLUMN left_at timestamptz;

-- Requests of Slack's that were taken, so that one which is sent again does nothing. A row is written by the
-- transaction that the request led to: where that was rolled back, the request counts as new.
CREATE TABLE slack_requests (
    -- SHA-256 of the request.
    digest   bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    taken_at timestamptz NOT NULL
);
CREATE INDEX slack_requests_taken ON slack_requests (taken_at);
