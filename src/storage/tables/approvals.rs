//! The table `approvals`, as it is read. Only [`crate::storage::statements::create_approval`] and
//! [`crate::storage::statements::decide`] write it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    domain::{
        action_ref::ActionRef,
        approvals::{Agent, Approval, Conversation, Place, Request, Status},
        arguments::{Arguments, Digest},
        callers::OwnApprovals,
        decision::{Decision, GrantOutcome, Verdict},
        editing::EditedArguments,
        grants::{Scope, StandingScope},
        ids::{
            ActionId, ActionVersionId, ApprovalId, BackendId, GrantId, IntegrationId, UserId, WorkspaceId,
        },
        limits::Limits,
        outcome::Outcome,
        own_keys::ConversationKey,
        panel::{ApproverSpec, Approvers},
        pauses::PauseTarget,
        policy::{PolicyVersion, RuleNumber, RuleRef},
        repeats::RequestDigest,
        results::ApprovalResult,
        text::{ActionKey, IntegrationKey, Link, Text},
    },
    storage::{
        PgConnection, bounds,
        stored::CorruptRow,
        tables::{approval_results::ResultRow, pauses, versions},
    },
};

/// A row of `approvals` beside its action and integration.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "columns")]
pub(in crate::storage) struct ApprovalRow {
    pub(in crate::storage) id: Uuid,
    pub(in crate::storage) workspace_id: Uuid,
    pub(in crate::storage) backend_id: Uuid,
    pub(in crate::storage) user_id: String,
    pub(in crate::storage) agent_id: String,
    pub(in crate::storage) agent_name: Option<String>,
    pub(in crate::storage) conversation_id: String,
    pub(in crate::storage) conversation_title: Option<String>,
    pub(in crate::storage) conversation_url: Option<String>,
    pub(in crate::storage) own_conversation: bool,
    pub(in crate::storage) approvers: Option<Value>,
    pub(in crate::storage) action_id: Uuid,
    pub(in crate::storage) integration_id: Uuid,
    pub(in crate::storage) integration_key: String,
    pub(in crate::storage) action_key: String,
    pub(in crate::storage) version_id: Uuid,
    pub(in crate::storage) integration_name: String,
    pub(in crate::storage) action_name: String,
    pub(in crate::storage) action_description: Option<String>,
    pub(in crate::storage) read_only: bool,
    pub(in crate::storage) destructive: bool,
    pub(in crate::storage) risk: Option<Vec<String>>,
    pub(in crate::storage) title: Option<String>,
    pub(in crate::storage) fields: Option<String>,
    pub(in crate::storage) has_input_schema: bool,
    pub(in crate::storage) must_read: bool,
    /// JSON, as text: read by [`ApprovalRow::read`], so that one that isn't an object is an error of its row.
    pub(in crate::storage) arguments: String,
    pub(in crate::storage) arguments_digest: Vec<u8>,
    pub(in crate::storage) editable: bool,
    /// JSON, as text.
    pub(in crate::storage) edited_arguments: Option<String>,
    pub(in crate::storage) edited_digest: Option<Vec<u8>>,
    pub(in crate::storage) reason: Option<String>,
    pub(in crate::storage) metadata: Option<String>,
    pub(in crate::storage) slack_channel: Option<String>,
    pub(in crate::storage) slack_thread_ts: Option<String>,
    pub(in crate::storage) created_at: DateTime<Utc>,
    pub(in crate::storage) expires_at: DateTime<Utc>,
    pub(in crate::storage) contents_deleted_at: Option<DateTime<Utc>>,
    pub(in crate::storage) status: String,
    pub(in crate::storage) decision_scope: Option<String>,
    pub(in crate::storage) decided_by: Option<String>,
    pub(in crate::storage) decided_user: Option<String>,
    pub(in crate::storage) decided_for: Option<String>,
    pub(in crate::storage) decided_together: Option<Value>,
    pub(in crate::storage) decision_grant: Option<Uuid>,
    /// JSON, as text.
    pub(in crate::storage) decision_limits: Option<String>,
    pub(in crate::storage) decision_reason: Option<String>,
    pub(in crate::storage) decided_at: Option<DateTime<Utc>>,
    pub(in crate::storage) policy_version: Option<i32>,
    pub(in crate::storage) policy_rule: Option<i32>,
    /// The version of the rules in force, where it is selected.
    pub(in crate::storage) in_force: Option<i32>,
    pub(in crate::storage) result_status: Option<String>,
    pub(in crate::storage) result_summary: Option<String>,
    pub(in crate::storage) result_url: Option<String>,
    pub(in crate::storage) result_digest: Option<Vec<u8>>,
    pub(in crate::storage) result_reported_at: Option<DateTime<Utc>>,
    /// JSON, as text: the live pauses of the workspace, of a pending approval.
    pub(in crate::storage) pauses: Option<String>,
}

