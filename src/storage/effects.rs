//! The effects of a change, as rows. Only this module builds and writes rows of `audit` and `outbox`, including the
//! outbox rows that update Home tabs.
//!
//! A use case records its changes in [`Unwritten`], which returns the [`Recorded`] states that save functions take. The
//! unit of work writes everything recorded in one statement, just before it commits. Creating and deciding approvals
//! are the exceptions: their statements write the effects together with the state
//! ([`crate::storage::statements::create_approval::save`], [`crate::storage::statements::decide::save`]).

use std::{collections::BTreeMap, fmt, ops::Deref};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::PgConnection;
use crate::{
    domain::{
        audit::Entry,
        effects::{Changed, Effect, Effects, Redraw},
        homes::{HomeAudience, Urgency},
        ids::{ApprovalId, GrantId, UserId, WorkspaceId},
    },
    storage::tables::{homes::Homes, outbox::Kind},
};

/// How long non-urgent Home tab updates wait, so that several changes share one update.
const DEBOUNCE: TimeDelta = TimeDelta::seconds(3);
/// How long a change of a shared message waits for further ones. Slack takes 50 updates a minute in a workspace.
const SHARED_DEBOUNCE: TimeDelta = TimeDelta::milliseconds(1500);

/// A new state whose effects are recorded, which means that it may be saved. Only [`Unwritten::record`] returns one.
#[derive(Debug, Clone)]
pub struct Recorded<T>(T);

impl<T> Recorded<T> {
    /// The state, for use after it is saved.
    pub fn into_state(self) -> T {
        self.0
    }
}

impl<T> Deref for Recorded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Effects that a transaction has recorded but not written yet.
pub struct Unwritten {
    at: DateTime<Utc>,
    new_id: Box<dyn Fn() -> Uuid + Send + Sync>,
    effects: Vec<(WorkspaceId, Effect)>,
}

impl fmt::Debug for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unwritten")
            .field("at", &self.at)
            .field("effects", &self.effects)
            .finish_non_exhaustive()
    }
}

impl Unwritten {
    /// No effects yet. `at` is the time of the transaction's changes, `new_id` makes the ids of outbox rows.
    pub fn new(at: DateTime<Utc>, new_id: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        Self { at, new_id: Box::new(new_id), effects: Vec::new() }
    }

    /// Records the effects of a change, and returns the state to save.
    pub fn record<T>(&mut self, changed: Changed<T>) -> Recorded<T> {
        let (state, effects) = changed.into_parts();
        self.add(effects);
        Recorded(state)
    }

    /// Records what has to be rendered again although nothing changed.
    pub fn redraw(&mut self, redraw: Redraw) {
        self.add(redraw.into_effects());
    }

    fn add(&mut self, effects: Effects) {
        let workspace = effects.workspace();
        self.effects.extend(effects.into_iter().map(|effect| (workspace, effect)));
    }

