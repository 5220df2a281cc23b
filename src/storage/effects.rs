//! Effects, as rows: the one place that builds and writes the rows of `audit` and `outbox`, those that draw Home tabs
//! again included.
//!
//! A use case records its changes in [`Unwritten`], which gives the [`Recorded`] states that save functions take. The unit
//! of work writes what is recorded before it commits, in one statement. Asking and deciding write it with the state, in
//! the statements that they have anyway ([`crate::storage::statements::create_approval::save`], [`crate::storage::statements::decide::save`]).

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

/// How long small changes wait to be drawn together.
const DEBOUNCE: TimeDelta = TimeDelta::seconds(3);

/// A new state whose effects are recorded, and which may therefore be saved. Obtained from [`Unwritten::record`] only.
#[derive(Debug, Clone)]
pub struct Recorded<T>(T);

impl<T> Recorded<T> {
    /// The state, once it is saved.
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

/// The effects of a transaction that are not written yet.
pub struct Unwritten {
    at: DateTime<Utc>,
    fresh: Box<dyn Fn() -> Uuid + Send + Sync>,
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
    /// None yet, of a transaction that changes things at this time. `fresh` makes ids.
    pub fn new(at: DateTime<Utc>, fresh: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        Self { at, fresh: Box::new(fresh), effects: Vec::new() }
    }

    /// Takes the effects of a change, and gives the state to be saved.
    pub fn record<T>(&mut self, changed: Changed<T>) -> Recorded<T> {
        let (state, effects) = changed.into_parts();
        self.add(effects);
        Recorded(state)
    }

    /// Takes what has to be drawn again although nothing changed.
    pub fn redraw(&mut self, redraw: Redraw) {
        self.add(redraw.into_effects());
    }

    fn add(&mut self, effects: Effects) {
        let workspace = effects.workspace();
        self.effects.extend(effects.into_iter().map(|effect| (workspace, effect)));
    }

    /// Writes all effects. The last statement before the commit: what is drawn afterwards shows the whole change.
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
                rows.outbox.push(OutboxRow::home(workspace, user, urgency, self.at, (self.fresh)()));
            }
        }
        rows.write(db, self.at).await
    }

    /// Takes what a statement can write that saves an approval: audit entries, the prompt, the webhook, and the Home tab of
    /// the user whom the approval asks. The rest is left to [`Self::write`].
    pub(super) fn bind(&mut self, user: &UserId) -> Bound {
        let (mut rows, mut home, mut left) = (Rows::default(), None, Vec::new());
        for (workspace, effect) in std::mem::take(&mut self.effects) {
            let audience = match effect {
                Effect::Record(entry) => {
                    let audience = HomeAudience::for_entry(&entry);
                    rows.audit.push(AuditRow::new(workspace, *entry));
                    audience
                }
                Effect::DrawHomes(audience) => audience,
                Effect::DrawPrompt(_) | Effect::SendWebhook { .. } => {
                    rows.outbox.extend(self.row(workspace, &effect));
                    continue;
                }
                Effect::RedrawPrompt(_) | Effect::DrawUnlockRequest(_) | Effect::SendUnlockAnswer { .. } => {
                    left.push((workspace, effect));
                    continue;
                }
            };
            match audience {
                HomeAudience::Nobody => {}
                HomeAudience::Users(users, urgency) if users.iter().all(|other| other == user) => {
                    if !users.is_empty() && home != Some(Urgency::Now) {
                        home = Some(urgency);
                    }
                }
                other => left.push((workspace, Effect::DrawHomes(other))),
            }
        }
        self.effects = left;
        let soon = home == Some(Urgency::Soon);
        Bound {
            audit: Json(rows.audit),
            outbox: Json(rows.outbox),
            home: home.map(|_| (self.fresh)()),
            home_soon: soon,
            home_due_at: if soon { self.at + DEBOUNCE } else { self.at },
        }
    }

    /// The outbox row of an effect other than an entry or a Home tab.
    fn row(&self, workspace: WorkspaceId, effect: &Effect) -> Option<OutboxRow> {
        let row = |kind| OutboxRow::new(workspace, kind, self.at, (self.fresh)());
        Some(match effect {
            Effect::Record(_) | Effect::DrawHomes(_) => return None,
            Effect::DrawPrompt(approval) => row(Kind::Prompt).of_approval(*approval),
            Effect::RedrawPrompt(approval) => {
                OutboxRow { unless_waiting: true, ..row(Kind::Prompt).of_approval(*approval) }
            }
            Effect::SendWebhook { approval, backend, outcome } => OutboxRow {
                backend_id: Some(backend.uuid()),
                event: Some(outcome.event().to_owned()),
                ..row(Kind::Webhook).of_approval(*approval)
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
        })
    }
}

/// What a statement binds that writes effects together with the state of an approval. Both lists are JSON arrays, read by
/// `jsonb_to_recordset`.
#[must_use = "effects that are not bound are lost"]
pub(super) struct Bound {
    /// Rows of `audit`.
    pub(super) audit: Json<Vec<AuditRow>>,
    /// Rows of `outbox`.
    pub(super) outbox: Json<Vec<OutboxRow>>,
    /// The id of the row that draws the user's Home tab again, if it has to be.
    pub(super) home: Option<Uuid>,
    /// A row of the Home tab that waits already is enough.
    pub(super) home_soon: bool,
    /// When it is due.
    pub(super) home_due_at: DateTime<Utc>,
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
    /// Rows of one queue are processed one after the other.
    queue: String,
    approval_id: Option<Uuid>,
    backend_id: Option<Uuid>,
    event: Option<String>,
    unlock_request_id: Option<Uuid>,
    user_id: Option<String>,
    /// Not written if a row of the queue is due within a minute.
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

    fn of_approval(self, approval: ApprovalId) -> Self {
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

/// Rows to be written.
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
                       unless_waiting boolean)),
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
    fn what_a_statement_cannot_write_is_left_to_the_commit() {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let workspace = WorkspaceId::new(Uuid::from_u128(1));
        let (alice, bob) = (UserId::parse("U0ALICE").unwrap(), UserId::parse("U0BOB").unwrap());
        let mut unwritten = Unwritten::new(at, || Uuid::from_u128(2));
        unwritten.redraw(Redraw::home(workspace, &alice));
        unwritten.redraw(Redraw::home(workspace, &bob));
        unwritten.redraw(Redraw::admins_homes(workspace, Urgency::Soon));
        unwritten.redraw(Redraw::unlock_request(workspace, UnlockRequestId::new(Uuid::from_u128(3))));
        let bound = unwritten.bind(&alice);
        assert!(bound.home.is_some() && !bound.home_soon && bound.home_due_at == at);
        assert!(bound.outbox.is_empty() && bound.audit.is_empty());
        assert_eq!(unwritten.effects.len(), 3);
    }
}