/// Selects whole approvals, `p` with its action `a`, integration `i` and the version `d` of the description that it was
/// asked under; the tail says which. One of before there were versions is read by the action's first, which has its id.
/// Only approved ones have a result `o`: LATERAL with LIMIT looks it up by its key, and skips the others. What
/// stands before `;` is put before the `SELECT`, and what stands behind `in_force` says the version of the rules.
macro_rules! select_approvals {
    ($tail:literal $($rest:tt)*) => {
        $crate::storage::tables::approvals::select_approvals!(@ "" in_force "NULL::integer"; $tail $($rest)*)
    };
    (@ $head:literal; $($rest:tt)*) => {
        $crate::storage::tables::approvals::select_approvals!(@ $head in_force "NULL::integer"; $($rest)*)
    };
    (@ $head:literal in_force $in_force:literal; $tail:literal $(+ $more:literal)* $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::storage::tables::approvals::ApprovalRow,
            $head + r#"SELECT p.id, p.workspace_id, p.backend_id, p.user_id, p.agent_id, p.agent_name,
                      p.conversation_id, p.conversation_title, p.conversation_url, p.own_conversation,
                      p.approvers,
                      p.action_id, a.integration_id, i.key AS integration_key, a.key AS action_key,
                      d.id AS version_id, d.integration_name, d.name AS action_name,
                      d.description AS action_description, d.read_only, d.destructive, d.risk, d.title,
                      d.fields::text AS fields, (d.input_schema IS NOT NULL) AS "has_input_schema!",
                      (a.must_read_at IS NOT NULL) AS "must_read!",
                      p.arguments::text AS "arguments!", p.arguments_digest, p.editable,
                      p.edited_arguments::text AS edited_arguments, p.edited_digest, p.reason, p.metadata::text AS metadata,
                      p.slack_channel, p.slack_thread_ts, p.created_at, p.expires_at,
                      p.contents_deleted_at, p.status,
                      p.decision_scope, p.decided_by, p.decided_user, p.decided_for, p.decided_together,
                      p.decision_grant,
                      p.decision_limits::text AS decision_limits, p.decision_reason, p.decided_at, p.policy_version, p.policy_rule,
                      "# + $in_force + r#" AS "in_force?",
                      o.status AS "result_status?", o.summary AS "result_summary?", o.url AS "result_url?",
                      o.digest AS "result_digest?", o.reported_at AS "result_reported_at?",
                      CASE WHEN p.status = 'pending' THEN (
                          SELECT s.pauses::text FROM workspaces s WHERE s.id = p.workspace_id) END AS "pauses?"
               FROM approvals p
               JOIN actions a ON a.id = p.action_id
               JOIN integrations i ON i.id = a.integration_id
               JOIN action_versions d ON d.id = coalesce(p.action_version_id, p.action_id)
               LEFT JOIN LATERAL (
                   SELECT o.status, o.summary, o.url, o.digest, o.reported_at FROM approval_results o
                   WHERE o.approval_id = p.id AND p.status = 'approved' LIMIT 1) o ON true
               "# + $tail $(+ $more)*
            $(, $arg)*
        )
    };
}
pub(in crate::storage) use select_approvals;

