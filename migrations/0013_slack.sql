-- Why Slack did not take prompts, by its error code: what admins see on their Home tab. The codes are a closed set, so
-- there are few rows; counting begins anew after a day without.
CREATE TABLE prompt_failures (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    code         text NOT NULL,
    count        bigint NOT NULL,
    last_at      timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, code)
);

-- What an event says, where handling it later takes more than whom it is about. Earlier versions don't write it.
ALTER TABLE events ADD COLUMN content jsonb;

-- Messages about a request beside the one that each admin is known to have: their posts were not answered, and Slack told
-- later where they are.
CREATE TABLE unlock_messages_found (
    request_id uuid NOT NULL REFERENCES unlock_requests,
    user_id    text NOT NULL,
    channel    text NOT NULL,
    ts         text NOT NULL,
    found_at   timestamptz NOT NULL,
    PRIMARY KEY (request_id, channel, ts)
);
