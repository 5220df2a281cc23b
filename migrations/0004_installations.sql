-- Installing by OAuth, tokens that rotate, leaving, and Slack's events.

ALTER TABLE workspaces
    -- Where the app's tokens rotate: sealed, good once. Slack gives the next one in exchange for it.
    ADD COLUMN refresh_token    bytea,
    -- Until when the bot's token works. NULL: it does not run out.
    ADD COLUMN token_expires_at timestamptz,
    -- An instance is exchanging the refresh token; until then the others wait for what it gets.
    ADD COLUMN refreshing_until timestamptz;

-- What was sent along to Slack's page and has to come back in the same browser, once.
CREATE TABLE install_states (
    -- SHA-256 of the state: who reads this table can't install anything.
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    -- SHA-256 of the browser's cookie.
    browser    bytea NOT NULL CHECK (octet_length(browser) = 32),
    expires_at timestamptz NOT NULL
);
CREATE INDEX install_states_expiry ON install_states (expires_at);

-- What Slack told, so that each event is handled once, however often and under however many ids it comes.
CREATE TABLE events (
    event_id     text PRIMARY KEY,
    -- SHA-256 of what it says without its id.
    digest       bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    -- Slack's id of the workspace.
    workspace    text NOT NULL,
    kind         text NOT NULL,
    user_id      text,
    happened_at  timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    -- In hand until then; if it is not handled by then, another instance takes it.
    leased_until timestamptz NOT NULL,
    handled_at   timestamptz
);
CREATE INDEX events_unhandled ON events (leased_until) WHERE handled_at IS NULL;
CREATE INDEX events_received ON events (received_at);
