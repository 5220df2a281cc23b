-- A database as version 0.1.0 left it: approvals in every status, grants live and revoked, requests to unlock, Home
-- tabs, settings, a waiting webhook and an audit. Written with `pg_dump --inserts --no-owner --no-privileges`, without its
-- comments; the webhook address is one where nothing listens.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.begin_audit_era(at timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    begun integer;
BEGIN
    LOCK TABLE audit IN ACCESS EXCLUSIVE MODE;
    INSERT INTO audit_eras (era, began_at) SELECT max(era) + 1, at FROM audit_eras RETURNING era INTO begun;
    EXECUTE format('ALTER TABLE audit ALTER COLUMN era SET DEFAULT %s', begun);
    RETURN begun;
END $$;
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: these rows never change', TG_OP, TG_TABLE_NAME;
END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
CREATE TABLE public.actions (
    id uuid NOT NULL,
    integration_id uuid NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    description text,
    read_only boolean DEFAULT false NOT NULL,
    destructive boolean DEFAULT false NOT NULL,
    unlocked_at timestamp with time zone,
    unlocked_by text,
    retired_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT actions_check CHECK (((retired_at IS NULL) OR (unlocked_at IS NULL)))
);
CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    backend_id uuid NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT api_keys_hash_check CHECK ((octet_length(hash) = 32))
);
CREATE TABLE public.approvals (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    backend_id uuid NOT NULL,
    user_id text NOT NULL,
    agent_id text NOT NULL,
    agent_name text,
    conversation_id text NOT NULL,
    conversation_title text,
    conversation_url text,
    action_id uuid NOT NULL,
    arguments json NOT NULL,
    arguments_digest bytea NOT NULL,
    reason text,
    metadata json,
    slack_channel text,
    slack_thread_ts text,
    idempotency_key text,
    request_digest bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    decision_scope text,
    decided_by text,
    decided_user text,
    decision_grant uuid,
    decision_reason text,
    decided_at timestamp with time zone,
    CONSTRAINT approvals_arguments_digest_check CHECK ((octet_length(arguments_digest) = 32)),
    CONSTRAINT approvals_check CHECK (((status = 'pending'::text) = (decided_at IS NULL))),
    CONSTRAINT approvals_check1 CHECK (((status = 'pending'::text) = (decided_by IS NULL))),
    CONSTRAINT approvals_check2 CHECK (((status = 'approved'::text) OR (decision_grant IS NULL))),
    CONSTRAINT approvals_decided_by_check CHECK ((decided_by = ANY (ARRAY['user'::text, 'auto'::text, 'backend'::text]))),
    CONSTRAINT approvals_decision_scope_check CHECK ((decision_scope = ANY (ARRAY['once'::text, 'conversation'::text, 'always'::text]))),
    CONSTRAINT approvals_request_digest_check CHECK ((octet_length(request_digest) = 32)),
    CONSTRAINT approvals_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'approved'::text, 'denied'::text, 'expired'::text, 'cancelled'::text, 'undeliverable'::text])))
);
CREATE TABLE public.attempts (
    outbox_id uuid NOT NULL,
    number integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    took_ms bigint NOT NULL,
    outcome text NOT NULL,
    http_status integer,
    detail text
);
CREATE TABLE public.audit (
    id bigint NOT NULL,
    txid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    workspace_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor_kind text NOT NULL,
    actor text,
    what text NOT NULL,
    approval_id uuid,
    grant_id uuid,
    subject text,
    before jsonb,
    after jsonb,
    era integer DEFAULT 0 NOT NULL,
    CONSTRAINT audit_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['user'::text, 'backend'::text, 'operator'::text, 'service'::text])))
);
CREATE TABLE public.audit_eras (
    era integer NOT NULL,
    began_at timestamp with time zone
);
ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.backends (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    webhook_url text NOT NULL,
    webhook_secret bytea NOT NULL,
    webhook_secret_previous bytea,
    previous_until timestamp with time zone,
    webhook_stopped_at timestamp with time zone,
    webhook_stopped_why text,
    created_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    webhook_failing_since timestamp with time zone
);
CREATE TABLE public.connections (
    integration_id uuid NOT NULL,
    user_id text NOT NULL,
    connected_at timestamp with time zone NOT NULL
);
CREATE TABLE public.conversations (
    backend_id uuid NOT NULL,
    id text NOT NULL,
    title text,
    url text,
    last_asked_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone
);
CREATE TABLE public.events (
    event_id text NOT NULL,
    digest bytea NOT NULL,
    workspace text NOT NULL,
    kind text NOT NULL,
    user_id text,
    happened_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone NOT NULL,
    handled_at timestamp with time zone,
    CONSTRAINT events_digest_check CHECK ((octet_length(digest) = 32))
);
CREATE TABLE public.grants (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    user_id text NOT NULL,
    action_id uuid NOT NULL,
    scope text NOT NULL,
    backend_id uuid,
    conversation_id text,
    created_at timestamp with time zone NOT NULL,
    use_count bigint DEFAULT 0 NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_by text,
    revoked_why text,
    CONSTRAINT grants_check CHECK (((scope = 'conversation'::text) = ((backend_id IS NOT NULL) AND (conversation_id IS NOT NULL)))),
    CONSTRAINT grants_check1 CHECK (((revoked_at IS NULL) = (revoked_why IS NULL))),
    CONSTRAINT grants_scope_check CHECK ((scope = ANY (ARRAY['conversation'::text, 'always'::text])))
);
CREATE TABLE public.homes (
    workspace_id uuid NOT NULL,
    user_id text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    admin boolean DEFAULT false NOT NULL,
    place jsonb DEFAULT '{}'::jsonb NOT NULL
);
CREATE TABLE public.install_states (
    hash bytea NOT NULL,
    browser bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT install_states_browser_check CHECK ((octet_length(browser) = 32)),
    CONSTRAINT install_states_hash_check CHECK ((octet_length(hash) = 32))
);
CREATE TABLE public.integrations (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    description text,
    requires_connection boolean DEFAULT true NOT NULL,
    connect_url text,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.members (
    workspace_id uuid NOT NULL,
    user_id text NOT NULL,
    checked_at timestamp with time zone NOT NULL
);
CREATE TABLE public.outbox (
    id uuid NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    workspace_id uuid NOT NULL,
    queue text NOT NULL,
    approval_id uuid,
    backend_id uuid,
    user_id text,
    event text,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    lease uuid,
    leased_until timestamp with time zone,
    done_at timestamp with time zone,
    dead_at timestamp with time zone,
    last_error text,
    unlock_request_id uuid,
    by_hand boolean DEFAULT false NOT NULL,
    attempts_before integer DEFAULT 0 NOT NULL,
    CONSTRAINT outbox_check CHECK (((lease IS NULL) = (leased_until IS NULL))),
    CONSTRAINT outbox_check1 CHECK (((done_at IS NULL) OR (dead_at IS NULL)))
);
ALTER TABLE public.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.prompts (
    approval_id uuid NOT NULL,
    channel text NOT NULL,
    ts text NOT NULL,
    posted_at timestamp with time zone NOT NULL,
    gone_at timestamp with time zone
);
CREATE TABLE public.toggles (
    action_id uuid NOT NULL,
    user_id text NOT NULL,
    clicked_at timestamp with time zone NOT NULL
);
CREATE TABLE public.unlock_askers (
    request_id uuid NOT NULL,
    user_id text NOT NULL,
    asked_at timestamp with time zone NOT NULL
);
CREATE TABLE public.unlock_messages (
    request_id uuid NOT NULL,
    user_id text NOT NULL,
    channel text NOT NULL,
    ts text NOT NULL,
    posted_at timestamp with time zone NOT NULL
);
CREATE TABLE public.unlock_requests (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    action_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    answered_at timestamp with time zone,
    answered_by text,
    answer text,
    CONSTRAINT unlock_requests_answer_check CHECK ((answer = ANY (ARRAY['unlocked'::text, 'declined'::text, 'retired'::text]))),
    CONSTRAINT unlock_requests_check CHECK (((answered_at IS NULL) = (answer IS NULL)))
);
CREATE TABLE public.workspaces (
    id uuid NOT NULL,
    slack_id text NOT NULL,
    name text NOT NULL,
    bot_token bytea,
    installed_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    refresh_token bytea,
    token_expires_at timestamp with time zone,
    refreshing_until timestamp with time zone
);
INSERT INTO public._sqlx_migrations VALUES
	(1, 'main', '2026-11-29 11:39:56.876884+00', true, '\x38858ac39d1bcb3ec017e700e6d86cf870979e5273042fe70ccc777460f81086114e356d9011dd821dd2e27ae03e3799', 23892565),
	(2, 'settings', '2026-11-29 11:39:56.901504+00', true, '\x8df50944488751930bdc7468cdf79fea21c6e20e96330d3e4fa8a64101327124676458d39f1f34e555f58d64b929959e', 7406212),
	(3, 'webhook health', '2026-11-29 11:39:56.909173+00', true, '\x83e97b6e9823bfe19eb163191a47ac09ede27688212aeb52f9ea94532f072475205129c84bb8cca369ca8376621a2dea', 826318),
	(4, 'installations', '2026-11-29 11:39:56.910166+00', true, '\x675ffdc546adc17b4f4618d665f60a8179a1c9657f46757f52ba7d3fd327317015b435c1a52091e1263399251e3508c6', 3374989),
	(5, 'backlog', '2026-11-29 11:39:56.913746+00', true, '\xa71a04e9d557474928ced711d85cc3b7a02749fc63c69aaea80cb369fd0a1e1a8016815c92fdb38727a172b7b6696e9b', 1116881),
	(6, 'audit eras', '2026-11-29 11:39:56.915044+00', true, '\xdbead7b71c257054a4eb889e07f18f88da47b10b957096bb6489d34e318591fbdf03fb9e3517b826bfb3fe6bd18c07f6', 1939564),
	(7, 'lists', '2026-11-29 11:39:56.917175+00', true, '\xf55b58ab4ca9f496ff30714b103ba9adb7c531e98ccfe61eeea0a4a53318c1adf24bce8634fdc4f9c7b6a914570f4819', 1666297),
	(8, 'members', '2026-11-29 11:39:56.919005+00', true, '\x653aca26da5a94d8adebad2f97c8dd33afa31fcca49f80d8b2c5beb7973343ebe10622a0a216a90077987c78a079645a', 1512059);
INSERT INTO public.actions VALUES
	('01a0c450-6c00-7dae-b306-299402d4de00', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'list_issues', 'List issues', 'Shows the issues of one repository, filtered and page by page.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7145-8e8d-9c76353379a7', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'search_code', 'Search code', 'Finds code across repositories by GitHub search syntax.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7bd3-b945-47d7539c828d', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'get_file_contents', 'Read file', 'Reads one file, or lists one folder, at a branch or commit.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7f0c-a9b6-1faadf27d3af', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'pull_request_read', 'Read pull request', 'Reads one pull request: its diff, files, reviews, comments or checks.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7aab-8e5e-2e0386dd14c2', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'add_issue_comment', 'Comment on issue', 'Adds a comment, or a reaction, to an issue or pull request.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-704f-8468-c49b1b2f7050', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'issue_write', 'Write issue', 'Creates an issue or changes one: text, labels, assignees, state.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-78bb-8655-a55808a238ca', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'create_branch', 'Create branch', 'Makes a new branch from an existing one.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7b85-ab1a-4ff0fede8817', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'create_or_update_file', 'Write file', 'Commits one new or changed file to a branch.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7be5-a7ae-2fa801b2ec1b', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'push_files', 'Push files', 'Commits several files to a branch in one commit.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7969-ba24-0dab1563893f', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'delete_file', 'Delete file', 'Removes one file from a branch.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7e6c-809b-86f1ac51ddb1', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'create_pull_request', 'Open pull request', 'Proposes the changes of one branch to another.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7aa9-a75d-39d5421d832c', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'merge_pull_request', 'Merge pull request', 'Merges a pull request into its base branch.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7fef-b39b-798b0715326f', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'actions_run_trigger', 'Run workflow', 'Starts, repeats or cancels a GitHub Actions run, or deletes its logs.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-753d-8652-b0836e6faf89', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'create_gist', 'Create gist', 'Publishes a snippet, secret or public.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7366-b6b3-318a99842928', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'delete_repository', 'Delete repository', 'Deletes a repository with everything in it.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7663-97a0-c251baaadc2c', '01a0c450-6c00-75d0-9f98-19f0168ce633', 'create_issue', 'Create issue', 'Opens a new issue in a repository.', false, false, '2026-09-21 14:13:20+00', 'operator', NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7b27-a333-eaf05e6e5841', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'search_emails', 'Search mail', 'Finds messages by Gmail search syntax.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-70ff-b03c-f729e1257d22', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'read_email', 'Read mail', 'Reads one message.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7b3b-9efa-f10b76d3d953', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'send_email', 'Send mail', 'Sends a message in your name.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-76bb-a202-8a62d7d1ef84', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'draft_email', 'Draft mail', 'Writes a draft and sends nothing.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7bd8-b74a-399540a15376', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'modify_email', 'Label mail', 'Adds labels to a message or removes them.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7bac-858f-e5d73d22786b', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'delete_email', 'Delete mail', 'Deletes a message for good.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7297-b373-2d4027aa8fe3', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'batch_delete_emails', 'Delete many mails', 'Deletes many messages for good.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7461-920d-eff51f964b8b', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'create_filter', 'Create filter', 'Makes a rule for incoming mail. It can forward.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7a3f-959c-f61a5ed8c0de', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'delete_label', 'Delete label', 'Deletes a label; the messages stay.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7d33-adf0-25089d43b139', '01a0c450-6c00-7fda-882f-95926abc5b2e', 'download_attachment', 'Download attachment', 'Saves an attachment to a folder.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7fdb-9ba7-7803696854c2', '01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', 'salesforce_query_records', 'Query records', 'Reads records of one object with SOQL.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7975-b570-22d8c0972d3c', '01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', 'salesforce_search_all', 'Search everywhere', 'Finds a text in several objects at once.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7e9c-bf74-5b6e7531717b', '01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', 'salesforce_describe_object', 'Describe object', 'Shows the fields of an object.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-703f-98bb-404cfc45a541', '01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', 'salesforce_manage_field', 'Manage field', 'Creates a custom field, or changes one.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7f4d-8083-08ed7f18fc71', '01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', 'salesforce_manage_field_permissions', 'Manage field permissions', 'Grants or revokes access to a field for profiles.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-787a-b0d7-e4342a66b47a', '01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', 'salesforce_execute_anonymous', 'Run Apex', 'Runs Apex code at once, with your rights.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-78e3-8448-39d4ac615c1d', '01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', 'salesforce_write_apex', 'Write Apex class', 'Creates an Apex class, or replaces its code.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-765e-a787-6ff984d3b1c6', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'retrieve_balance', 'Read balance', 'Reads what is in the account.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7bc7-9c3d-b1418dcfc6b3', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'list_customers', 'List customers', 'Lists customers, all or those with one email address.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-72d7-b659-3afa20e21be0', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'list_subscriptions', 'List subscriptions', 'Lists subscriptions by customer, price or status.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-733a-aa60-1401f6f1e234', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'list_disputes', 'List disputes', 'Lists disputed payments.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-75e8-8e50-4e10d95e1ee8', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'create_customer', 'Create customer', 'Adds a customer.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7f56-ba95-9f0ae8ff7cf3', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'create_payment_link', 'Create payment link', 'Makes a link where anyone can pay for a price.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7d72-b355-d585c1be90f0', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'create_invoice', 'Create invoice', 'Starts an invoice for a customer.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-74f4-82c0-f5f891a1ce1c', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'create_refund', 'Refund payment', 'Pays a payment back, in full or in part.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-782f-94d5-10c066ed0551', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'update_subscription', 'Change subscription', 'Changes the items of a subscription.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7de1-b633-37a6a862be5b', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'cancel_subscription', 'Cancel subscription', 'Ends a subscription at once.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7c20-8bac-476f7097380f', '01a0c450-6c00-7e1a-b625-e703b33ff24f', 'update_dispute', 'Answer dispute', 'Adds evidence to a dispute, and can hand it to the bank.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7fac-9488-76035d08aeb9', '01a0c450-6c00-7ea6-8a54-7e698d58092c', 'conversations_history', 'Read channel', 'Reads the messages of a channel or direct message.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7ac6-8166-71222514e389', '01a0c450-6c00-7ea6-8a54-7e698d58092c', 'conversations_search_messages', 'Search messages', 'Finds messages by words, people, channel and date.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7f92-a0e8-484e42ae0ab5', '01a0c450-6c00-7ea6-8a54-7e698d58092c', 'users_search', 'Search people', 'Finds people by name, email or handle.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-72fa-bc72-f256f5631149', '01a0c450-6c00-7ea6-8a54-7e698d58092c', 'channels_list', 'List channels', 'Lists channels and direct messages by kind.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-76c1-96bf-aa7aea76bc90', '01a0c450-6c00-7ea6-8a54-7e698d58092c', 'conversations_add_message', 'Send message', 'Posts a message to a channel, a thread or a person, as you.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7773-90f5-57c63f2e7612', '01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', 'salesforce_dml_records', 'Change records', 'Inserts, updates, upserts or deletes records.', false, true, '2026-09-21 14:14:51+00', 'U0ADMIN', NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-78ed-8e20-c2a1e60dc3aa', '01a0c450-6c00-7ea6-8a54-7e698d58092c', 'reactions_add', 'Add reaction', 'Puts an emoji on a message, as you.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7bcc-beff-9f3a1c5bd0fa', '01a0c450-6c00-7ea6-8a54-7e698d58092c', 'conversations_mark', 'Mark as read', 'Marks a conversation as read up to a message.', false, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7010-9e13-dd13f89c972b', '01a0c450-6c00-7ea6-8a54-7e698d58092c', 'usergroups_create', 'Create user group', 'Makes a new group that can be mentioned.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7bd2-8dfd-f5eabca6f5f2', '01a0c450-6c00-7ea6-8a54-7e698d58092c', 'usergroups_users_update', 'Replace group members', 'Replaces all members of a user group.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-717d-93bb-3cd7de8dfb5b', '01a0c450-6c00-75c9-a097-af1880621f0d', 'list_schemas', 'List schemas', 'Lists the schemas of the database.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7d6e-a66b-fab5bc761878', '01a0c450-6c00-75c9-a097-af1880621f0d', 'list_objects', 'List objects', 'Lists tables, views, sequences or extensions of a schema.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7e90-876b-e77efcc559e5', '01a0c450-6c00-75c9-a097-af1880621f0d', 'get_object_details', 'Show object', 'Shows columns, constraints and indexes of one object.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7285-8dc5-0b608e788818', '01a0c450-6c00-75c9-a097-af1880621f0d', 'explain_query', 'Explain query', 'Shows how a query would be run; can also measure it.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7a07-855a-4a25a536781f', '01a0c450-6c00-75c9-a097-af1880621f0d', 'execute_sql', 'Run SQL', 'Runs any SQL statement.', false, true, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7f16-86a9-e5a2573efcca', '01a0c450-6c00-75c9-a097-af1880621f0d', 'analyze_db_health', 'Check health', 'Checks indexes, connections, vacuum, replication and more.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7f36-8cdd-d4c1a41202f8', '01a0c450-6c00-75c9-a097-af1880621f0d', 'get_top_queries', 'Slowest queries', 'Shows the queries that take most time or resources.', true, false, NULL, NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c452-1d98-748f-94da-f175786ca2ce', '01a0c452-1d98-70f6-92b7-06c06ee2b002', 'do_it', 'do_it', NULL, false, false, NULL, NULL, NULL, '2026-09-21 14:15:11+00');
INSERT INTO public.api_keys VALUES
	('01a0c450-6c00-70a3-9cae-d4823c67e2fe', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', '\x421e4033ee081b5139e1feb4c90ac580b7e13fe24f9f6d1ae58d9b9af3988f93', '2026-09-21 14:13:20+00', NULL),
	('01a0c452-1d98-7214-a551-6472cb27940e', '01a0c452-1d98-7b52-89ed-a4ac227c4b2d', '\x58bf9eba7c1d85dbf4754bce4ca8e55b1ee0bd14e43b5177a3f9e3a2d45c1ad2', '2026-09-21 14:15:11+00', NULL);
INSERT INTO public.approvals VALUES
	('01a0c450-6c00-733f-b773-b4484bc6af4f', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-once', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Because
of “this”', NULL, NULL, NULL, NULL, '\x2206c764a9759cc3254ecc545031eaff5fc2cbf61632dd9286e437c9b96785da', '2026-09-21 14:13:20+00', '2026-09-21 14:43:20+00', 'approved', 'once', 'user', 'U0ALICE', NULL, NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7f27-a33d-b588b2ca0827', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-denied', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', '{"run":7}', NULL, NULL, NULL, '\xb84c359cb29203bf560556f79638e707af80bf0baea7adf07c04b41db3936590', '2026-09-21 14:13:20+00', '2026-09-21 14:43:20+00', 'denied', NULL, 'user', 'U0ALICE', NULL, 'Wrong repository', '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7ecb-bfd6-49afba2b6de8', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-conv', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\xf964a666c4290bd8920cd9aa620428b7f8cc87a64dec303a179c8d4c8c3fcb2d', '2026-09-21 14:13:20+00', '2026-09-21 14:43:20+00', 'approved', 'conversation', 'user', 'U0ALICE', '01a0c450-6c00-7ccf-87ce-558ab9e9efa4', NULL, '2026-09-21 14:13:20+00'),
	('01a0c451-8158-72ba-aaa3-dbb2bf488daa', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'quill', 'Quill', 'c-cancel', 'Ticket 90377', NULL, '01a0c450-6c00-7b3b-9efa-f10b76d3d953', '{"to":["kim@example.com"],"subject":"Re: I would like to cancel","body":"Hello Kim,\n\nyour subscription has ended today, and nothing more will be charged.\n\nAll the best,\nAlice","threadId":"19aab3f0c2d41e77","inReplyTo":"<CAJx1@mail.example.com>"}', '\x2e0213c253b2cdd58f9be9f1c637af8f1c578ba54b3645c8986de62adcb451e2', 'Confirm the cancellation', NULL, NULL, NULL, NULL, '\x36db319705d96f0d0eb5c747c2f071fde4d234cc8fec1bf6fcfe82d7f91f55f7', '2026-09-21 14:14:31+00', '2026-09-21 14:44:31+00', 'cancelled', NULL, 'backend', NULL, NULL, NULL, '2026-09-21 14:14:31+00'),
	('01a0c451-8158-75e6-be26-092fb3a6dd99', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0NOBODY', 'quill', 'Quill', 'c-undeliv', 'Ticket 90377', NULL, '01a0c450-6c00-7b3b-9efa-f10b76d3d953', '{"to":["kim@example.com"],"subject":"Re: I would like to cancel","body":"Hello Kim,\n\nyour subscription has ended today, and nothing more will be charged.\n\nAll the best,\nAlice","threadId":"19aab3f0c2d41e77","inReplyTo":"<CAJx1@mail.example.com>"}', '\x2e0213c253b2cdd58f9be9f1c637af8f1c578ba54b3645c8986de62adcb451e2', 'Confirm the cancellation', NULL, NULL, NULL, NULL, '\xf358fd58ffafa10ca6e229e1fec794a1536f60625ef0a362922201b3ad137c39', '2026-09-21 14:14:31+00', '2026-09-21 14:44:31+00', 'undeliverable', NULL, 'auto', NULL, NULL, 'Slack says user_not_found', '2026-09-21 14:14:31+00'),
	('01a0c451-cf78-723b-8b97-b4a1eb509e32', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'atlas', 'Atlas', 'c-lock2', 'Q3 pipeline', NULL, '01a0c450-6c00-7773-90f5-57c63f2e7612', '{"operation":"insert","objectName":"Task","records":[{"Subject":"Call with Acme","WhoId":"003Hs00004AcmeQAB","ActivityDate":"2026-11-23","Status":"Completed","Description":"They want 120 seats from January. Legal has the contract."}]}', '\x584b79fc0b8ae8f692515fce82b65bb15b66aa25feea4c89342c2426ab9a21b8', 'Log the call with Acme', NULL, NULL, NULL, NULL, '\xc5d7278098116ee1c694330d52f73c38691de4668bcca49b5f263028c88a0e0f', '2026-09-21 14:14:51+00', '2026-09-21 14:44:51+00', 'pending', NULL, NULL, NULL, NULL, NULL, NULL),
	('01a0c452-1d98-70aa-8e1f-ef986761c04f', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'atlas', 'Atlas', 'c-chan', 'Q3 pipeline', NULL, '01a0c450-6c00-76c1-96bf-aa7aea76bc90', '{"channel_id":"#sales","text":"Acme signed :tada: 24 months, 120 seats.","content_type":"text/markdown"}', '\xe11b352eec3d691e14ac60942f7c5d838d491d02098eb6c3235d00e52f429a3b', 'Tell the team that Acme signed', NULL, 'C0SALES', NULL, NULL, '\x28a1910a787d364cd74cee929831b5477f751304cf7a52448a9bbc3b087a6d2e', '2026-09-21 14:15:11+00', '2026-09-21 14:45:11+00', 'pending', NULL, NULL, NULL, NULL, NULL, NULL),
	('01a0c452-1d98-7168-8ce6-a499753bfe85', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c452-1d98-7b52-89ed-a4ac227c4b2d', 'U0ALICE', 'scout', 'Scout', 'c-other', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\x3c326310b1cb958d074664d513fe5f64b57dd59ea280e52afea41c64db9d7c25', '2026-09-21 14:15:11+00', '2026-09-21 14:45:11+00', 'approved', 'always', 'auto', NULL, '01a0c450-ba20-7931-8545-e6d05e8fd670', NULL, '2026-09-21 14:15:11+00'),
	('01a0c450-6c00-75b3-a034-c2a9bee601d3', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-conv', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\xf964a666c4290bd8920cd9aa620428b7f8cc87a64dec303a179c8d4c8c3fcb2d', '2026-09-21 14:13:20+00', '2026-09-21 14:43:20+00', 'approved', 'conversation', 'auto', NULL, '01a0c450-6c00-7ccf-87ce-558ab9e9efa4', NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-70c9-9f54-eef3b9b880f7', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-closed', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\x5c0e11aad6652c45cb311a1e7d425b410b0bb31d340848603a6fff784f6ca8a4', '2026-09-21 14:13:20+00', '2026-09-21 14:43:20+00', 'approved', 'conversation', 'user', 'U0ALICE', '01a0c450-6c00-79c0-9d0e-19426b4a3a85', NULL, '2026-09-21 14:13:20+00'),
	('01a0c450-ba20-7bef-9258-7625c8247ab5', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-always', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\x619af41643dfd4bdd2b9f206fc40e242353e53e4adc5f99e8402192f06f9fd83', '2026-09-21 14:13:40+00', '2026-09-21 14:43:40+00', 'approved', 'always', 'user', 'U0ALICE', '01a0c450-ba20-774b-a793-688aa127e81f', NULL, '2026-09-21 14:13:40+00'),
	('01a0c450-ba20-7365-8244-0980394f2464', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-auto-0', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\x15c34e1526a120542ca47ccddbd9f91e3eba7ab607c8996a20ee75a67fcb985a', '2026-09-21 14:13:40+00', '2026-09-21 14:43:40+00', 'approved', 'always', 'auto', NULL, '01a0c450-ba20-7931-8545-e6d05e8fd670', NULL, '2026-09-21 14:13:40+00'),
	('01a0c450-ba20-7a52-8faa-84c04507cad8', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-auto-4', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\x5b58e19f43e47c570b3c88504a2ee20e1fa8e1e254c2c8befa98ca072030f75c', '2026-09-21 14:13:40+00', '2026-09-21 14:43:40+00', 'approved', 'always', 'auto', NULL, '01a0c450-ba20-7931-8545-e6d05e8fd670', NULL, '2026-09-21 14:13:40+00'),
	('01a0c451-0840-7f50-bdaf-9dea95cf9170', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'quill', 'Quill', 'c-exp', 'Ticket 90377', NULL, '01a0c450-6c00-7b3b-9efa-f10b76d3d953', '{"to":["kim@example.com"],"subject":"Re: I would like to cancel","body":"Hello Kim,\n\nyour subscription has ended today, and nothing more will be charged.\n\nAll the best,\nAlice","threadId":"19aab3f0c2d41e77","inReplyTo":"<CAJx1@mail.example.com>"}', '\x2e0213c253b2cdd58f9be9f1c637af8f1c578ba54b3645c8986de62adcb451e2', 'Confirm the cancellation', NULL, NULL, NULL, NULL, '\xaf7b0f177a5ce5216fda24d989050bf6eafcfa640fc5a60c8ff69aef22306e8e', '2026-09-21 14:14:00+00', '2026-09-21 14:14:30+00', 'expired', NULL, 'auto', NULL, NULL, NULL, '2026-09-21 14:14:31+00'),
	('01a0c452-1d98-7bf9-9964-99467fff4854', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'quill', 'Quill', 'c-refund', 'Ticket 90211', NULL, '01a0c450-6c00-74f4-82c0-f5f891a1ce1c', '{"payment_intent":"pi_3SVoucherOffByOne","amount":1}', '\xb1ec7c6d5eaeff98a192156bcfbbe6f18de11b504fea54d98df01426a95b4fb9', 'One cent too much was charged', NULL, NULL, NULL, NULL, '\xd04dd93507c0db177b12c8e0f2da6f96d3e32c888745415c34f4ff0fb784fb3a', '2026-09-21 14:15:11+00', '2026-09-21 14:45:11+00', 'pending', NULL, NULL, NULL, NULL, NULL, NULL),
	('01a0c450-ba20-7656-9df9-0ab198042f74', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-always-2', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\xe301f442587f44368026e038c959c095a7e21aeb8d1d03cc2db22159e54f310f', '2026-09-21 14:13:40+00', '2026-09-21 14:43:40+00', 'approved', 'always', 'user', 'U0ALICE', '01a0c450-ba20-7931-8545-e6d05e8fd670', NULL, '2026-09-21 14:13:40+00'),
	('01a0c450-ba20-7130-8aa6-b3a657a819bf', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-auto-1', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\x7ba0d30cc6884dc51f934f338ac4fcc484595174c0b2c603f42e6bd4332b5c67', '2026-09-21 14:13:40+00', '2026-09-21 14:43:40+00', 'approved', 'always', 'auto', NULL, '01a0c450-ba20-7931-8545-e6d05e8fd670', NULL, '2026-09-21 14:13:40+00'),
	('01a0c450-ba20-7047-8582-fa90de2b9ea1', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-auto-2', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\x73fcb64b37b8f47aa147d807605480e2d41224207af1610fb0118e17c37590a2', '2026-09-21 14:13:40+00', '2026-09-21 14:43:40+00', 'approved', 'always', 'auto', NULL, '01a0c450-ba20-7931-8545-e6d05e8fd670', NULL, '2026-09-21 14:13:40+00'),
	('01a0c450-ba20-7856-a517-51ad49eac865', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'scout', 'Scout', 'c-auto-3', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\xd20303d8ac88cbdb8bd987f8beefd7b2fe9888147cb6185205e0ccedf695b58c', '2026-09-21 14:13:40+00', '2026-09-21 14:43:40+00', 'approved', 'always', 'auto', NULL, '01a0c450-ba20-7931-8545-e6d05e8fd670', NULL, '2026-09-21 14:13:40+00'),
	('01a0c451-cf78-7125-acc9-8141f452cc71', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'quill', 'Quill', 'c-lock', 'Ticket 90377', NULL, '01a0c450-6c00-7b3b-9efa-f10b76d3d953', '{"to":["kim@example.com"],"subject":"Re: I would like to cancel","body":"Hello Kim,\n\nyour subscription has ended today, and nothing more will be charged.\n\nAll the best,\nAlice","threadId":"19aab3f0c2d41e77","inReplyTo":"<CAJx1@mail.example.com>"}', '\x2e0213c253b2cdd58f9be9f1c637af8f1c578ba54b3645c8986de62adcb451e2', 'Confirm the cancellation', NULL, NULL, NULL, NULL, '\xab10def8b8ffb36e5a6e70e021aa1d59f4b25b556c1e062a9c94862a397ffd3a', '2026-09-21 14:14:51+00', '2026-09-21 14:44:51+00', 'pending', NULL, NULL, NULL, NULL, NULL, NULL),
	('01a0c452-1d98-774c-a867-653157eb8edf', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0BOB', 'atlas', 'Atlas', 'c-1', NULL, NULL, '01a0c452-1d98-748f-94da-f175786ca2ce', '{"amount":12.5,"list":[1,"two",null]}', '\xcffe9da78d32a6ef5f313504cd44f55f229d93c115f5a97a61dd60a48c0fa0e7', NULL, NULL, NULL, NULL, NULL, '\xaf89d7e6764e8f313c21b9bc18ae5f97e0418f233ddc2a2a4ee0df0d450eca66', '2026-09-21 14:15:11+00', '2026-09-21 14:45:11+00', 'pending', NULL, NULL, NULL, NULL, NULL, NULL),
	('01a0c452-1d98-7d98-9e3b-51cf340c513a', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0ALICE', 'quill', 'Quill', 'c-refund-2', 'Ticket 90211', NULL, '01a0c450-6c00-74f4-82c0-f5f891a1ce1c', '{"payment_intent":"pi_3SVoucherOffByOne","amount":1}', '\xb1ec7c6d5eaeff98a192156bcfbbe6f18de11b504fea54d98df01426a95b4fb9', 'One cent too much was charged', NULL, NULL, NULL, NULL, '\x06ea40d14eb04c82e6511cabb899fa402d60e5fb12610573bde79d5a3d47d2b0', '2026-09-21 14:15:11+00', '2026-09-21 14:45:11+00', 'approved', 'once', 'user', 'U0ALICE', NULL, NULL, '2026-09-21 14:15:11+00'),
	('01a0c452-1d98-7442-b401-44a989a97c63', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'U0BOB', 'scout', 'Scout', 'c-bob', 'Voucher rounding', NULL, '01a0c450-6c00-7663-97a0-c251baaadc2c', '{"owner":"acme","repo":"checkout","title":"Cart total off by one cent with a voucher","body":"## What happens\n\nSince 14.2 the cart total is off by one cent when a voucher is applied **after** shipping was chosen.\n\n## How to see it\n\n1. Put two items at 9.99 in the cart\n2. Choose *express* shipping\n3. Apply `WELCOME10`\n\n```\nexpected  22.97\ngot       22.98\n```\n\n## Where it comes from\n\n`PriceBreakdown::apply` rounds each line before it subtracts the voucher. The order of the two steps changed in 4f2c9e1.\n\n| voucher | before shipping | after shipping |\n| ------- | --------------- | -------------- |\n| none    | 24.97           | 24.97          |\n| 10 %    | 22.97           | 22.98          |\n| 5.00    | 19.97           | 19.98          |\n\n- [ ] round once, at the end\n- [ ] property test: the order of steps does not change the total\n- [ ] correct the 312 orders since Tuesday"}', '\xdf15ae42975f0880b870eed618d275c5e6f8578aede4f83233dd65a899559553', 'Write down the bug that support reported', NULL, NULL, NULL, NULL, '\x9c8f7a9113487a81cfa361cbc61225aa2b81a4679f5ac7a467c3ca38d60e2a4f', '2026-09-21 14:15:11+00', '2026-09-21 14:45:11+00', 'pending', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.attempts VALUES
	('01a0c450-6c00-727f-8216-a3bc421bfcf7', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7ee5-a413-6f5aba6b4a51', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-782a-8c8c-87cafb2a6fa0', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7edf-921c-004eb45a03bf', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7191-8f05-4ee6743e9fd6', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7d15-abc4-87feb640ede1', 1, '2026-09-21 14:13:20+00', 0, 'done', 204, ''),
	('01a0c450-6c00-7ea5-9806-1a89a5ce56f6', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-75c0-835a-196b1578ce51', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7d3d-83f5-25edd44f9c16', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-706b-806a-efa7a07e8d99', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7d93-8379-d36582c8f22c', 1, '2026-09-21 14:13:20+00', 0, 'done', 204, ''),
	('01a0c450-6c00-731d-9a13-9efdcaa1852a', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-76fa-9d9f-698639f49282', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7037-9fbd-ef5295bd30e1', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-77b2-985e-e010f825564c', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-71e3-b256-9b97ec03f9f3', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7170-8a8a-25115ec9080b', 1, '2026-09-21 14:13:20+00', 0, 'done', 204, ''),
	('01a0c450-6c00-730b-a4dd-dbc920d00138', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-76d0-b9ed-30d8658daad3', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-71f5-998f-82d2f676771d', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7f1b-bbaa-195254c0dadf', 1, '2026-09-21 14:13:20+00', 0, 'done', 204, ''),
	('01a0c450-6c00-7281-a933-3534ac436dd9', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7588-8f1c-bf8206826a54', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-763a-8b82-8e1fdf78082f', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-7dad-8ee7-74db61e87c9e', 1, '2026-09-21 14:13:20+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-779b-afd1-5103ba1d90cb', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-6c00-76da-b70b-f96a33f56682', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-7d57-b5c0-57a1c55222d0', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-707e-8d16-64570ca090dd', 1, '2026-09-21 14:13:40+00', 0, 'done', 204, ''),
	('01a0c450-ba20-7d24-98f7-7377a30c5ffb', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-7818-8532-77bfb6640d13', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-7752-ae98-c1afecff11a4', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-736e-89d2-43f17ec766aa', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-7847-8c7c-f9ca9512a996', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-7f7d-a5d5-7ab6916d1f87', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-7d2a-a614-71718d6f0e60', 1, '2026-09-21 14:13:40+00', 0, 'done', 204, ''),
	('01a0c450-ba20-7b0e-bb94-f4c21403ace0', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-76f9-94af-c689432f64cb', 1, '2026-09-21 14:13:40+00', 0, 'done', NULL, NULL),
	('01a0c451-0840-7971-a968-1b042dc9780c', 1, '2026-09-21 14:14:00+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-7a55-bb03-1964cee85210', 1, '2026-09-21 14:14:00+00', 0, 'done', NULL, NULL),
	('01a0c450-ba20-7dcc-8beb-f6fd536b56cc', 1, '2026-09-21 14:14:00+00', 0, 'done', NULL, NULL),
	('01a0c451-0840-7892-96dd-3cf127999206', 1, '2026-09-21 14:14:00+00', 0, 'done', NULL, NULL),
	('01a0c451-8158-73b1-bcaf-c559e7a7495c', 1, '2026-09-21 14:14:31+00', 0, 'done', NULL, NULL),
	('01a0c451-8158-7871-a79d-cc5af30366d5', 1, '2026-09-21 14:14:31+00', 0, 'done', 204, ''),
	('01a0c451-8158-7f47-b1d5-568f9c41f2fb', 1, '2026-09-21 14:14:31+00', 0, 'done', NULL, NULL),
	('01a0c451-8158-7672-b93b-eebc10cec598', 1, '2026-09-21 14:14:31+00', 0, 'done', NULL, NULL),
	('01a0c451-8158-7225-83fc-ccadbbe71005', 1, '2026-09-21 14:14:31+00', 0, 'done', NULL, NULL),
	('01a0c451-8158-70cc-8631-3f7565a0f4ef', 1, '2026-09-21 14:14:31+00', 0, 'done', 204, ''),
	('01a0c451-8158-7c2b-9bc1-1dcb5178d7e3', 1, '2026-09-21 14:14:31+00', 0, 'done', NULL, NULL),
	('01a0c451-8158-7e8f-9152-49885ec65f15', 1, '2026-09-21 14:14:31+00', 0, 'done', NULL, NULL),
	('01a0c451-8158-7e88-b77a-662b67f7c6ff', 1, '2026-09-21 14:14:31+00', 0, 'done', NULL, NULL),
	('01a0c451-8158-72bd-bd47-b41a2499eaad', 1, '2026-09-21 14:14:31+00', 0, 'done', NULL, NULL),
	('01a0c451-8158-78fe-aa9c-43facec3c5a3', 1, '2026-09-21 14:14:31+00', 0, 'done', 204, ''),
	('01a0c451-8158-78d8-9f28-1d885a89b351', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7aea-9e0e-8af1cf79fb09', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7fed-ade0-5e1be0b59370', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-76cc-b8a9-86e9b433c8ea', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7324-9485-a32154693297', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-70b3-8e19-6d276284e948', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7936-882a-38ec07d1399a', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7cbe-8cf1-cf6784a7d54f', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7322-ad9b-4301fe0ba08e', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7e88-9ddb-fda2f41840da', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-74d9-8dee-ef1d749e30fb', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7255-b6b2-9fa8bfe9c485', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-71b4-baec-d2cb9153bb0b', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-74c8-b050-7320c158cbf6', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7d00-9e47-1929a527ac52', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7c05-b61e-37b13a235afc', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7a19-8139-aa44b12668c2', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7add-9a95-b578ca6247d1', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-763d-b8cd-54c3ff709671', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c451-cf78-7711-8770-07e00fb30bf7', 1, '2026-09-21 14:14:51+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7373-9ce4-7a70e628de0e', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7af1-892d-3a96045f251c', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-763d-9839-85054366f9f9', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7edd-beeb-6d0c8ce92755', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7f08-a953-b1ac309185f4', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7e5d-9f8a-54560a3da18a', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7db0-b75b-f9cbac51df8d', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7116-a97b-33c2f3782b2c', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7eb1-b762-39f52f00603a', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7280-b2e0-a57adc42477e', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-791f-a161-f119dc6d1ce3', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-71b3-83ad-6f80d597d4c0', 1, '2026-09-21 14:15:11+00', 0, 'later', 500, ''),
	('01a0c452-1d98-7f80-95ca-ce6fd2a18f6f', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-7c55-9bf7-0190178c5d75', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-778a-b91c-596e0d30a16c', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL),
	('01a0c452-1d98-78f1-96f6-88a7e1b7d0f4', 1, '2026-09-21 14:15:11+00', 0, 'done', NULL, NULL);
INSERT INTO public.audit OVERRIDING SYSTEM VALUE VALUES
	(1, '745', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'operator', NULL, 'backend.created', NULL, NULL, 'agents', NULL, '{"id": "bck_01a0c4506c007bd2ba7c6873c97e24da", "webhook_origin": "http://127.0.0.1:43403"}', 0),
	(2, '747', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'integration.put', NULL, NULL, 'github', '{"name": "github", "changed": {}, "requires_connection": true}', '{"name": "GitHub", "added": ["list_issues", "search_code", "get_file_contents", "pull_request_read", "create_issue", "add_issue_comment", "issue_write", "create_branch", "create_or_update_file", "push_files", "delete_file", "create_pull_request", "merge_pull_request", "actions_run_trigger", "create_gist", "delete_repository"], "changed": {}, "retired": 0, "requires_connection": true}', 0),
	(3, '748', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'operator', NULL, 'action.unlocked', NULL, NULL, 'github.create_issue', '{"unlocked": false}', '{"unlocked": true}', 0),
	(4, '749', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'connection.added', NULL, NULL, 'U0ALICE github', NULL, NULL, 0),
	(5, '750', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'integration.put', NULL, NULL, 'gmail', '{"name": "gmail", "changed": {}, "requires_connection": true}', '{"name": "Gmail", "added": ["search_emails", "read_email", "send_email", "draft_email", "modify_email", "delete_email", "batch_delete_emails", "create_filter", "delete_label", "download_attachment"], "changed": {}, "retired": 0, "requires_connection": true}', 0),
	(6, '751', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'integration.put', NULL, NULL, 'salesforce', '{"name": "salesforce", "changed": {}, "requires_connection": true}', '{"name": "Salesforce", "added": ["salesforce_query_records", "salesforce_search_all", "salesforce_describe_object", "salesforce_dml_records", "salesforce_manage_field", "salesforce_manage_field_permissions", "salesforce_execute_anonymous", "salesforce_write_apex"], "changed": {}, "retired": 0, "requires_connection": true}', 0),
	(7, '752', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'integration.put', NULL, NULL, 'stripe', '{"name": "stripe", "changed": {}, "requires_connection": true}', '{"name": "Stripe", "added": ["retrieve_balance", "list_customers", "list_subscriptions", "list_disputes", "create_customer", "create_payment_link", "create_invoice", "create_refund", "update_subscription", "cancel_subscription", "update_dispute"], "changed": {}, "retired": 0, "requires_connection": true}', 0),
	(8, '753', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'integration.put', NULL, NULL, 'slack', '{"name": "slack", "changed": {}, "requires_connection": true}', '{"name": "Slack", "added": ["conversations_history", "conversations_search_messages", "users_search", "channels_list", "conversations_add_message", "reactions_add", "conversations_mark", "usergroups_create", "usergroups_users_update"], "changed": {}, "retired": 0, "requires_connection": true}', 0),
	(9, '754', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'integration.put', NULL, NULL, 'postgres', '{"name": "postgres", "changed": {}, "requires_connection": true}', '{"name": "Postgres", "added": ["list_schemas", "list_objects", "get_object_details", "explain_query", "execute_sql", "analyze_db_health", "get_top_queries"], "changed": {}, "retired": 0, "requires_connection": false}', 0),
	(10, '755', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'connection.added', NULL, NULL, 'U0BOB github', NULL, NULL, 0),
	(11, '763', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c450-6c00-733f-b773-b4484bc6af4f', NULL, 'github.create_issue', NULL, NULL, 0),
	(12, '771', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'user', 'U0ALICE', 'approval.approved', '01a0c450-6c00-733f-b773-b4484bc6af4f', NULL, 'github.create_issue', '{"status": "pending"}', '{"by": "user", "user": "U0ALICE", "scope": "once"}', 0),
	(13, '776', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c450-6c00-7f27-a33d-b588b2ca0827', NULL, 'github.create_issue', NULL, NULL, 0),
	(14, '784', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'user', 'U0ALICE', 'approval.denied', '01a0c450-6c00-7f27-a33d-b588b2ca0827', NULL, 'github.create_issue', '{"status": "pending"}', '{"by": "user", "user": "U0ALICE", "scope": null}', 0),
	(15, '791', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c450-6c00-7ecb-bfd6-49afba2b6de8', NULL, 'github.create_issue', NULL, NULL, 0),
	(16, '798', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'user', 'U0ALICE', 'approval.approved', '01a0c450-6c00-7ecb-bfd6-49afba2b6de8', '01a0c450-6c00-7ccf-87ce-558ab9e9efa4', 'github.create_issue', '{"status": "pending"}', '{"by": "user", "user": "U0ALICE", "scope": "conversation"}', 0),
	(17, '798', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'user', 'U0ALICE', 'grant.given', '01a0c450-6c00-7ecb-bfd6-49afba2b6de8', '01a0c450-6c00-7ccf-87ce-558ab9e9efa4', 'github.create_issue', NULL, '{"scope": "conversation"}', 0),
	(18, '804', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'service', NULL, 'approval.approved', '01a0c450-6c00-75b3-a034-c2a9bee601d3', '01a0c450-6c00-7ccf-87ce-558ab9e9efa4', 'github.create_issue', NULL, '{"by": "auto", "user": "U0ALICE", "scope": "conversation"}', 0),
	(19, '806', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c450-6c00-70c9-9f54-eef3b9b880f7', NULL, 'github.create_issue', NULL, NULL, 0),
	(20, '813', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'user', 'U0ALICE', 'approval.approved', '01a0c450-6c00-70c9-9f54-eef3b9b880f7', '01a0c450-6c00-79c0-9d0e-19426b4a3a85', 'github.create_issue', '{"status": "pending"}', '{"by": "user", "user": "U0ALICE", "scope": "conversation"}', 0),
	(21, '813', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'user', 'U0ALICE', 'grant.given', '01a0c450-6c00-70c9-9f54-eef3b9b880f7', '01a0c450-6c00-79c0-9d0e-19426b4a3a85', 'github.create_issue', NULL, '{"scope": "conversation"}', 0),
	(22, '818', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'conversation.closed', NULL, NULL, 'c-closed', NULL, NULL, 0),
	(23, '818', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:20+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'grant.revoked', NULL, '01a0c450-6c00-79c0-9d0e-19426b4a3a85', 'U0ALICE', '{"scope": "conversation"}', '{"why": "conversation_closed"}', 0),
	(24, '826', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c450-ba20-7bef-9258-7625c8247ab5', NULL, 'github.create_issue', NULL, NULL, 0),
	(25, '833', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'user', 'U0ALICE', 'approval.approved', '01a0c450-ba20-7bef-9258-7625c8247ab5', '01a0c450-ba20-774b-a793-688aa127e81f', 'github.create_issue', '{"status": "pending"}', '{"by": "user", "user": "U0ALICE", "scope": "always"}', 0),
	(26, '833', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'user', 'U0ALICE', 'grant.given', '01a0c450-ba20-7bef-9258-7625c8247ab5', '01a0c450-ba20-774b-a793-688aa127e81f', 'github.create_issue', NULL, '{"scope": "always"}', 0),
	(27, '839', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'user', 'U0ALICE', 'grant.revoked', NULL, '01a0c450-ba20-774b-a793-688aa127e81f', 'U0ALICE', '{"scope": "always"}', '{"why": "turned_off"}', 0),
	(28, '839', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'user', 'U0ALICE', 'grant.revoked', NULL, '01a0c450-6c00-7ccf-87ce-558ab9e9efa4', 'U0ALICE', '{"scope": "conversation"}', '{"why": "turned_off"}', 0),
	(29, '842', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c450-ba20-7656-9df9-0ab198042f74', NULL, 'github.create_issue', NULL, NULL, 0),
	(30, '850', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'user', 'U0ALICE', 'approval.approved', '01a0c450-ba20-7656-9df9-0ab198042f74', '01a0c450-ba20-7931-8545-e6d05e8fd670', 'github.create_issue', '{"status": "pending"}', '{"by": "user", "user": "U0ALICE", "scope": "always"}', 0),
	(31, '850', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'user', 'U0ALICE', 'grant.given', '01a0c450-ba20-7656-9df9-0ab198042f74', '01a0c450-ba20-7931-8545-e6d05e8fd670', 'github.create_issue', NULL, '{"scope": "always"}', 0),
	(33, '858', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'service', NULL, 'approval.approved', '01a0c450-ba20-7130-8aa6-b3a657a819bf', '01a0c450-ba20-7931-8545-e6d05e8fd670', 'github.create_issue', NULL, '{"by": "auto", "user": "U0ALICE", "scope": "always"}', 0),
	(32, '856', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'service', NULL, 'approval.approved', '01a0c450-ba20-7365-8244-0980394f2464', '01a0c450-ba20-7931-8545-e6d05e8fd670', 'github.create_issue', NULL, '{"by": "auto", "user": "U0ALICE", "scope": "always"}', 0),
	(34, '859', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'service', NULL, 'approval.approved', '01a0c450-ba20-7047-8582-fa90de2b9ea1', '01a0c450-ba20-7931-8545-e6d05e8fd670', 'github.create_issue', NULL, '{"by": "auto", "user": "U0ALICE", "scope": "always"}', 0),
	(37, '864', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:00+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c451-0840-7f50-bdaf-9dea95cf9170', NULL, 'gmail.send_email', NULL, NULL, 0),
	(38, '872', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:31+00', 'service', NULL, 'approval.expired', '01a0c451-0840-7f50-bdaf-9dea95cf9170', NULL, 'gmail.send_email', '{"status": "pending"}', '{"by": "auto", "user": "U0ALICE", "scope": null}', 0),
	(42, '894', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:31+00', 'service', NULL, 'approval.undeliverable', '01a0c451-8158-75e6-be26-092fb3a6dd99', NULL, 'gmail.send_email', '{"status": "pending"}', '{"by": "auto", "user": "U0NOBODY", "scope": null}', 0),
	(46, '918', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:51+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'connection.added', NULL, NULL, 'U0ALICE salesforce', NULL, NULL, 0),
	(49, '938', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:51+00', 'user', 'U0ADMIN', 'action.unlocked', NULL, NULL, 'salesforce.salesforce_dml_records', '{"unlocked": false}', '{"unlocked": true}', 0),
	(53, '955', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c452-1d98-7bf9-9964-99467fff4854', NULL, 'stripe.create_refund', NULL, NULL, 0),
	(55, '965', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c452-1d98-7442-b401-44a989a97c63', NULL, 'github.create_issue', NULL, NULL, 0),
	(35, '861', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'service', NULL, 'approval.approved', '01a0c450-ba20-7856-a517-51ad49eac865', '01a0c450-ba20-7931-8545-e6d05e8fd670', 'github.create_issue', NULL, '{"by": "auto", "user": "U0ALICE", "scope": "always"}', 0),
	(36, '862', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:13:40+00', 'service', NULL, 'approval.approved', '01a0c450-ba20-7a52-8faa-84c04507cad8', '01a0c450-ba20-7931-8545-e6d05e8fd670', 'github.create_issue', NULL, '{"by": "auto", "user": "U0ALICE", "scope": "always"}', 0),
	(50, '949', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'user', 'U0ALICE', 'grant.given', NULL, '01a0c452-1d98-73be-b571-35691976c017', 'salesforce.salesforce_dml_records', NULL, '{"from": "settings", "scope": "always"}', 0),
	(39, '878', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:31+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c451-8158-72ba-aaa3-dbb2bf488daa', NULL, 'gmail.send_email', NULL, NULL, 0),
	(41, '891', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:31+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c451-8158-75e6-be26-092fb3a6dd99', NULL, 'gmail.send_email', NULL, NULL, 0),
	(47, '919', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:51+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c451-cf78-723b-8b97-b4a1eb509e32', NULL, 'salesforce.salesforce_dml_records', NULL, NULL, 0),
	(54, '963', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c452-1d98-70aa-8e1f-ef986761c04f', NULL, 'slack.conversations_add_message', NULL, NULL, 0),
	(60, '995', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'service', NULL, 'approval.approved', '01a0c452-1d98-7168-8ce6-a499753bfe85', '01a0c450-ba20-7931-8545-e6d05e8fd670', 'github.create_issue', NULL, '{"by": "auto", "user": "U0ALICE", "scope": "always"}', 0),
	(40, '884', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:31+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.cancelled', '01a0c451-8158-72ba-aaa3-dbb2bf488daa', NULL, 'gmail.send_email', '{"status": "pending"}', '{"by": "backend", "user": "U0ALICE", "scope": null}', 0),
	(43, '901', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:51+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'connection.added', NULL, NULL, 'U0ALICE gmail', NULL, NULL, 0),
	(44, '903', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:51+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c451-cf78-7125-acc9-8141f452cc71', NULL, 'gmail.send_email', NULL, NULL, 0),
	(45, '911', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:51+00', 'user', 'U0ALICE', 'unlock.requested', NULL, NULL, 'gmail.send_email', NULL, '{"request": "unl_01a0c451cf787687baac4201d4c063c9"}', 0),
	(48, '927', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:14:51+00', 'user', 'U0ALICE', 'unlock.requested', NULL, NULL, 'salesforce.salesforce_dml_records', NULL, '{"request": "unl_01a0c451cf787459a65db8ba129cb5ab"}', 0),
	(51, '952', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'action.registered', NULL, NULL, 'homemade.do_it', NULL, '{"locked": true}', 0),
	(52, '952', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c452-1d98-774c-a867-653157eb8edf', NULL, 'homemade.do_it', NULL, NULL, 0),
	(56, '975', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'backend', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'approval.requested', '01a0c452-1d98-7d98-9e3b-51cf340c513a', NULL, 'stripe.create_refund', NULL, NULL, 0),
	(57, '980', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'user', 'U0ALICE', 'approval.approved', '01a0c452-1d98-7d98-9e3b-51cf340c513a', NULL, 'stripe.create_refund', '{"status": "pending"}', '{"by": "user", "user": "U0ALICE", "scope": "once"}', 0),
	(58, '992', '01a0c452-1d98-7408-be81-e62aecd84abf', '2026-09-21 14:15:11+00', 'service', NULL, 'workspace.installed', NULL, NULL, 'T0OTHER', NULL, '{"again": false, "tokens_rotate": false}', 0),
	(59, '993', '01a0c450-6c00-7363-a7bc-246a6180ed93', '2026-09-21 14:15:11+00', 'operator', NULL, 'backend.created', NULL, NULL, 'another', NULL, '{"id": "bck_01a0c4521d987b5289eda4ac227c4b2d", "webhook_origin": "http://127.0.0.1:43403"}', 0);
INSERT INTO public.audit_eras VALUES
	(0, NULL);
INSERT INTO public.backends VALUES
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'agents', 'http://127.0.0.1:1/webhook', '\x0172cd6e84f5ab48189d6d0733cc0879f04206c559b89a5191eaefa3f0e1a6150e6ae84a0d215ff394fc12e37013bcd98abdf307531aabc4a8b14df052d3c5335d749c9243826ebb5da0a0c07a364eb261d1db8d1f55247b1be402ef330b98', NULL, NULL, NULL, NULL, '2026-09-21 14:13:20+00', NULL, '2026-09-21 14:15:11+00'),
	('01a0c452-1d98-7b52-89ed-a4ac227c4b2d', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'another', 'http://127.0.0.1:1/webhook', '\x0172cd6e8451f6f04747297736fbefe0a37f2519edf1b153410e2e29761e7a138ce6aca4c81ae03fa2225efd6fe8d3d65e57b2effb4bc037ab74182258728ee6247772c963bfadc35c89d9359c719b33a14a5c05631099d0d2d56a6584d97e', NULL, NULL, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL);
INSERT INTO public.connections VALUES
	('01a0c450-6c00-75d0-9f98-19f0168ce633', 'U0ALICE', '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-75d0-9f98-19f0168ce633', 'U0BOB', '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7fda-882f-95926abc5b2e', 'U0ALICE', '2026-09-21 14:14:51+00'),
	('01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', 'U0ALICE', '2026-09-21 14:14:51+00');
INSERT INTO public.conversations VALUES
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-once', 'Voucher rounding', NULL, '2026-09-21 14:13:20+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-denied', 'Voucher rounding', NULL, '2026-09-21 14:13:20+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-conv', 'Voucher rounding', NULL, '2026-09-21 14:13:20+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-closed', 'Voucher rounding', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-always', 'Voucher rounding', NULL, '2026-09-21 14:13:40+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-always-2', 'Voucher rounding', NULL, '2026-09-21 14:13:40+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-auto-0', 'Voucher rounding', NULL, '2026-09-21 14:13:40+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-auto-1', 'Voucher rounding', NULL, '2026-09-21 14:13:40+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-auto-2', 'Voucher rounding', NULL, '2026-09-21 14:13:40+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-auto-3', 'Voucher rounding', NULL, '2026-09-21 14:13:40+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-auto-4', 'Voucher rounding', NULL, '2026-09-21 14:13:40+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-exp', 'Ticket 90377', NULL, '2026-09-21 14:14:00+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-cancel', 'Ticket 90377', NULL, '2026-09-21 14:14:31+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-undeliv', 'Ticket 90377', NULL, '2026-09-21 14:14:31+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-lock', 'Ticket 90377', NULL, '2026-09-21 14:14:51+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-lock2', 'Q3 pipeline', NULL, '2026-09-21 14:14:51+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-1', NULL, NULL, '2026-09-21 14:15:11+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-refund', 'Ticket 90211', NULL, '2026-09-21 14:15:11+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-chan', 'Q3 pipeline', NULL, '2026-09-21 14:15:11+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-bob', 'Voucher rounding', NULL, '2026-09-21 14:15:11+00', NULL),
	('01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-refund-2', 'Ticket 90211', NULL, '2026-09-21 14:15:11+00', NULL),
	('01a0c452-1d98-7b52-89ed-a4ac227c4b2d', 'c-other', 'Voucher rounding', NULL, '2026-09-21 14:15:11+00', NULL);
INSERT INTO public.grants VALUES
	('01a0c450-6c00-79c0-9d0e-19426b4a3a85', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'U0ALICE', '01a0c450-6c00-7663-97a0-c251baaadc2c', 'conversation', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-closed', '2026-09-21 14:13:20+00', 0, NULL, '2026-09-21 14:13:20+00', 'bck_01a0c4506c007bd2ba7c6873c97e24da', 'conversation_closed'),
	('01a0c450-ba20-774b-a793-688aa127e81f', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'U0ALICE', '01a0c450-6c00-7663-97a0-c251baaadc2c', 'always', NULL, NULL, '2026-09-21 14:13:40+00', 0, NULL, '2026-09-21 14:13:40+00', 'U0ALICE', 'turned_off'),
	('01a0c450-6c00-7ccf-87ce-558ab9e9efa4', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'U0ALICE', '01a0c450-6c00-7663-97a0-c251baaadc2c', 'conversation', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', 'c-conv', '2026-09-21 14:13:20+00', 1, '2026-09-21 14:13:20+00', '2026-09-21 14:13:40+00', 'U0ALICE', 'turned_off'),
	('01a0c452-1d98-73be-b571-35691976c017', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'U0ALICE', '01a0c450-6c00-7773-90f5-57c63f2e7612', 'always', NULL, NULL, '2026-09-21 14:15:11+00', 0, NULL, NULL, NULL, NULL),
	('01a0c450-ba20-7931-8545-e6d05e8fd670', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'U0ALICE', '01a0c450-6c00-7663-97a0-c251baaadc2c', 'always', NULL, NULL, '2026-09-21 14:13:40+00', 6, '2026-09-21 14:15:11+00', NULL, NULL, NULL);
INSERT INTO public.homes VALUES
	('01a0c450-6c00-7363-a7bc-246a6180ed93', 'U0ALICE', '2026-09-21 14:13:20+00', false, '{}'),
	('01a0c450-6c00-7363-a7bc-246a6180ed93', 'U0BOB', '2026-09-21 14:13:20+00', false, '{}'),
	('01a0c450-6c00-7363-a7bc-246a6180ed93', 'U0ADMIN', '2026-09-21 14:13:20+00', true, '{}');
INSERT INTO public.integrations VALUES
	('01a0c450-6c00-75d0-9f98-19f0168ce633', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'github', 'GitHub', 'Repositories, issues and pull requests of your organisation.', true, 'https://agents.example/connect/github', '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7fda-882f-95926abc5b2e', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'gmail', 'Gmail', 'Your mailbox: reading, sending, labels and filters.', true, 'https://agents.example/connect/gmail', '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-77d4-bd4c-38c0b4fdbbe5', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'salesforce', 'Salesforce', 'Accounts, contacts, opportunities and their set-up.', true, 'https://agents.example/connect/salesforce', '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7e1a-b625-e703b33ff24f', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'stripe', 'Stripe', 'Customers, subscriptions, invoices and refunds.', true, 'https://agents.example/connect/stripe', '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-7ea6-8a54-7e698d58092c', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'slack', 'Slack', 'Messages, reactions and user groups of your workspace.', true, 'https://agents.example/connect/slack', '2026-09-21 14:13:20+00'),
	('01a0c450-6c00-75c9-a097-af1880621f0d', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'postgres', 'Postgres', 'The reporting database. It is the same for everybody, so nobody has to connect it.', false, NULL, '2026-09-21 14:13:20+00'),
	('01a0c452-1d98-70f6-92b7-06c06ee2b002', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'homemade', 'homemade', NULL, true, NULL, '2026-09-21 14:15:11+00');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES
	('01a0c450-6c00-727f-8216-a3bc421bfcf7', 1, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-76fa-9d9f-698639f49282', 14, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7ee5-a413-6f5aba6b4a51', 2, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0BOB', NULL, NULL, 'U0BOB', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-782a-8c8c-87cafb2a6fa0', 4, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-733f-b773-b4484bc6af4f', '01a0c450-6c00-733f-b773-b4484bc6af4f', NULL, NULL, NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7edf-921c-004eb45a03bf', 3, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7191-8f05-4ee6743e9fd6', 5, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7037-9fbd-ef5295bd30e1', 15, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-7ecb-bfd6-49afba2b6de8', '01a0c450-6c00-7ecb-bfd6-49afba2b6de8', NULL, NULL, NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-77b2-985e-e010f825564c', 16, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7d15-abc4-87feb640ede1', 7, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c450-6c00-733f-b773-b4484bc6af4f', '01a0c450-6c00-733f-b773-b4484bc6af4f', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.approved', '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7ea5-9806-1a89a5ce56f6', 6, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-733f-b773-b4484bc6af4f', '01a0c450-6c00-733f-b773-b4484bc6af4f', NULL, NULL, NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-75c0-835a-196b1578ce51', 8, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7d3d-83f5-25edd44f9c16', 9, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-7f27-a33d-b588b2ca0827', '01a0c450-6c00-7f27-a33d-b588b2ca0827', NULL, NULL, NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-706b-806a-efa7a07e8d99', 10, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-707e-8d16-64570ca090dd', 31, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c450-ba20-7bef-9258-7625c8247ab5', '01a0c450-ba20-7bef-9258-7625c8247ab5', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.approved', '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7d93-8379-d36582c8f22c', 13, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c450-6c00-7f27-a33d-b588b2ca0827', '01a0c450-6c00-7f27-a33d-b588b2ca0827', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.denied', '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-731d-9a13-9efdcaa1852a', 12, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-7f27-a33d-b588b2ca0827', '01a0c450-6c00-7f27-a33d-b588b2ca0827', NULL, NULL, NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-779b-afd1-5103ba1d90cb', 28, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-ba20-7bef-9258-7625c8247ab5', '01a0c450-ba20-7bef-9258-7625c8247ab5', NULL, NULL, NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7f1b-bbaa-195254c0dadf', 24, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c450-6c00-70c9-9f54-eef3b9b880f7', '01a0c450-6c00-70c9-9f54-eef3b9b880f7', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.approved', '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-71e3-b256-9b97ec03f9f3', 17, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-7ecb-bfd6-49afba2b6de8', '01a0c450-6c00-7ecb-bfd6-49afba2b6de8', NULL, NULL, NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7170-8a8a-25115ec9080b', 18, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c450-6c00-7ecb-bfd6-49afba2b6de8', '01a0c450-6c00-7ecb-bfd6-49afba2b6de8', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.approved', '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-730b-a4dd-dbc920d00138', 19, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7281-a933-3534ac436dd9', 23, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-70c9-9f54-eef3b9b880f7', '01a0c450-6c00-70c9-9f54-eef3b9b880f7', NULL, NULL, NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-76c5-97bf-e6061c5ac261', 20, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:23+00', 0, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-76d0-b9ed-30d8658daad3', 21, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-70c9-9f54-eef3b9b880f7', '01a0c450-6c00-70c9-9f54-eef3b9b880f7', NULL, NULL, NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-71f5-998f-82d2f676771d', 22, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7588-8f1c-bf8206826a54', 25, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-76da-b70b-f96a33f56682', 11, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:23+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7d57-b5c0-57a1c55222d0', 29, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-763a-8b82-8e1fdf78082f', 26, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-70c9-9f54-eef3b9b880f7', '01a0c450-6c00-70c9-9f54-eef3b9b880f7', NULL, NULL, NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-6c00-7dad-8ee7-74db61e87c9e', 27, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:20+00', '2026-09-21 14:13:20+00', 1, NULL, NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7d24-98f7-7377a30c5ffb', 30, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-ba20-7bef-9258-7625c8247ab5', '01a0c450-ba20-7bef-9258-7625c8247ab5', NULL, NULL, NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-736e-89d2-43f17ec766aa', 36, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-6c00-7ecb-bfd6-49afba2b6de8', '01a0c450-6c00-7ecb-bfd6-49afba2b6de8', NULL, NULL, NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7847-8c7c-f9ca9512a996', 38, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-ba20-7656-9df9-0ab198042f74', '01a0c450-ba20-7656-9df9-0ab198042f74', NULL, NULL, NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7818-8532-77bfb6640d13', 32, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-760e-b5bf-dbc157be0ebe', 37, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 0, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7dfd-be48-f4b7414cb43f', 39, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 0, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7f7d-a5d5-7ab6916d1f87', 35, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7752-ae98-c1afecff11a4', 34, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-ba20-7bef-9258-7625c8247ab5', '01a0c450-ba20-7bef-9258-7625c8247ab5', NULL, NULL, NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7b0e-bb94-f4c21403ace0', 40, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c450-ba20-7656-9df9-0ab198042f74', '01a0c450-ba20-7656-9df9-0ab198042f74', NULL, NULL, NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7d2a-a614-71718d6f0e60', 41, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c450-ba20-7656-9df9-0ab198042f74', '01a0c450-ba20-7656-9df9-0ab198042f74', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.approved', '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7dcc-8beb-f6fd536b56cc', 33, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:43+00', 1, NULL, NULL, '2026-09-21 14:14:00+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-76f9-94af-c689432f64cb', 42, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1, NULL, NULL, '2026-09-21 14:13:40+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-7672-b93b-eebc10cec598', 50, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-8158-72ba-aaa3-dbb2bf488daa', '01a0c451-8158-72ba-aaa3-dbb2bf488daa', NULL, NULL, NULL, '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7373-9ce4-7a70e628de0e', 78, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7add-9a95-b578ca6247d1', 75, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-763d-b8cd-54c3ff709671', 76, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0BOB', NULL, NULL, 'U0BOB', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-0840-7971-a968-1b042dc9780c', 44, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-0840-7f50-bdaf-9dea95cf9170', '01a0c451-0840-7f50-bdaf-9dea95cf9170', NULL, NULL, NULL, '2026-09-21 14:14:00+00', '2026-09-21 14:14:00+00', 1, NULL, NULL, '2026-09-21 14:14:00+00', NULL, NULL, NULL, false, 0),
	('01a0c450-ba20-7a55-bb03-1964cee85210', 43, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:13:40+00', '2026-09-21 14:13:43+00', 1, NULL, NULL, '2026-09-21 14:14:00+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7711-8770-07e00fb30bf7', 77, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-0840-7892-96dd-3cf127999206', 45, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:00+00', '2026-09-21 14:14:00+00', 1, NULL, NULL, '2026-09-21 14:14:00+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-73b1-bcaf-c559e7a7495c', 46, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-0840-7f50-bdaf-9dea95cf9170', '01a0c451-0840-7f50-bdaf-9dea95cf9170', NULL, NULL, NULL, '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-7871-a79d-cc5af30366d5', 47, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c451-0840-7f50-bdaf-9dea95cf9170', '01a0c451-0840-7f50-bdaf-9dea95cf9170', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.expired', '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-7f47-b1d5-568f9c41f2fb', 48, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-78d8-9f28-1d885a89b351', 49, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:14:31+00', '2026-09-21 14:14:34+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-763d-9839-85054366f9f9', 82, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c452-1d98-7bf9-9964-99467fff4854', '01a0c452-1d98-7bf9-9964-99467fff4854', NULL, NULL, NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7e88-9ddb-fda2f41840da', 65, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7f08-a953-b1ac309185f4', 83, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7d00-9e47-1929a527ac52', 73, 'unlock_answer', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'unlock_answer:01a0c451-cf78-7459-a65d-b8ba129cb5ab:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, '01a0c451-cf78-7459-a65d-b8ba129cb5ab', false, 0),
	('01a0c451-cf78-7c05-b61e-37b13a235afc', 74, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-cf78-723b-8b97-b4a1eb509e32', '01a0c451-cf78-723b-8b97-b4a1eb509e32', NULL, NULL, NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7a19-8139-aa44b12668c2', 72, 'unlock_request', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'unlock_request:01a0c451-cf78-7459-a65d-b8ba129cb5ab', NULL, NULL, NULL, NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, '01a0c451-cf78-7459-a65d-b8ba129cb5ab', false, 0),
	('01a0c452-1d98-7db0-b75b-f9cbac51df8d', 86, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c452-1d98-7442-b401-44a989a97c63', '01a0c452-1d98-7442-b401-44a989a97c63', NULL, NULL, NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7116-a97b-33c2f3782b2c', 87, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0BOB', NULL, NULL, 'U0BOB', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-7225-83fc-ccadbbe71005', 51, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-7e88-b77a-662b67f7c6ff', 55, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-8158-75e6-be26-092fb3a6dd99', '01a0c451-8158-75e6-be26-092fb3a6dd99', NULL, NULL, NULL, '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7936-882a-38ec07d1399a', 66, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-cf78-723b-8b97-b4a1eb509e32', '01a0c451-cf78-723b-8b97-b4a1eb509e32', NULL, NULL, NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7e2c-be37-abcc6cdfad93', 67, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 0, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7e5d-9f8a-54560a3da18a', 84, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c452-1d98-70aa-8e1f-ef986761c04f', '01a0c452-1d98-70aa-8e1f-ef986761c04f', NULL, NULL, NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7eb1-b762-39f52f00603a', 85, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-70dd-8e4b-961a8fded831', 95, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:14+00', 0, NULL, NULL, NULL, NULL, NULL, NULL, false, 0),
	('01a0c451-8158-70cc-8631-3f7565a0f4ef', 53, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c451-8158-72ba-aaa3-dbb2bf488daa', '01a0c451-8158-72ba-aaa3-dbb2bf488daa', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.cancelled', '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-7e8f-9152-49885ec65f15', 54, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-7c2b-9bc1-1dcb5178d7e3', 52, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-8158-72ba-aaa3-dbb2bf488daa', '01a0c451-8158-72ba-aaa3-dbb2bf488daa', NULL, NULL, NULL, '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-778a-b91c-596e0d30a16c', 93, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-72bd-bd47-b41a2499eaad', 56, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-8158-75e6-be26-092fb3a6dd99', '01a0c451-8158-75e6-be26-092fb3a6dd99', NULL, NULL, NULL, '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c451-8158-78fe-aa9c-43facec3c5a3', 57, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c451-8158-75e6-be26-092fb3a6dd99', '01a0c451-8158-75e6-be26-092fb3a6dd99', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.undeliverable', '2026-09-21 14:14:31+00', '2026-09-21 14:14:31+00', 1, NULL, NULL, '2026-09-21 14:14:31+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7aea-9e0e-8af1cf79fb09', 58, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7fed-ade0-5e1be0b59370', 59, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-cf78-7125-acc9-8141f452cc71', '01a0c451-cf78-7125-acc9-8141f452cc71', NULL, NULL, NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-76cc-b8a9-86e9b433c8ea', 60, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7324-9485-a32154693297', 62, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-cf78-7125-acc9-8141f452cc71', '01a0c451-cf78-7125-acc9-8141f452cc71', NULL, NULL, NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-70b3-8e19-6d276284e948', 61, 'unlock_request', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'unlock_request:01a0c451-cf78-7687-baac-4201d4c063c9', NULL, NULL, NULL, NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, '01a0c451-cf78-7687-baac-4201d4c063c9', false, 0),
	('01a0c451-cf78-7cbe-8cf1-cf6784a7d54f', 63, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7322-ad9b-4301fe0ba08e', 64, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-7255-b6b2-9fa8bfe9c485', 68, 'unlock_request', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'unlock_request:01a0c451-cf78-7459-a65d-b8ba129cb5ab', NULL, NULL, NULL, NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, '01a0c451-cf78-7459-a65d-b8ba129cb5ab', false, 0),
	('01a0c451-cf78-74d9-8dee-ef1d749e30fb', 69, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c451-cf78-723b-8b97-b4a1eb509e32', '01a0c451-cf78-723b-8b97-b4a1eb509e32', NULL, NULL, NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-71b4-baec-d2cb9153bb0b', 70, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c451-cf78-74c8-b050-7320c158cbf6', 71, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 1, NULL, NULL, '2026-09-21 14:14:51+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7af1-892d-3a96045f251c', 80, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c452-1d98-774c-a867-653157eb8edf', '01a0c452-1d98-774c-a867-653157eb8edf', NULL, NULL, NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7edd-beeb-6d0c8ce92755', 81, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0BOB', NULL, NULL, 'U0BOB', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7280-b2e0-a57adc42477e', 88, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c452-1d98-7d98-9e3b-51cf340c513a', '01a0c452-1d98-7d98-9e3b-51cf340c513a', NULL, NULL, NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-791f-a161-f119dc6d1ce3', 89, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-71b3-83ad-6f80d597d4c0', 91, 'webhook', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'webhook:01a0c452-1d98-7d98-9e3b-51cf340c513a', '01a0c452-1d98-7d98-9e3b-51cf340c513a', '01a0c450-6c00-7bd2-ba7c-6873c97e24da', NULL, 'approval.approved', '2026-09-21 14:15:11+00', '2026-09-21 14:15:16.795+00', 1, NULL, NULL, NULL, NULL, '', NULL, false, 0),
	('01a0c452-1d98-7f80-95ca-ce6fd2a18f6f', 90, 'prompt', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'prompt:01a0c452-1d98-7d98-9e3b-51cf340c513a', '01a0c452-1d98-7d98-9e3b-51cf340c513a', NULL, NULL, NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7fe2-a945-b12392854f23', 79, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:14+00', 0, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-7c55-9bf7-0190178c5d75', 92, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ALICE', NULL, NULL, 'U0ALICE', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0),
	('01a0c452-1d98-78f1-96f6-88a7e1b7d0f4', 94, 'home', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'home:01a0c450-6c00-7363-a7bc-246a6180ed93:U0ADMIN', NULL, NULL, 'U0ADMIN', NULL, '2026-09-21 14:15:11+00', '2026-09-21 14:15:11+00', 1, NULL, NULL, '2026-09-21 14:15:11+00', NULL, NULL, NULL, false, 0);
INSERT INTO public.prompts VALUES
	('01a0c450-6c00-733f-b773-b4484bc6af4f', 'D0ALICE', '1790000000.000003', '2026-09-21 14:13:20+00', NULL),
	('01a0c450-6c00-7f27-a33d-b588b2ca0827', 'D0ALICE', '1790000000.000005', '2026-09-21 14:13:20+00', NULL),
	('01a0c450-6c00-7ecb-bfd6-49afba2b6de8', 'D0ALICE', '1790000000.000007', '2026-09-21 14:13:20+00', NULL),
	('01a0c450-6c00-70c9-9f54-eef3b9b880f7', 'D0ALICE', '1790000000.000009', '2026-09-21 14:13:20+00', NULL),
	('01a0c450-ba20-7bef-9258-7625c8247ab5', 'D0ALICE', '1790000020.000000', '2026-09-21 14:13:40+00', NULL),
	('01a0c450-ba20-7656-9df9-0ab198042f74', 'D0ALICE', '1790000020.000004', '2026-09-21 14:13:40+00', NULL),
	('01a0c451-0840-7f50-bdaf-9dea95cf9170', 'D0ALICE', '1790000040.000000', '2026-09-21 14:14:00+00', NULL),
	('01a0c451-8158-72ba-aaa3-dbb2bf488daa', 'D0ALICE', '1790000071.000001', '2026-09-21 14:14:31+00', NULL),
	('01a0c451-cf78-7125-acc9-8141f452cc71', 'D0ALICE', '1790000091.000000', '2026-09-21 14:14:51+00', NULL),
	('01a0c451-cf78-723b-8b97-b4a1eb509e32', 'D0ALICE', '1790000091.000004', '2026-09-21 14:14:51+00', NULL),
	('01a0c452-1d98-7bf9-9964-99467fff4854', 'D0ALICE', '1790000111.000000', '2026-09-21 14:15:11+00', NULL),
	('01a0c452-1d98-774c-a867-653157eb8edf', 'D0BOB', '1790000111.000001', '2026-09-21 14:15:11+00', NULL),
	('01a0c452-1d98-70aa-8e1f-ef986761c04f', 'C0SALES', '1790000111.000002', '2026-09-21 14:15:11+00', NULL),
	('01a0c452-1d98-7442-b401-44a989a97c63', 'D0BOB', '1790000111.000003', '2026-09-21 14:15:11+00', NULL),
	('01a0c452-1d98-7d98-9e3b-51cf340c513a', 'D0ALICE', '1790000111.000004', '2026-09-21 14:15:11+00', NULL);
INSERT INTO public.toggles VALUES
	('01a0c450-6c00-7773-90f5-57c63f2e7612', 'U0ALICE', '2026-09-21 14:15:11+00');
INSERT INTO public.unlock_askers VALUES
	('01a0c451-cf78-7687-baac-4201d4c063c9', 'U0ALICE', '2026-09-21 14:14:51+00'),
	('01a0c451-cf78-7459-a65d-b8ba129cb5ab', 'U0ALICE', '2026-09-21 14:14:51+00');
INSERT INTO public.unlock_messages VALUES
	('01a0c451-cf78-7687-baac-4201d4c063c9', 'U0ADMIN', 'D0ADMIN', '1790000091.000002', '2026-09-21 14:14:51+00'),
	('01a0c451-cf78-7459-a65d-b8ba129cb5ab', 'U0ADMIN', 'D0ADMIN', '1790000091.000007', '2026-09-21 14:14:51+00');
INSERT INTO public.unlock_requests VALUES
	('01a0c451-cf78-7687-baac-4201d4c063c9', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7b3b-9efa-f10b76d3d953', '2026-09-21 14:14:51+00', NULL, NULL, NULL),
	('01a0c451-cf78-7459-a65d-b8ba129cb5ab', '01a0c450-6c00-7363-a7bc-246a6180ed93', '01a0c450-6c00-7773-90f5-57c63f2e7612', '2026-09-21 14:14:51+00', '2026-09-21 14:14:51+00', 'U0ADMIN', 'unlocked');
INSERT INTO public.workspaces VALUES
	('01a0c450-6c00-7363-a7bc-246a6180ed93', 'T0SANDBOX', 'Acme', NULL, '2026-09-21 14:13:20+00', NULL, NULL, NULL, NULL),
	('01a0c452-1d98-7408-be81-e62aecd84abf', 'T0OTHER', 'Other', '\x0172cd6e84f6d9f366f350ee5828d4753022c9ec11e04f2a6a198dc5ee11a9a8d8bacb4fd71a6ea5e7c7fa2e2ece72ffe3a3c907e2f693', '2026-09-21 14:15:11+00', NULL, NULL, NULL, NULL);
SELECT pg_catalog.setval('public.audit_id_seq', 60, true);
SELECT pg_catalog.setval('public.outbox_seq_seq', 95, true);
ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.actions
    ADD CONSTRAINT actions_integration_id_key_key UNIQUE (integration_id, key);
ALTER TABLE ONLY public.actions
    ADD CONSTRAINT actions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_idempotency UNIQUE (backend_id, idempotency_key);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (outbox_id, number);
ALTER TABLE ONLY public.audit_eras
    ADD CONSTRAINT audit_eras_pkey PRIMARY KEY (era);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.backends
    ADD CONSTRAINT backends_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.backends
    ADD CONSTRAINT backends_workspace_id_name_key UNIQUE (workspace_id, name);
ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (integration_id, user_id);
ALTER TABLE ONLY public.conversations
    ADD CONSTRAINT conversations_pkey PRIMARY KEY (backend_id, id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY public.grants
    ADD CONSTRAINT grants_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.homes
    ADD CONSTRAINT homes_pkey PRIMARY KEY (workspace_id, user_id);
ALTER TABLE ONLY public.install_states
    ADD CONSTRAINT install_states_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_workspace_id_key_key UNIQUE (workspace_id, key);
ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (workspace_id, user_id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_pkey PRIMARY KEY (approval_id, channel, ts);
ALTER TABLE ONLY public.toggles
    ADD CONSTRAINT toggles_pkey PRIMARY KEY (action_id, user_id);
ALTER TABLE ONLY public.unlock_askers
    ADD CONSTRAINT unlock_askers_pkey PRIMARY KEY (request_id, user_id);
ALTER TABLE ONLY public.unlock_messages
    ADD CONSTRAINT unlock_messages_pkey PRIMARY KEY (request_id, user_id);
ALTER TABLE ONLY public.unlock_requests
    ADD CONSTRAINT unlock_requests_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_slack_id_key UNIQUE (slack_id);
CREATE INDEX api_keys_backend ON public.api_keys USING btree (backend_id);
CREATE INDEX approvals_backend ON public.approvals USING btree (backend_id, id);
CREATE INDEX approvals_backend_conversation ON public.approvals USING btree (backend_id, conversation_id, id);
CREATE INDEX approvals_decided ON public.approvals USING btree (workspace_id, user_id, decided_at) WHERE (decided_at IS NOT NULL);
CREATE INDEX approvals_grant ON public.approvals USING btree (decision_grant) WHERE ((decided_by = 'user'::text) AND (decision_grant IS NOT NULL));
CREATE INDEX approvals_not_approved ON public.approvals USING btree (backend_id, status, id) WHERE (status <> 'approved'::text);
CREATE INDEX approvals_pending_action ON public.approvals USING btree (action_id) WHERE (status = 'pending'::text);
CREATE INDEX approvals_pending_expiry ON public.approvals USING btree (expires_at) WHERE (status = 'pending'::text);
CREATE INDEX approvals_pending_user ON public.approvals USING btree (workspace_id, user_id, id) WHERE (status = 'pending'::text);
CREATE INDEX approvals_user ON public.approvals USING btree (workspace_id, user_id, id);
CREATE INDEX audit_approval ON public.audit USING btree (approval_id) WHERE (approval_id IS NOT NULL);
CREATE INDEX audit_era_order ON public.audit USING btree (workspace_id, era, txid, id);
CREATE INDEX events_received ON public.events USING btree (received_at);
CREATE INDEX events_unhandled ON public.events USING btree (leased_until) WHERE (handled_at IS NULL);
CREATE INDEX grants_live_action ON public.grants USING btree (action_id) WHERE (revoked_at IS NULL);
CREATE UNIQUE INDEX grants_live_always ON public.grants USING btree (workspace_id, user_id, action_id) WHERE ((scope = 'always'::text) AND (revoked_at IS NULL));
CREATE UNIQUE INDEX grants_live_conversation ON public.grants USING btree (workspace_id, user_id, action_id, backend_id, conversation_id) WHERE ((scope = 'conversation'::text) AND (revoked_at IS NULL));
CREATE INDEX grants_live_in_conversation ON public.grants USING btree (backend_id, conversation_id) WHERE ((scope = 'conversation'::text) AND (revoked_at IS NULL));
CREATE INDEX grants_live_user ON public.grants USING btree (workspace_id, user_id) WHERE (revoked_at IS NULL);
CREATE INDEX install_states_expiry ON public.install_states USING btree (expires_at);
CREATE INDEX outbox_approval ON public.outbox USING btree (approval_id);
CREATE INDEX outbox_by_hand ON public.outbox USING btree (due_at) WHERE (by_hand AND (done_at IS NULL) AND (dead_at IS NULL));
CREATE INDEX outbox_done ON public.outbox USING btree (done_at) WHERE ((done_at IS NOT NULL) AND (kind <> 'webhook'::text));
CREATE INDEX outbox_due ON public.outbox USING btree (kind, due_at) WHERE ((done_at IS NULL) AND (dead_at IS NULL));
CREATE INDEX outbox_queue ON public.outbox USING btree (queue, seq) WHERE ((done_at IS NULL) AND (dead_at IS NULL));
CREATE INDEX outbox_waiting ON public.outbox USING btree (backend_id, due_at, seq) WHERE ((kind = 'webhook'::text) AND (done_at IS NULL) AND (dead_at IS NULL));
CREATE INDEX outbox_webhooks ON public.outbox USING btree (backend_id, id) WHERE (kind = 'webhook'::text);
CREATE INDEX outbox_webhooks_dead ON public.outbox USING btree (backend_id, id) WHERE ((kind = 'webhook'::text) AND (dead_at IS NOT NULL));
CREATE INDEX outbox_webhooks_pending ON public.outbox USING btree (backend_id, id) WHERE ((kind = 'webhook'::text) AND (done_at IS NULL) AND (dead_at IS NULL));
CREATE UNIQUE INDEX unlock_requests_open ON public.unlock_requests USING btree (action_id) WHERE (answered_at IS NULL);
CREATE INDEX unlock_requests_waiting ON public.unlock_requests USING btree (workspace_id, id) WHERE (answered_at IS NULL);
CREATE TRIGGER audit_is_append_only BEFORE DELETE OR UPDATE ON public.audit FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER ended_approvals_stay BEFORE UPDATE ON public.approvals FOR EACH ROW WHEN ((old.status <> 'pending'::text)) EXECUTE FUNCTION public.refuse_change();
ALTER TABLE ONLY public.actions
    ADD CONSTRAINT actions_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES public.integrations(id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_backend_id_fkey FOREIGN KEY (backend_id) REFERENCES public.backends(id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_action_id_fkey FOREIGN KEY (action_id) REFERENCES public.actions(id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_backend_id_fkey FOREIGN KEY (backend_id) REFERENCES public.backends(id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_decision_grant_fkey FOREIGN KEY (decision_grant) REFERENCES public.grants(id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_outbox_id_fkey FOREIGN KEY (outbox_id) REFERENCES public.outbox(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.backends
    ADD CONSTRAINT backends_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES public.integrations(id);
ALTER TABLE ONLY public.conversations
    ADD CONSTRAINT conversations_backend_id_fkey FOREIGN KEY (backend_id) REFERENCES public.backends(id);
ALTER TABLE ONLY public.grants
    ADD CONSTRAINT grants_action_id_fkey FOREIGN KEY (action_id) REFERENCES public.actions(id);
ALTER TABLE ONLY public.grants
    ADD CONSTRAINT grants_backend_id_conversation_id_fkey FOREIGN KEY (backend_id, conversation_id) REFERENCES public.conversations(backend_id, id);
ALTER TABLE ONLY public.grants
    ADD CONSTRAINT grants_backend_id_fkey FOREIGN KEY (backend_id) REFERENCES public.backends(id);
ALTER TABLE ONLY public.grants
    ADD CONSTRAINT grants_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.homes
    ADD CONSTRAINT homes_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES public.approvals(id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_backend_id_fkey FOREIGN KEY (backend_id) REFERENCES public.backends(id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_unlock_request_id_fkey FOREIGN KEY (unlock_request_id) REFERENCES public.unlock_requests(id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES public.approvals(id);
ALTER TABLE ONLY public.toggles
    ADD CONSTRAINT toggles_action_id_fkey FOREIGN KEY (action_id) REFERENCES public.actions(id);
ALTER TABLE ONLY public.unlock_askers
    ADD CONSTRAINT unlock_askers_request_id_fkey FOREIGN KEY (request_id) REFERENCES public.unlock_requests(id);
ALTER TABLE ONLY public.unlock_messages
    ADD CONSTRAINT unlock_messages_request_id_fkey FOREIGN KEY (request_id) REFERENCES public.unlock_requests(id);
ALTER TABLE ONLY public.unlock_requests
    ADD CONSTRAINT unlock_requests_action_id_fkey FOREIGN KEY (action_id) REFERENCES public.actions(id);
ALTER TABLE ONLY public.unlock_requests
    ADD CONSTRAINT unlock_requests_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);
