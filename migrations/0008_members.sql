-- When Slack last said that somebody who gave a standing permission is still a full member. Nobody clicks when an
-- agent's requests are approved by a grant, so whoever left the workspace is found by looking.
CREATE TABLE members (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    user_id      text NOT NULL,
    checked_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);
