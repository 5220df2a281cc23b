//! Writing approvals and everything that follows from them.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        approvals::{Approval, Conversation, Request},
        decision::Decision,
        grants::Scope,
        ids::{GrantId, id_bound},
        own_keys::ConversationKey,
        pauses::JudgedRequest,
        policy::RuleRef,
        text::{Link, Text},
    },
    storage::{
        PgConnection, effects::Unwritten, json_text, statements::create_approval::load::StoredConversation,
    },
};

/// An approval to write.
#[derive(Debug)]
pub struct Created {
    /// The approval and its effects. It was judged by the pauses in force, as the column `pauses_checked` says.
    pub asked: JudgedRequest,
    /// The idempotency key, as it is stored.
    pub idempotency_key: Option<String>,
    /// The digest of the whole request.
    pub request_digest: [u8; 32],
    /// The conversation as [`super::load`] read it.
    pub conversation: Option<StoredConversation>,
}

/// Writes approvals and their effects, and returns the approvals in the same order. Fails with a unique violation if
/// another request with the same idempotency key came first.
#[expect(clippy::too_many_lines, reason = "one statement, and what it binds")]
pub async fn save(
    db: &mut PgConnection,
    unwritten: &mut Unwritten,
    created: Vec<Created>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Approval>> {
    let mut columns = Columns::default();
    let (mut conversations, mut uses) = (Conversations::default(), BTreeMap::<Uuid, i64>::new());
    let mut approvals = Vec::with_capacity(created.len());
    for Created { asked, idempotency_key, request_digest, conversation } in created {
        let approval = unwritten.record(asked.into_changed()).into_state();
        conversations.add(&approval.request, conversation.as_ref());
        if let Some(grant) = approval.decision.as_ref().and_then(Decision::used_grant) {
            *uses.entry(grant.uuid()).or_default() += 1;
        }
        columns.idempotency_keys.push(idempotency_key);
        columns.request_digests.push(request_digest.to_vec());
        approvals.push(approval);
    }
    for approval in &approvals {
        let limits = approval.decision.as_ref().and_then(Decision::limits);
        columns.limits.push(limits.map(json_text).transpose()?);
        columns.arguments.push(json_text(&approval.request.arguments)?);
        columns.metadata.push(approval.request.metadata.as_ref().map(json_text).transpose()?);
    }
    let effects = unwritten.bind();
    let request = |column: for<'a> fn(&'a Request) -> Option<&'a str>| {
        approvals.iter().map(|approval| column(&approval.request)).collect::<Vec<_>>()
    };
    let decision = |column: for<'a> fn(&'a Decision) -> Option<&'a str>| {
        approvals.iter().map(|approval| approval.decision.as_ref().and_then(column)).collect::<Vec<_>>()
    };
    let id = |column: fn(&Request) -> Uuid| {
        approvals.iter().map(|approval| column(&approval.request)).collect::<Vec<Uuid>>()
    };
    let digests: Vec<&[u8]> =
        approvals.iter().map(|approval| approval.request.digest.bytes().as_slice()).collect();
    let statuses: Vec<&str> = approvals.iter().map(|approval| approval.status().as_str()).collect();
    let expiries: Vec<DateTime<Utc>> = approvals.iter().map(|approval| approval.request.expires_at).collect();
    let grants: Vec<Option<Uuid>> = approvals
        .iter()
        .map(|approval| approval.decision.as_ref().and_then(Decision::grant).map(GrantId::uuid))
        .collect();
    let decided: Vec<Option<DateTime<Utc>>> = approvals
        .iter()
        .map(|approval| approval.decision.as_ref().map(|decision| decision.decided_at))
        .collect();
    let editable: Vec<bool> = approvals.iter().map(|approval| approval.request.editable).collect();
    let policy = |column: fn(&RuleRef) -> Option<i32>| {
        approvals
            .iter()
            .map(|approval| approval.request.policy.as_ref().and_then(column))
            .collect::<Vec<Option<i32>>>()
    };
    let own_conversations: Vec<bool> =
        approvals.iter().map(|approval| approval.request.own_conversation).collect();
    let (used_grants, counts): (Vec<Uuid>, Vec<i64>) = uses.into_iter().unzip();
    sqlx::query!(
        r#"-- seen: the conversations, made by their first request, and open again if they were closed.
           -- used: how many requests each grant approved.
           -- used_up: the grants with a number of uses have fewer left. A grant's place in the first list finds the count. A
           --       constraint refuses a use too many, and with it the whole statement.
           -- asked: the approvals. They were judged by the pauses, so the trigger for the previous version leaves them alone.
           -- remembered: their idempotency keys.
           -- recorded: the audit entries.
           -- queued: the prompts to post.
           -- planned: the Home tabs that are drawn within seconds anyway, which is enough for what an agent did without
           --          asking. Those rows are locked, so that they are not drawn before this transaction is over.
           -- refreshed: the other Home tabs to draw again, of users who ever opened one.
           -- One statement, because every call of every agent takes it: a round trip, and not eight.
           WITH seen AS (
               INSERT INTO conversations (backend_id, id, title, url, last_asked_at)
               SELECT v.backend_id, v.id, v.title, v.url, $1::timestamptz
               FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS v (backend_id, id, title, url)
               ON CONFLICT (backend_id, id) DO UPDATE SET last_asked_at = excluded.last_asked_at, closed_at = NULL,
                   title = coalesce(excluded.title, conversations.title),
                   url = coalesce(excluded.url, conversations.url)),
           used AS (
               INSERT INTO grant_uses (grant_id, uses, used_at)
               SELECT u.id, u.uses, $1 FROM unnest($6::uuid[], $7::bigint[]) AS u (id, uses)),
           used_up AS (
               UPDATE grants SET uses_left = uses_left - ($7::bigint[])[array_position($6::uuid[], id)]
               WHERE id = ANY($6) AND max_uses IS NOT NULL),
           asked AS (
               INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, agent_name,
                   conversation_id, conversation_title, conversation_url, action_id, action_version_id, arguments,
                   arguments_digest, reason, metadata, slack_channel, slack_thread_ts, created_at, expires_at,
                   idempotency_key, request_digest, status, decision_scope, decided_by, decision_grant, decided_at,
                   editable, own_conversation, decision_limits, decision_reason, policy_version, policy_rule, pauses_checked)
               SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                   p.conversation_id, p.conversation_title, p.conversation_url, p.action_id, p.version_id,
                   p.arguments::json, p.arguments_digest, p.reason, p.metadata::json, p.channel, p.thread_ts, $1,
                   p.expires_at, p.idempotency_key, p.request_digest, p.status, p.scope, p.decided_by, p.grant_id,
                   p.decided_at, p.editable, p.own_conversation, p.limits::json, p.decision_reason, p.policy_version,
                   p.policy_rule, true
               FROM unnest($8::uuid[], $9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::text[],
                       $14::text[], $15::text[], $16::text[], $17::uuid[], $18::uuid[],
                       $19::text[], $20::bytea[], $21::text[], $22::text[], $23::text[], $24::text[],
                       $25::timestamptz[], $26::text[], $27::bytea[], $28::text[], $29::text[], $30::text[],
                       $31::uuid[], $32::timestamptz[], $37::boolean[], $38::boolean[], $39::text[], $40::text[],
                       $41::integer[], $42::integer[])
                   AS p (id, workspace_id, backend_id, user_id, agent_id, agent_name,
                       conversation_id, conversation_title, conversation_url, action_id, version_id,
                       arguments, arguments_digest, reason, metadata, channel, thread_ts,
                       expires_at, idempotency_key, request_digest, status, scope, decided_by,
                       grant_id, decided_at, editable, own_conversation, limits, decision_reason, policy_version,
                       policy_rule)),
           remembered AS (
               INSERT INTO idempotency_keys (backend_id, key, approval_id, request_digest, created_at)
               SELECT k.backend_id, k.key, k.approval_id, k.request_digest, $1
               FROM unnest($10::uuid[], $26::text[], $8::uuid[], $27::bytea[])
                   AS k (backend_id, key, approval_id, request_digest)
               WHERE k.key IS NOT NULL),
           recorded AS (
               INSERT INTO audit (at, workspace_id, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
               SELECT $1, e.* FROM jsonb_to_recordset($33) AS e (workspace_id uuid, actor_kind text, actor text, what text,
                   approval_id uuid, grant_id uuid, subject text, before jsonb, after jsonb)),
           queued AS (
               INSERT INTO outbox (created_at, id, workspace_id, due_at, kind, queue, approval_id, backend_id, event)
               SELECT $1, r.* FROM jsonb_to_recordset($34) AS r (id uuid, workspace_id uuid, due_at timestamptz, kind text,
                   queue text, approval_id uuid, backend_id uuid, event text)
               RETURNING kind),
           drawn AS MATERIALIZED (
               SELECT r.* FROM jsonb_to_recordset($35) AS r (id uuid, workspace_id uuid, user_id text, soon boolean,
                   due_at timestamptz, queue text)
               CROSS JOIN LATERAL (
                   SELECT 1 FROM homes h WHERE h.workspace_id = r.workspace_id AND h.user_id = r.user_id LIMIT 1) h),
           planned AS MATERIALIZED (
               SELECT r.id FROM drawn r
               CROSS JOIN LATERAL (
                   SELECT 1 FROM outbox o WHERE o.queue = r.queue AND o.done_at IS NULL AND o.dead_at IS NULL
                     AND o.lease IS NULL AND o.due_at > $1 AND o.id >= $36
                   LIMIT 1 FOR SHARE SKIP LOCKED) o
               WHERE r.soon),
           refreshed AS (
               INSERT INTO outbox (id, workspace_id, kind, queue, user_id, created_at, due_at)
               SELECT r.id, r.workspace_id, 'home', r.queue, r.user_id, $1, r.due_at FROM drawn r
               WHERE r.id NOT IN (SELECT p.id FROM planned p) RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told
           FROM (SELECT kind FROM queued UNION SELECT kind FROM refreshed) AS kinds"#,
        now,
        // The conversations, and the grants.
        &conversations.backends,
        &conversations.ids,
        &conversations.titles as _,
        &conversations.urls as _,
        &used_grants,
        &counts,
        // Backend, user and agent.
        &id(|request| request.id.uuid()),
        &id(|request| request.workspace.uuid()),
        &id(|request| request.backend.uuid()),
        &request(|request| Some(request.user.as_str())) as _,
        &request(|request| Some(request.agent.id.as_str())) as _,
        &request(|request| request.agent.name.as_ref().map(Text::as_str)) as _,
        // The conversation, as this request names it.
        &request(|request| Some(request.conversation.id.as_str())) as _,
        &request(|request| request.conversation.title.as_ref().map(Text::as_str)) as _,
        &request(|request| request.conversation.url.as_ref().map(Link::as_str)) as _,
        // What the agent wants to run.
        &id(|request| request.action.id.uuid()),
        &id(|request| request.action.version.uuid()),
        &columns.arguments,
        &digests as _,
        &request(|request| request.reason.as_ref().map(Text::as_str)) as _,
        &columns.metadata as _,
        // Where the prompt goes, and for how long.
        &request(|request| request.place.as_ref().map(|place| place.channel.as_str())) as _,
        &request(|request| request.place.as_ref().and_then(|place| place.thread_ts.as_ref()).map(Text::as_str)) as _,
        &expiries,
        // What identifies a repeated request.
        &columns.idempotency_keys as _,
        &columns.request_digests,
        // The decision, if a grant or a rule approves it, or a rule or a pause denies it.
        &statuses as _,
        &decision(|decision| decision.scope().map(Scope::as_str)) as _,
        &decision(|decision| Some(decision.by())) as _,
        &grants as _,
        &decided as _,
        // The effects.
        effects.audit as _,
        effects.outbox as _,
        effects.homes as _,
        // No row of the outbox that is due from now on is older.
        id_bound(now - TimeDelta::days(1)),
        &editable,
        &own_conversations,
        &columns.limits as _,
        // Why a rule or a pause denies it.
        &decision(|decision| decision.reason().map(Text::as_str)) as _,
        // The rules that it was judged by.
        &policy(|policy| Some(policy.version.get())) as _,
        &policy(|policy| policy.rule.map(|rule| i32::from(rule.get()))) as _,
    )
    .fetch_all(db)
    .await?;
    Ok(approvals)
}

