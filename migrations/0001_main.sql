-- The whole state of Countersign. Every table belongs to one workspace; times are given by the service, never by
-- the database, so that one clock judges expiry, leases and signatures.

CREATE TABLE workspaces (
    id            uuid PRIMARY KEY,
    -- Slack's own id: T… for one team, E… for an organisation-wide installation.
    slack_id      text NOT NULL UNIQUE,
    name          text NOT NULL,
    -- The bot's token, sealed. NULL: the one of the configuration (SLACK_BOT_TOKEN).
    bot_token     bytea,
    installed_at  timestamptz NOT NULL,
    -- Slack told us that the app was removed, or its token was refused for good.
    removed_at    timestamptz
);

CREATE TABLE backends (
    id                      uuid PRIMARY KEY,
    workspace_id            uuid NOT NULL REFERENCES workspaces,
    name                    text NOT NULL,
    webhook_url             text NOT NULL,
    -- Sealed. While a secret is being rotated both sign, so that a receiver can change over without a gap.
    webhook_secret          bytea NOT NULL,
    webhook_secret_previous bytea,
    previous_until          timestamptz,
    -- The endpoint answered 410, or an operator stopped it: deliveries wait until it is resumed.
    webhook_stopped_at      timestamptz,
    webhook_stopped_why     text,
    created_at              timestamptz NOT NULL,
    disabled_at             timestamptz,
    UNIQUE (workspace_id, name)
);

CREATE TABLE api_keys (
    -- The public half of cs_<id>_<secret>; the secret is known only as its SHA-256.
    id         uuid PRIMARY KEY,
    backend_id uuid NOT NULL REFERENCES backends,
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL,
    -- Set by rotation: the old key works until then.
    expires_at timestamptz
);
CREATE INDEX api_keys_backend ON api_keys (backend_id);

CREATE TABLE integrations (
    id                  uuid PRIMARY KEY,
    workspace_id        uuid NOT NULL REFERENCES workspaces,
    key                 text NOT NULL,
    name                text NOT NULL,
    description         text,
    -- True until a backend says otherwise: an unknown integration is never auto-approved without a connection.
    requires_connection boolean NOT NULL DEFAULT true,
    connect_url         text,
    created_at          timestamptz NOT NULL,
    UNIQUE (workspace_id, key)
);

CREATE TABLE actions (
    id             uuid PRIMARY KEY,
    integration_id uuid NOT NULL REFERENCES integrations,
    key            text NOT NULL,
    name           text NOT NULL,
    description    text,
    read_only      boolean NOT NULL DEFAULT false,
    destructive    boolean NOT NULL DEFAULT false,
    -- Locked unless an admin has unlocked it. This row's lock is what serialises asking and clicking (FOR SHARE)
    -- against locking and retiring (FOR UPDATE).
    unlocked_at    timestamptz,
    unlocked_by    text,
    -- Left out of the last PUT of its integration. It comes back locked.
    retired_at     timestamptz,
    created_at     timestamptz NOT NULL,
    UNIQUE (integration_id, key),
    CHECK (retired_at IS NULL OR unlocked_at IS NULL)
);

CREATE TABLE connections (
    integration_id uuid NOT NULL REFERENCES integrations,
    user_id        text NOT NULL,
    connected_at   timestamptz NOT NULL,
    PRIMARY KEY (integration_id, user_id)
);

CREATE TABLE conversations (
    backend_id    uuid NOT NULL REFERENCES backends,
    -- The backend's own id of the run.
    id            text NOT NULL,
    title         text,
    url           text,
    last_asked_at timestamptz NOT NULL,
    closed_at     timestamptz,
    PRIMARY KEY (backend_id, id)
);

CREATE TABLE grants (
    id              uuid PRIMARY KEY,
    workspace_id    uuid NOT NULL REFERENCES workspaces,
    user_id         text NOT NULL,
    action_id       uuid NOT NULL REFERENCES actions,
    scope           text NOT NULL CHECK (scope IN ('conversation', 'always')),
    backend_id      uuid REFERENCES backends,
    conversation_id text,
    created_at      timestamptz NOT NULL,
    use_count       bigint NOT NULL DEFAULT 0,
    last_used_at    timestamptz,
    revoked_at      timestamptz,
    -- Who ended it (a Slack user id, or NULL for the service itself) and why.
    revoked_by      text,
    revoked_why     text,
    CHECK ((scope = 'conversation') = (backend_id IS NOT NULL AND conversation_id IS NOT NULL)),
    CHECK ((revoked_at IS NULL) = (revoked_why IS NULL)),
    FOREIGN KEY (backend_id, conversation_id) REFERENCES conversations (backend_id, id)
);
-- At most one live grant of a scope: a second click finds the first one.
CREATE UNIQUE INDEX grants_live_always ON grants (workspace_id, user_id, action_id)
    WHERE scope = 'always' AND revoked_at IS NULL;
CREATE UNIQUE INDEX grants_live_conversation ON grants (workspace_id, user_id, action_id, backend_id, conversation_id)
    WHERE scope = 'conversation' AND revoked_at IS NULL;
CREATE INDEX grants_live_action ON grants (action_id) WHERE revoked_at IS NULL;
CREATE INDEX grants_live_in_conversation ON grants (backend_id, conversation_id)
    WHERE scope = 'conversation' AND revoked_at IS NULL;