    /// Writes all recorded effects. Must be the last statement before the commit, because Home tabs must show the whole
    /// change.
    pub async fn write(&mut self, db: &mut PgConnection) -> sqlx::Result<()> {
        if self.effects.is_empty() {
            return Ok(());
        }
        let (mut rows, mut homes) = (Rows::default(), BTreeMap::<WorkspaceId, Homes>::new());
        for (workspace, effect) in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Record(entry) => {
                    homes.entry(workspace).or_default().add(HomeAudience::for_entry(&entry));
                    rows.audit.push(AuditRow::new(workspace, *entry));
                }
                Effect::DrawHomes(audience) => homes.entry(workspace).or_default().add(audience),
                effect => rows.outbox.extend(self.row(workspace, &effect)),
            }
        }
        for (workspace, homes) in homes {
            for (user, urgency) in homes.opened(db, workspace, self.at).await? {
                rows.outbox.push(OutboxRow::home(workspace, user, urgency, self.at, (self.new_id)()));
            }
        }
        rows.write(db, self.at).await
    }

    /// Takes the effects that the statements which save approvals can write themselves: audit entries, prompts,
    /// webhooks, and the Home tabs of single users. The others stay for [`Self::write`].
    pub(super) fn bind(&mut self) -> Bound {
        let (mut rows, mut left) = (Rows::default(), Vec::new());
        let (mut homes, mut callbacks) = (BTreeMap::<(WorkspaceId, UserId), Urgency>::new(), Vec::new());
        for (workspace, effect) in std::mem::take(&mut self.effects) {
            let audience = match effect {
                Effect::Record(entry) => {
                    let audience = HomeAudience::for_entry(&entry);
                    rows.audit.push(AuditRow::new(workspace, *entry));
                    audience
                }
                Effect::DrawHomes(audience) => audience,
                Effect::DrawPrompt(_) | Effect::SendWebhook { .. } => {
                    callbacks.extend(self.callback(workspace, &effect));
                    rows.outbox.extend(self.row(workspace, &effect));
                    continue;
                }
                Effect::RedrawPrompt(_)
                | Effect::RedrawShared(_)
                | Effect::DrawUnlockRequest(_)
                | Effect::SendUnlockAnswer { .. }
                | Effect::TellRevocation(_)
                | Effect::TellDelegation(_)
                | Effect::TellMisuse(_)
                | Effect::Remind(_)
                | Effect::SendDigest { .. } => {
                    left.push((workspace, effect));
                    continue;
                }
            };
            match audience {
                HomeAudience::Nobody => {}
                HomeAudience::Users(users, urgency) => {
                    for user in users {
                        let known = homes.entry((workspace, user)).or_insert(urgency);
                        if urgency == Urgency::Now {
                            *known = urgency;
                        }
                    }
                }
                other => left.push((workspace, Effect::DrawHomes(other))),
            }
        }
        self.effects = left;
        let homes = homes.into_iter().map(|((workspace, user), urgency)| HomeRow {
            soon: urgency == Urgency::Soon,
            row: OutboxRow::home(workspace, user.to_string(), urgency, self.at, (self.new_id)()),
        });
        Bound {
            homes: Json(homes.collect()),
            audit: Json(rows.audit),
            outbox: Json(rows.outbox),
            callbacks: Json(callbacks),
        }
    }

    /// The outbox row of the callback that reports the same as a webhook.
    fn callback(&self, workspace: WorkspaceId, effect: &Effect) -> Option<OutboxRow> {
        let Effect::SendWebhook { approval, backend, outcome } = effect else { return None };
        let row = OutboxRow::new(workspace, Kind::Callback, self.at, (self.new_id)());
        Some(OutboxRow {
            backend_id: Some(backend.uuid()),
            event: Some(outcome.event().to_owned()),
            ..row.for_approval(*approval)
        })
    }

    /// The outbox row for an effect. `None` for audit entries, and for Home tabs, whose rows depend on who has opened
    /// one.
    fn row(&self, workspace: WorkspaceId, effect: &Effect) -> Option<OutboxRow> {
        let row = |kind| OutboxRow::new(workspace, kind, self.at, (self.new_id)());
        Some(match effect {
            Effect::Record(_) | Effect::DrawHomes(_) => return None,
            Effect::DrawPrompt(approval) => row(Kind::Prompt).for_approval(*approval),
            Effect::RedrawPrompt(approval) => {
                OutboxRow { unless_waiting: true, ..row(Kind::Prompt).for_approval(*approval) }
            }
            Effect::RedrawShared(first) => {
                // In one queue with what was written for the approval before others joined it.
                let row = row(Kind::Prompt).for_approval(*first);
                let kind = Kind::SharedPrompt.as_str();
                OutboxRow { kind, unless_waiting: true, due_at: self.at + SHARED_DEBOUNCE, ..row }
            }
            Effect::SendWebhook { approval, backend, outcome } => OutboxRow {
                backend_id: Some(backend.uuid()),
                event: Some(outcome.event().to_owned()),
                ..row(Kind::Webhook).for_approval(*approval)
            },
            Effect::DrawUnlockRequest(request) => OutboxRow {
                queue: format!("unlock_request:{}", request.uuid()),
                unlock_request_id: Some(request.uuid()),
                ..row(Kind::UnlockRequest)
            },
            Effect::SendUnlockAnswer { request, user } => OutboxRow {
                queue: format!("unlock_answer:{}:{user}", request.uuid()),
                unlock_request_id: Some(request.uuid()),
                user_id: Some(user.to_string()),
                ..row(Kind::UnlockAnswer)
            },
            Effect::TellRevocation(user) => OutboxRow {
                queue: format!("revocation:{}:{user}", workspace.uuid()),
                user_id: Some(user.to_string()),
                ..row(Kind::Revocation)
            },
            Effect::TellDelegation(user) => OutboxRow {
                queue: format!("delegation:{}:{user}", workspace.uuid()),
                user_id: Some(user.to_string()),
                ..row(Kind::Delegation)
            },
            Effect::TellMisuse(approval) => row(Kind::Misuse).for_approval(*approval),
            // The queue is named in crate::storage::statements::remind as well.
            Effect::Remind(user) => OutboxRow {
                queue: format!("reminder:{}:{user}", workspace.uuid()),
                user_id: Some(user.to_string()),
                unless_waiting: true,
                ..row(Kind::Reminder)
            },
            Effect::SendDigest { user, at } => OutboxRow {
                queue: format!("digest:{}:{user}", workspace.uuid()),
                user_id: Some(user.to_string()),
                due_at: *at,
                ..row(Kind::Digest)
            },
        })
    }
}