impl ApprovalRow {
    /// Reads the row, or says which of its columns can't be read.
    pub(in crate::storage) fn read(self) -> Result<Approval, CorruptRow> {
        let corrupt = |column| CorruptRow::new("approvals", column, &ApprovalId::new(self.id));
        let approvers = self.approvers.as_ref();
        let approvers =
            approvers.map(|stored| ApproverSpec::from_stored(stored).ok_or_else(|| corrupt("approvers")));
        let approvers = approvers.transpose()?;
        let decision = self.decision()?;
        let policy = self.policy()?;
        let result = self.result()?;
        let pause = match (&decision, &self.pauses) {
            (None, Some(stored)) => {
                let (workspace, agent) =
                    (WorkspaceId::new(self.workspace_id), Text::from_stored(self.agent_id.clone()));
                pauses::read(workspace, Some(stored))?
                    .covering(BackendId::new(self.backend_id), &agent)
                    .cloned()
                    .map(Box::new)
            }
            _ => None,
        };
        let version = ActionVersionId::new(self.version_id);
        let digest = Digest::from_stored(&self.arguments_digest);
        let metadata = self.metadata.as_deref();
        let metadata =
            metadata.map(|metadata| object(metadata).ok_or_else(|| corrupt("metadata"))).transpose()?;
        let request = Request {
            id: ApprovalId::new(self.id),
            workspace: WorkspaceId::new(self.workspace_id),
            backend: BackendId::new(self.backend_id),
            user: UserId::from_stored(self.user_id),
            agent: Agent {
                id: Text::from_stored(self.agent_id),
                name: self.agent_name.map(Text::from_stored),
            },
            conversation: Conversation {
                id: Text::from_stored(self.conversation_id),
                title: self.conversation_title.map(Text::from_stored),
                url: self.conversation_url.map(Link::from_stored),
            },
            own_conversation: self.own_conversation,
            approvers,
            action: ActionRef {
                id: ActionId::new(self.action_id),
                integration_id: IntegrationId::new(self.integration_id),
                integration: IntegrationKey::from_stored(self.integration_key),
                action: ActionKey::from_stored(self.action_key),
                version,
                integration_name: self.integration_name,
                action_name: self.action_name,
                description: self.action_description,
                impact: versions::impact(version, self.read_only, self.destructive, self.risk.as_deref())?,
                presentation: versions::presentation(version, self.title, self.fields.as_deref())?,
                has_input_schema: self.has_input_schema,
                must_read: self.must_read,
            },
            arguments: object(&self.arguments)
                .map(Arguments::from_stored)
                .ok_or_else(|| corrupt("arguments"))?,
            digest: digest.ok_or_else(|| corrupt("arguments_digest"))?,
            editable: self.editable,
            reason: self.reason.map(Text::from_stored),
            metadata,
            place: self.slack_channel.map(|channel| Place {
                channel: Text::from_stored(channel),
                thread_ts: self.slack_thread_ts.map(Text::from_stored),
            }),
            created_at: self.created_at,
            expires_at: self.expires_at,
            policy,
            contents_deleted_at: self.contents_deleted_at,
        };
        Ok(Approval { request, decision, result, pause })
    }

    /// Reads the columns of the result. `None`: none was reported.
    fn result(&self) -> Result<Option<ApprovalResult>, CorruptRow> {
        let Some((status, digest)) = self.result_status.as_deref().zip(self.result_digest.as_deref()) else {
            return Ok(None);
        };
        let id = ApprovalId::new(self.id);
        let row = ResultRow {
            status,
            digest,
            summary: self.result_summary.clone(),
            url: self.result_url.clone(),
            reported_at: self.result_reported_at,
        };
        row.read(id).map(Some)
    }

    /// Reads the columns of the rules. `None`: there were none when it was made.
    fn policy(&self) -> Result<Option<RuleRef>, CorruptRow> {
        let corrupt = |column| CorruptRow::new("approvals", column, &ApprovalId::new(self.id));
        let Some(version) = self.policy_version else {
            return if self.policy_rule.is_none() { Ok(None) } else { Err(corrupt("policy_rule")) };
        };
        let version = PolicyVersion::from_stored(version).ok_or_else(|| corrupt("policy_version"))?;
        let rule = self.policy_rule.map(RuleNumber::from_stored);
        let rule = rule.map(|rule| rule.ok_or_else(|| corrupt("policy_rule"))).transpose()?;
        Ok(Some(RuleRef { version, rule }))
    }