CREATE TABLE approvals (
    id                 uuid PRIMARY KEY,
    workspace_id       uuid NOT NULL REFERENCES workspaces,
    backend_id         uuid NOT NULL REFERENCES backends,
    user_id            text NOT NULL,
    agent_id           text NOT NULL,
    agent_name         text,
    conversation_id    text NOT NULL,
    conversation_title text,
    conversation_url   text,
    action_id          uuid NOT NULL REFERENCES actions,
    -- json, not jsonb: arguments are shown as they were given, in their own order.
    arguments          json NOT NULL,
    arguments_digest   bytea NOT NULL CHECK (octet_length(arguments_digest) = 32),
    reason             text,
    metadata           json,
    slack_channel      text,
    slack_thread_ts    text,
    idempotency_key    text,
    -- SHA-256 of the request's canonical JSON: the same key with another body is refused.
    request_digest     bytea NOT NULL CHECK (octet_length(request_digest) = 32),
    created_at         timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,
    status             text NOT NULL CHECK (status IN
        ('pending', 'approved', 'denied', 'expired', 'cancelled', 'undeliverable')),
    decision_scope     text CHECK (decision_scope IN ('once', 'conversation', 'always')),
    decided_by         text CHECK (decided_by IN ('user', 'auto', 'backend')),
    decided_user       text,
    decision_grant     uuid REFERENCES grants,
    decision_reason    text,
    decided_at         timestamptz,
    CHECK ((status = 'pending') = (decided_at IS NULL)),
    CHECK ((status = 'pending') = (decided_by IS NULL)),
    CHECK (status = 'approved' OR decision_grant IS NULL),
    CONSTRAINT approvals_idempotency UNIQUE (backend_id, idempotency_key)
);
CREATE INDEX approvals_pending_expiry ON approvals (expires_at) WHERE status = 'pending';
CREATE INDEX approvals_pending_user ON approvals (workspace_id, user_id, id) WHERE status = 'pending';
CREATE INDEX approvals_pending_action ON approvals (action_id) WHERE status = 'pending';
CREATE INDEX approvals_pending_backend ON approvals (backend_id) WHERE status = 'pending';
CREATE INDEX approvals_grant ON approvals (decision_grant) WHERE decided_by = 'user' AND decision_grant IS NOT NULL;
CREATE INDEX approvals_backend ON approvals (backend_id, id);
CREATE INDEX approvals_user ON approvals (workspace_id, user_id, id);
CREATE INDEX approvals_backend_conversation ON approvals (backend_id, conversation_id, id);

-- An ended approval never changes, whatever a program does.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: these rows never change', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER ended_approvals_stay BEFORE UPDATE ON approvals
    FOR EACH ROW WHEN (OLD.status <> 'pending') EXECUTE FUNCTION refuse_change();

-- Where an approval is shown. More than one row when a post was repeated after its acknowledgement was lost.
CREATE TABLE prompts (
    approval_id uuid NOT NULL REFERENCES approvals,
    channel     text NOT NULL,
    ts          text NOT NULL,
    posted_at   timestamptz NOT NULL,
    -- Slack says that the message is gone or can't be changed: it is not drawn again.
    gone_at     timestamptz,
    PRIMARY KEY (approval_id, channel, ts)
);

CREATE TABLE audit (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Export goes by (txid, id) up to the oldest running transaction, so that a late commit is never skipped.
    txid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    workspace_id uuid NOT NULL REFERENCES workspaces,
    at           timestamptz NOT NULL,
    -- Who: a kind and its id (Slack user, backend, or the service itself).
    actor_kind   text NOT NULL CHECK (actor_kind IN ('user', 'backend', 'operator', 'service')),
    actor        text,
    what         text NOT NULL,
    approval_id  uuid,
    grant_id     uuid,
    subject      text,
    -- What was before and after, and why. Never argument values.
    before       jsonb,
    after        jsonb
);
CREATE INDEX audit_order ON audit (workspace_id, txid, id);
CREATE INDEX audit_approval ON audit (approval_id) WHERE approval_id IS NOT NULL;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What has to reach the outside: written in the transaction of the change, done by a worker afterwards.
CREATE TABLE outbox (
    id           uuid PRIMARY KEY,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    kind         text NOT NULL,
    workspace_id uuid NOT NULL REFERENCES workspaces,
    -- Rows of one queue are done one after the other, oldest first.
    queue        text NOT NULL,
    approval_id  uuid REFERENCES approvals,
    backend_id   uuid REFERENCES backends,
    user_id      text,
    -- The webhook's type.
    event        text,
    created_at   timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    attempts     integer NOT NULL DEFAULT 0,
    -- Held by a worker until then. A worker that lost its lease can no longer say how it went.
    lease        uuid,
    leased_until timestamptz,
    done_at      timestamptz,
    dead_at      timestamptz,
    last_error   text,
    CHECK ((lease IS NULL) = (leased_until IS NULL)),
    CHECK (done_at IS NULL OR dead_at IS NULL)
);
CREATE INDEX outbox_due ON outbox (kind, due_at) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_queue ON outbox (queue, seq) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_webhooks ON outbox (backend_id, id) WHERE kind = 'webhook';
CREATE INDEX outbox_approval ON outbox (approval_id);
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL AND kind <> 'webhook';

CREATE TABLE attempts (
    outbox_id   uuid NOT NULL REFERENCES outbox ON DELETE CASCADE,
    number      integer NOT NULL,
    started_at  timestamptz NOT NULL,
    took_ms     bigint NOT NULL,
    -- 'done', 'later' or 'dead'.
    outcome     text NOT NULL,
    http_status integer,
    detail      text,
    PRIMARY KEY (outbox_id, number)
);