/// The parameters of a statement that writes effects together with approvals. Each is a JSON array, which the statement
/// reads with `jsonb_to_recordset`.
#[must_use = "effects that are not bound are lost"]
pub(super) struct Bound {
    /// Rows of `audit`.
    pub(super) audit: Json<Vec<AuditRow>>,
    /// Rows of `outbox`.
    pub(super) outbox: Json<Vec<OutboxRow>>,
    /// Rows of `outbox` for callbacks, for approvals that have a callback URL.
    pub(super) callbacks: Json<Vec<OutboxRow>>,
    /// Rows of `outbox` that update Home tabs, for users who have opened one.
    pub(super) homes: Json<Vec<HomeRow>>,
}

/// A row of `outbox` that updates a Home tab.
#[derive(Debug, Serialize)]
pub(super) struct HomeRow {
    /// Whether a row that is already waiting for the Home tab makes this one unnecessary.
    soon: bool,
    #[serde(flatten)]
    row: OutboxRow,
}

/// A row of `audit`.
#[derive(Debug, Serialize)]
pub(super) struct AuditRow {
    workspace_id: Uuid,
    actor_kind: &'static str,
    actor: Option<String>,
    what: &'static str,
    approval_id: Option<Uuid>,
    grant_id: Option<Uuid>,
    subject: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

impl AuditRow {
    fn new(workspace: WorkspaceId, entry: Entry) -> Self {
        Self {
            workspace_id: workspace.uuid(),
            actor_kind: entry.actor.kind(),
            actor: entry.actor.id(),
            what: entry.what.as_str(),
            approval_id: entry.approval.map(ApprovalId::uuid),
            grant_id: entry.grant.map(GrantId::uuid),
            subject: entry.subject,
            before: entry.before,
            after: entry.after,
        }
    }
}

/// A row of `outbox`.
#[derive(Debug, Serialize)]
pub(super) struct OutboxRow {
    id: Uuid,
    workspace_id: Uuid,
    due_at: DateTime<Utc>,
    kind: &'static str,
    /// The rows of one queue are processed one after another.
    queue: String,
    approval_id: Option<Uuid>,
    backend_id: Option<Uuid>,
    event: Option<String>,
    unlock_request_id: Option<Uuid>,
    user_id: Option<String>,
    /// Whether to skip the row if another row of its queue is due within a minute.
    unless_waiting: bool,
}

impl OutboxRow {
    const fn new(workspace: WorkspaceId, kind: Kind, due_at: DateTime<Utc>, id: Uuid) -> Self {
        Self {
            id,
            workspace_id: workspace.uuid(),
            due_at,
            kind: kind.as_str(),
            queue: String::new(),
            approval_id: None,
            backend_id: None,
            event: None,
            unlock_request_id: None,
            user_id: None,
            unless_waiting: false,
        }
    }

    fn for_approval(self, approval: ApprovalId) -> Self {
        let queue = format!("{}:{}", self.kind, approval.uuid());
        Self { queue, approval_id: Some(approval.uuid()), ..self }
    }