    /// Reads the columns that are set when an approval ends. `None`: it is pending. They are read together, because only
    /// some of their combinations mean anything.
    fn decision(&self) -> Result<Option<Decision>, CorruptRow> {
        let corrupt = |column| CorruptRow::new("approvals", column, &ApprovalId::new(self.id));
        let status = Status::from_stored(&self.status).ok_or_else(|| corrupt("status"))?;
        let scope = self.decision_scope.as_deref();
        let scope = scope
            .map(|scope| Scope::from_stored(scope).ok_or_else(|| corrupt("decision_scope")))
            .transpose()?;
        let by = self.decided_by.as_deref();
        if !matches!(by, None | Some("user" | "auto" | "policy" | "backend")) {
            return Err(corrupt("decided_by"));
        }
        let Status::Ended(outcome) = status else {
            return if by.is_none() && self.decided_at.is_none() { Ok(None) } else { Err(corrupt("status")) };
        };
        if self.decided_together.is_some() && (self.approvers.is_none() || outcome != Outcome::Approved) {
            return Err(corrupt("decided_together"));
        }
        let decided_at = self.decided_at.ok_or_else(|| corrupt("decided_at"))?;
        let grant = || self.decision_grant.map(GrantId::new).ok_or_else(|| corrupt("decision_grant"));
        let user = || {
            let user = self.decided_user.clone().map(UserId::from_stored);
            user.ok_or_else(|| corrupt("decided_user"))
        };
        let limits = self.decision_limits.as_deref();
        let limits: Option<Limits> = limits
            .map(|limits| serde_json::from_str(limits).map_err(|_| corrupt("decision_limits")))
            .transpose()?;
        let reason = self.decision_reason.clone().map(Text::from_stored);
        let on_behalf_of = self.decided_for.clone().map(UserId::from_stored);
        let is_for_another = on_behalf_of.is_some();
        let verdict = match (outcome, by) {
            (Outcome::Approved, Some("auto")) => match scope {
                Some(scope @ (Scope::Conversation | Scope::Always)) => {
                    Verdict::AutoApproved { grant: grant()?, scope, limits }
                }
                Some(Scope::Once) | None => return Err(corrupt("decision_scope")),
            },
            (Outcome::Approved, Some("user")) if self.approvers.is_some() => match (scope, limits) {
                (Some(Scope::Once), None) => Verdict::ApprovedTogether(self.approved_by()?),
                (_, None) => return Err(corrupt("decision_scope")),
                (_, Some(_)) => return Err(corrupt("decision_limits")),
            },
            (Outcome::Approved, Some("user")) => {
                let user = user()?;
                let narrowed = |scope, limits| Ok(GrantOutcome::Narrowed { grant: grant()?, scope, limits });
                let given = match (scope, limits, on_behalf_of) {
                    (Some(Scope::Once), None, Some(on_behalf_of)) => {
                        let verdict = Verdict::ApprovedFor { user, on_behalf_of };
                        return Ok(Some(Decision { verdict, decided_at }));
                    }
                    (_, _, Some(_)) => return Err(corrupt("decided_for")),
                    (None, None, None) => return self.edited_decision(user, decided_at).map(Some),
                    (Some(Scope::Once), None, None) => GrantOutcome::Once,
                    (Some(Scope::Conversation), None, None) => GrantOutcome::Conversation(grant()?),
                    (Some(Scope::Always), None, None) => GrantOutcome::Always(grant()?),
                    (Some(Scope::Conversation), Some(limits), None) => {
                        narrowed(StandingScope::Conversation, limits)?
                    }
                    (Some(Scope::Always), Some(limits), None) => narrowed(StandingScope::Always, limits)?,
                    (Some(Scope::Once) | None, Some(_), None) => return Err(corrupt("decision_limits")),
                };
                Verdict::Approved { user, given }
            }
            (Outcome::Denied, Some("user")) => Verdict::Denied { user: user()?, on_behalf_of, reason },
            _ if is_for_another => return Err(corrupt("decided_for")),
            (Outcome::Approved, Some("policy"))
                if self.policy_rule.is_some()
                    && scope == Some(Scope::Once)
                    && self.decision_grant.is_none() =>
            {
                Verdict::AllowedByRule
            }
            (Outcome::Denied, Some("policy")) if self.policy_rule.is_some() => {
                Verdict::BlockedByRule { reason }
            }
            (Outcome::Denied, Some("policy")) => {
                Verdict::DeniedByPause { why: reason.ok_or_else(|| corrupt("decision_reason"))? }
            }
            (Outcome::Expired, Some("auto")) => Verdict::Expired,
            (Outcome::Cancelled, Some("backend")) => {
                reason.map_or(Verdict::Cancelled, |why| Verdict::Abandoned { why })
            }
            (Outcome::Undeliverable, Some("auto")) => {
                Verdict::Undeliverable { why: reason.ok_or_else(|| corrupt("decision_reason"))? }
            }
            _ => return Err(corrupt("decided_by")),
        };
        Ok(Some(Decision { verdict, decided_at }))
    }
}