/// Columns that are not part of an approval, or have to be written as text first.
#[derive(Debug, Default)]
struct Columns {
    idempotency_keys: Vec<Option<String>>,
    request_digests: Vec<Vec<u8>>,
    arguments: Vec<String>,
    metadata: Vec<Option<String>>,
    limits: Vec<Option<String>>,
}

/// The conversations to write, each once: Postgres refuses to update a row twice in one statement.
#[derive(Debug, Default)]
struct Conversations {
    places: HashMap<ConversationKey, usize>,
    backends: Vec<Uuid>,
    ids: Vec<String>,
    titles: Vec<Option<String>>,
    urls: Vec<Option<String>>,
}

impl Conversations {
    /// Adds a request's conversation, unless its row would stay as it is. The later title and address hold.
    fn add(&mut self, request: &Request, stored: Option<&StoredConversation>) {
        let Conversation { title, url, .. } = &request.conversation;
        let key = request.conversation_key();
        if stored.is_some_and(|stored| !stored.touched) && !self.places.contains_key(&key) {
            return;
        }
        let (next, stored_id) = (self.backends.len(), key.stored_id());
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.backends.push(request.backend.uuid());
            self.ids.push(stored_id);
            self.titles.push(None);
            self.urls.push(None);
        }
        let title = title.as_ref().map(|title| title.as_str().to_owned());
        let url = url.as_ref().map(|url| url.as_str().to_owned());
        self.titles[place] = title.or_else(|| self.titles[place].take());
        self.urls[place] = url.or_else(|| self.urls[place].take());
    }
}
