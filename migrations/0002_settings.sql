-- A person's settings, the Home tab, and requests to unlock an action.

-- Who has opened the Home tab, and which pages of it they are looking at: only theirs is drawn again after a change.
CREATE TABLE homes (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    user_id      text NOT NULL,
    opened_at    timestamptz NOT NULL,
    -- Whether it was last drawn for an admin. Rights are checked when somebody clicks, not by this.
    admin        boolean NOT NULL DEFAULT false,
    place        jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (workspace_id, user_id)
);

-- Somebody wants an action unlocked. One open request an action, whoever asks: each admin gets one message.
CREATE TABLE unlock_requests (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces,
    action_id    uuid NOT NULL REFERENCES actions,
    created_at   timestamptz NOT NULL,
    answered_at  timestamptz,
    -- A Slack user id, or the kind of whoever else answered it.
    answered_by  text,
    answer       text CHECK (answer IN ('unlocked', 'declined', 'retired')),
    CHECK ((answered_at IS NULL) = (answer IS NULL))
);
CREATE UNIQUE INDEX unlock_requests_open ON unlock_requests (action_id) WHERE answered_at IS NULL;
CREATE INDEX unlock_requests_waiting ON unlock_requests (workspace_id, id) WHERE answered_at IS NULL;

CREATE TABLE unlock_askers (
    request_id uuid NOT NULL REFERENCES unlock_requests,
    user_id    text NOT NULL,
    asked_at   timestamptz NOT NULL,
    PRIMARY KEY (request_id, user_id)
);

-- The message that each admin got, so that it can show who joined and how it was answered.
CREATE TABLE unlock_messages (
    request_id uuid NOT NULL REFERENCES unlock_requests,
    user_id    text NOT NULL,
    channel    text NOT NULL,
    ts         text NOT NULL,
    posted_at  timestamptz NOT NULL,
    PRIMARY KEY (request_id, user_id)
);

-- When, by Slack's clock, a user last used a toggle: of two quick clicks the later one counts, in whichever order
-- they arrive.
CREATE TABLE toggles (
    action_id  uuid NOT NULL REFERENCES actions,
    user_id    text NOT NULL,
    clicked_at timestamptz NOT NULL,
    PRIMARY KEY (action_id, user_id)
);

ALTER TABLE outbox ADD COLUMN unlock_request_id uuid REFERENCES unlock_requests;
CREATE INDEX outbox_failing ON outbox (backend_id) WHERE kind = 'webhook' AND done_at IS NULL;

CREATE INDEX grants_live_user ON grants (workspace_id, user_id) WHERE revoked_at IS NULL;
CREATE INDEX approvals_decided ON approvals (workspace_id, user_id, decided_at) WHERE decided_at IS NOT NULL;