impl ApprovalRow {
    fn edited_decision(&self, user: UserId, decided_at: DateTime<Utc>) -> Result<Decision, CorruptRow> {
        Ok(Decision { verdict: Verdict::ApprovedEdited { user, edited: self.edited()? }, decided_at })
    }

    /// The people who approved together. There must be some, and the last one must be who decided.
    fn approved_by(&self) -> Result<Approvers, CorruptRow> {
        let approvers = self.decided_together.as_ref().and_then(Approvers::from_stored);
        let decided = self.decided_user.as_deref();
        approvers
            .filter(|approvers| decided == Some(approvers.last.clicked_by.as_str()))
            .ok_or_else(|| CorruptRow::new("approvals", "decided_together", &ApprovalId::new(self.id)))
    }

    /// The arguments that were approved instead of those that were asked. There must be some.
    fn edited(&self) -> Result<EditedArguments, CorruptRow> {
        let corrupt = |column| CorruptRow::new("approvals", column, &ApprovalId::new(self.id));
        let (arguments, digest) = (self.edited_arguments.as_deref(), self.edited_digest.as_deref());
        // A row without a scope and without these is not a newer kind of approval, but a damaged one.
        let (Some(arguments), Some(digest)) = (arguments, digest) else {
            return Err(corrupt("decision_scope"));
        };
        Ok(EditedArguments {
            arguments: object(arguments)
                .map(Arguments::from_stored)
                .ok_or_else(|| corrupt("edited_arguments"))?,
            digest: Digest::from_stored(digest).ok_or_else(|| corrupt("edited_digest"))?,
        })
    }
}

/// A column of JSON that holds an object. What is wrong with one that doesn't isn't said: it may quote an argument.
fn object(json: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(json).ok()
}

/// Approvals that were read together. Those to end together are locked.
#[derive(Debug, Default)]
pub struct Batch {
    /// Those that can be read.
    pub approvals: Vec<Approval>,
    /// Those that can't. Each was logged.
    pub unreadable: Vec<ApprovalId>,
}

impl Batch {
    fn new(rows: Vec<ApprovalRow>) -> Self {
        let mut batch = Self::default();
        for row in rows {
            let id = ApprovalId::new(row.id);
            match row.read() {
                Ok(approval) => batch.approvals.push(approval),
                Err(corrupt) => {
                    corrupt.log();
                    batch.unreadable.push(id);
                }
            }
        }
        batch
    }
}

/// The approval with this id, of any backend. For workers, which only get ids.
pub async fn find(db: &mut PgConnection, id: ApprovalId) -> sqlx::Result<Option<Approval>> {
    let row = select_approvals!("WHERE p.id = $1", id.uuid()).fetch_optional(db).await?;
    Ok(row.map(ApprovalRow::read).transpose()?)
}

/// The approvals with these ids, of any backend. One that can't be read is an error of its own.
pub async fn find_all(
    db: &mut PgConnection,
    ids: &[ApprovalId],
) -> sqlx::Result<HashMap<ApprovalId, Result<Approval, CorruptRow>>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let (lowest, highest) = bounds(&ids);
    let rows = select_approvals!("WHERE p.id = ANY($1) AND p.id >= $2 AND p.id <= $3", &ids, lowest, highest)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (ApprovalId::new(row.id), row.read())).collect())
}

/// The approval with this id, if this backend asked it.
pub async fn find_of_caller(
    db: &mut PgConnection,
    own: &OwnApprovals,
    id: ApprovalId,
) -> sqlx::Result<Option<Approval>> {
    let row = select_approvals!(
        "WHERE p.id = $1 AND p.backend_id = $2 AND ($3::text IS NULL OR p.user_id = $3)",
        id.uuid(),
        own.backend().uuid(),
        own.user().map(UserId::as_str)
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(ApprovalRow::read).transpose()?)
}

/// Those of these approvals that have ended, and those of `always` even if they are pending. Of any backend.
pub async fn find_ended(db: &mut PgConnection, ids: &[Uuid], always: &[Uuid]) -> sqlx::Result<Batch> {
    let (lowest, highest) = bounds(ids);
    let rows = select_approvals!(
        "WHERE p.id = ANY($1) AND (p.status <> 'pending' OR p.id = ANY($2)) AND p.id >= $3 AND p.id <= $4",
        ids,
        always,
        lowest,
        highest
    )
    .fetch_all(db)
    .await?;
    Ok(Batch::new(rows))
}