    fn home(workspace: WorkspaceId, user: String, urgency: Urgency, at: DateTime<Utc>, id: Uuid) -> Self {
        let due_at = match urgency {
            Urgency::Now => at,
            Urgency::Soon => at + DEBOUNCE,
        };
        Self {
            queue: format!("home:{}:{user}", workspace.uuid()),
            user_id: Some(user),
            ..Self::new(workspace, Kind::Home, due_at, id)
        }
    }
}

/// Rows to write in one statement.
#[derive(Debug, Default)]
struct Rows {
    audit: Vec<AuditRow>,
    outbox: Vec<OutboxRow>,
}

impl Rows {
    async fn write(self, db: &mut PgConnection, at: DateTime<Utc>) -> sqlx::Result<()> {
        if self.audit.is_empty() && self.outbox.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"-- recorded: the audit entries, in their order.
               -- waiting: the queues of which a row is due within a minute. That row shows what is so then, so it gets no
               --          second one. It is locked, so that it is not processed before this transaction is over.
               -- queued: the outbox rows. Each kind of them wakes its worker once.
               -- One statement, because every change takes it: a round trip less.
               WITH recorded AS (
                   INSERT INTO audit (at, workspace_id, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
                   SELECT $1, e.* FROM jsonb_to_recordset($2) AS e (workspace_id uuid, actor_kind text, actor text, what text,
                       approval_id uuid, grant_id uuid, subject text, before jsonb, after jsonb)),
               rows AS (
                   SELECT * FROM jsonb_to_recordset($3) AS r (id uuid, workspace_id uuid, due_at timestamptz, kind text,
                       queue text, approval_id uuid, backend_id uuid, event text, unlock_request_id uuid, user_id text,
                       unless_waiting boolean)
                   -- A backend without an endpoint gets no webhook: its callers long-poll.
                   WHERE r.kind <> 'webhook'
                      OR EXISTS (SELECT FROM backends b WHERE b.id = r.backend_id AND b.webhook_url <> '')),
               waiting AS (
                   SELECT o.queue FROM outbox o
                   WHERE o.queue = ANY(ARRAY(SELECT r.queue FROM rows r WHERE r.unless_waiting))
                     AND o.done_at IS NULL AND o.dead_at IS NULL AND o.lease IS NULL
                     AND o.due_at <= $1::timestamptz + interval '1 minute' FOR SHARE SKIP LOCKED),
               queued AS (
                   INSERT INTO outbox (created_at, id, workspace_id, due_at, kind, queue, approval_id, backend_id, event,
                       unlock_request_id, user_id)
                   SELECT $1, r.id, r.workspace_id, r.due_at, r.kind, r.queue, r.approval_id, r.backend_id, r.event,
                       r.unlock_request_id, r.user_id
                   FROM rows r WHERE NOT r.unless_waiting OR r.queue NOT IN (SELECT w.queue FROM waiting w)
                   RETURNING kind)
               SELECT pg_notify('countersign_outbox', kind) AS told FROM (SELECT DISTINCT kind FROM queued) AS kinds"#,
            at,
            Json(self.audit) as _,
            Json(self.outbox) as _,
        )
        .fetch_all(db)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UnlockRequestId;

    #[test]
    fn effects_that_a_statement_cannot_write_wait_for_the_commit() {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let workspace = WorkspaceId::new(Uuid::from_u128(1));
        let (alice, bob) = (UserId::parse("U0ALICE").unwrap(), UserId::parse("U0BOB").unwrap());
        let mut unwritten = Unwritten::new(at, || Uuid::from_u128(2));
        unwritten.redraw(Redraw::home(workspace, &alice));
        unwritten.redraw(Redraw::home(workspace, &bob));
        unwritten.redraw(Redraw::home(workspace, &bob));
        unwritten.redraw(Redraw::admins_homes(workspace, Urgency::Soon));
        unwritten.redraw(Redraw::unlock_request(workspace, UnlockRequestId::new(Uuid::from_u128(3))));
        let bound = unwritten.bind();
        assert_eq!(bound.homes.len(), 2, "one a user");
        assert!(bound.homes.iter().all(|home| !home.soon && home.row.due_at == at));
        assert!(bound.outbox.is_empty() && bound.audit.is_empty());
        assert_eq!(unwritten.effects.len(), 2);
    }
}