/// The approval with this id, if it belongs to the workspace with this Slack id. Not locked: for showing.
/// Nor is it found by a request that was taken before.
pub async fn find_in_workspace(
    db: &mut PgConnection,
    slack_id: &str,
    id: ApprovalId,
    request: Option<RequestDigest>,
) -> sqlx::Result<Option<Approval>> {
    let row = select_approvals!(
        "JOIN workspaces w ON w.id = p.workspace_id WHERE p.id = $1 AND w.slack_id = $2
         AND NOT EXISTS (SELECT FROM slack_requests r WHERE r.digest = $3)",
        id.uuid(),
        slack_id,
        request.as_ref().map(RequestDigest::as_bytes)
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(ApprovalRow::read).transpose()?)
}

/// Locks up to `limit` approvals that have expired. Skips those in `except`, and those that are being decided at this
/// moment.
pub async fn lock_expired(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    except: &[Uuid],
    limit: i64,
) -> sqlx::Result<Batch> {
    let rows = select_approvals!(
        "JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.status = 'pending' AND p.expires_at <= $1 AND p.id <> ALL($2)
         ORDER BY p.expires_at LIMIT $3 FOR KEY SHARE OF w SKIP LOCKED FOR NO KEY UPDATE OF p SKIP LOCKED",
        now,
        except,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(Batch::new(rows))
}

/// Which of these approvals have ended, or no longer exist.
pub async fn ended_among(db: &mut PgConnection, ids: &[ApprovalId]) -> sqlx::Result<Vec<ApprovalId>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let (lowest, highest) = bounds(&ids);
    let ended = sqlx::query_scalar!(
        r#"SELECT u.id AS "id!" FROM unnest($1::uuid[]) AS u (id)
           WHERE NOT EXISTS (SELECT FROM approvals p WHERE p.id = u.id AND p.status = 'pending'
               AND p.id >= $2 AND p.id <= $3)"#,
        &ids,
        lowest,
        highest
    )
    .fetch_all(db)
    .await?;
    Ok(ended.into_iter().map(ApprovalId::new).collect())
}

/// Locks those of these approvals that are pending. Skips those that are being decided at this moment.
pub async fn lock_pending(db: &mut PgConnection, ids: &[ApprovalId]) -> sqlx::Result<Batch> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let (lowest, highest) = bounds(&ids);
    let rows = select_approvals!(
        "JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.id = ANY($1) AND p.status = 'pending' AND p.id >= $2 AND p.id <= $3
         ORDER BY p.id FOR KEY SHARE OF w SKIP LOCKED FOR NO KEY UPDATE OF p SKIP LOCKED",
        &ids,
        lowest,
        highest
    )
    .fetch_all(db)
    .await?;
    Ok(Batch::new(rows))
}

/// Locks up to `limit` pending approvals of workspaces that the app was removed from. Skips those in `except`, and
/// those that another transaction has locked.
pub async fn lock_stranded(db: &mut PgConnection, except: &[Uuid], limit: i64) -> sqlx::Result<Batch> {
    // Unsorted: to sort them, Postgres would read all approvals in the order of their ids. The workspace's lock is
    // waited for, not skipped: a second event about the removal holds it briefly, and skipping it would leave the
    // approvals to the next run.
    let rows = select_approvals!(
        "JOIN workspaces w ON w.id = p.workspace_id
         WHERE p.status = 'pending' AND w.removed_at IS NOT NULL AND p.id <> ALL($1)
         LIMIT $2 FOR KEY SHARE OF w FOR NO KEY UPDATE OF p SKIP LOCKED",
        except,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(Batch::new(rows))
}

/// Locks up to `limit` pending approvals of this user, without those in `except`. Waits for transactions that are
/// deciding them.
pub async fn lock_pending_of(
    db: &mut PgConnection,
    (workspace, user): (WorkspaceId, &UserId),
    except: &[Uuid],
    limit: i64,
) -> sqlx::Result<Batch> {
    let rows = select_approvals!(
        // The comparisons say that they are this user's: see crate::storage::read_models::approvals.
        "WHERE p.status = 'pending' AND p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.id <> ALL($3)
         ORDER BY p.user_id, p.id LIMIT $4 FOR NO KEY UPDATE OF p",
        workspace.uuid(),
        user.as_str(),
        except,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(Batch::new(rows))
}

/// The newest approvals of a workspace from this id on, and before another: at most `limit`.
pub async fn page(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    (from, until): (Uuid, Option<ApprovalId>),
    limit: i64,
) -> sqlx::Result<Batch> {
    let rows = select_approvals!(
        "WHERE p.workspace_id = $1 AND p.id >= $2 AND ($3::uuid IS NULL OR p.id < $3) ORDER BY p.id DESC LIMIT $4",
        workspace.uuid(),
        from,
        until.map(ApprovalId::uuid),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(Batch::new(rows))
}

/// When the next pending approval expires, without those in `except`.
pub async fn next_expiry(db: &mut PgConnection, except: &[Uuid]) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "SELECT min(expires_at) FROM approvals WHERE status = 'pending' AND id <> ALL($1)",
        except
    )
    .fetch_one(db)
    .await
}

/// The pending approvals for these actions, whose prompts show what they are called and whether they are unlocked.
pub async fn pending_for_actions(
    db: &mut PgConnection,
    actions: &[ActionId],
) -> sqlx::Result<Vec<ApprovalId>> {
    let actions: Vec<Uuid> = actions.iter().map(|id| id.uuid()).collect();
    let ids = sqlx::query_scalar!(
        "SELECT id FROM approvals WHERE action_id = ANY($1) AND status = 'pending' ORDER BY id",
        &actions
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(ApprovalId::new).collect())
}

/// A user's pending approvals for an integration, whose prompts show whether it is connected.
pub async fn pending_for_connection(
    db: &mut PgConnection,
    integration: IntegrationId,
    user: &UserId,
) -> sqlx::Result<Vec<ApprovalId>> {
    let ids = sqlx::query_scalar!(
        "SELECT p.id FROM approvals p JOIN actions a ON a.id = p.action_id
         WHERE a.integration_id = $1 AND p.user_id = $2 AND p.status = 'pending' ORDER BY p.id",
        integration.uuid(),
        user.as_str()
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(ApprovalId::new).collect())
}

/// The pending approvals of a conversation, whose prompts offer to auto-approve for it, and whom they ask.
pub async fn pending_in_conversation(
    db: &mut PgConnection,
    conversation: &ConversationKey,
) -> sqlx::Result<Vec<(ApprovalId, UserId)>> {
    let rows = sqlx::query!(
        "SELECT id, user_id FROM approvals WHERE backend_id = $1 AND conversation_id = $2 AND status = 'pending'
           AND own_conversation = ($3::text IS NOT NULL) AND ($3 IS NULL OR user_id = $3)
         ORDER BY id",
        conversation.backend().uuid(),
        conversation.id().as_str(),
        conversation.user().map(UserId::as_str)
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ApprovalId::new(row.id), UserId::from_stored(row.user_id))).collect())
}

/// The pending approvals of a backend, of an agent, or of a backend's agent, and whom they ask. One of both is given.
pub async fn pending_of_agent(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    target: &PauseTarget,
) -> sqlx::Result<Vec<(ApprovalId, UserId)>> {
    let rows = sqlx::query!(
        "SELECT id, user_id FROM approvals
         WHERE workspace_id = $1 AND status = 'pending' AND ($2::uuid IS NULL OR backend_id = $2)
           AND ($3::text IS NULL OR agent_id = $3)
         ORDER BY id",
        workspace.uuid(),
        target.backend().map(BackendId::uuid),
        target.agent().map(Text::as_str)
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ApprovalId::new(row.id), UserId::from_stored(row.user_id))).collect())
}

/// The approvals whose prompts offer to turn one of these grants off.
pub async fn that_left(db: &mut PgConnection, grants: &[GrantId]) -> sqlx::Result<Vec<ApprovalId>> {
    let grants: Vec<Uuid> = grants.iter().map(|id| id.uuid()).collect();
    let ids = sqlx::query_scalar!(
        "SELECT id FROM approvals WHERE decision_grant = ANY($1) AND decided_by = 'user' ORDER BY id",
        &grants
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(ApprovalId::new).collect())
}

/// Deletes arguments, reason and metadata of the oldest approvals that have them, are older than `before` and have ended.
/// Returns how many it looked at; 0 means that none are left.
pub async fn delete_contents(
    db: &mut PgConnection,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT delete_contents($1, $2) AS "count!""#, before, now).fetch_one(db).await
}
