//! An approval as JSON: the same in every response and in every webhook. And what a receipt of it says.

pub mod examples;
pub mod receipt;
pub mod schema;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::{
    approvals::{Agent, Approval},
    arguments::Arguments,
    grants::Scope,
    ids::{ApiKeyId, ApprovalId, BackendId, GrantId},
    limits::{Limits, Uses},
    panel::Answer,
    permits::Permit,
    results::ResultStatus,
};

/// RFC 3339 in UTC, to the microsecond that is stored.
pub(crate) fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// The same for a time that may be missing.
#[expect(clippy::ref_option, reason = "serde gives a reference")]
pub(crate) fn maybe_time<S: Serializer>(
    at: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => time(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// A request of an agent to run an action once, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Approval)]
pub struct ApprovalJson<'a> {
    #[schema(schema_with = schema::approval_id)]
    id: ApprovalId,
    #[schema(schema_with = schema::status)]
    status: &'static str,
    /// The Slack id of the user who decides.
    user: &'a str,
    agent: AgentJson<'a>,
    conversation: ConversationJson<'a>,
    integration: &'a str,
    action: &'a str,
    /// As they were given.
    #[schema(schema_with = schema::object)]
    arguments: &'a Arguments,
    #[schema(schema_with = schema::digest)]
    arguments_digest: String,
    /// Whether the backend accepts arguments that the user changes.
    editable: bool,
    /// The agent's own words.
    #[schema(required)]
    reason: Option<&'a str>,
    /// As it was given.
    #[schema(required, schema_with = schema::maybe_object)]
    metadata: Option<&'a Map<String, Value>>,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "time")]
    created_at: DateTime<Utc>,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "time")]
    expires_at: DateTime<Utc>,
    /// When `arguments`, `reason` and `metadata` were deleted at the end of their retention period. They are
    /// empty since then; `arguments_digest` stays. Left out if they weren't.
    #[schema(schema_with = schema::time)]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_time")]
    contents_deleted_at: Option<DateTime<Utc>>,
    /// While its agent or backend is paused. It can be denied, but not approved until it is resumed. Left out if
    /// neither is.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<PausedJson<'a>>,
    /// The rules that it was judged by when it was made; left out if the workspace had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyJson>,
    /// What ended it; `null` while it is pending.
    #[schema(required)]
    decision: Option<DecisionJson<'a>>,
    /// What came of the approved call, as the backend reported it; `null` if it did not.
    #[schema(required)]
    result: Option<ResultJson<'a>>,
}

/// That an admin paused the agent or the backend.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Paused)]
struct PausedJson<'a> {
    /// The admin's reason.
    reason: &'a str,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "time")]
    since: DateTime<Utc>,
}

/// The rules that a request was judged by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyRef)]
struct PolicyJson {
    /// The version of the workspace's policy.
    version: i32,
    /// The rule that decided, counted from 1; `null` if none matched.
    #[schema(required)]
    rule: Option<u16>,
}

/// Who wants to run the action.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agent)]
struct AgentJson<'a> {
    id: &'a str,
    #[schema(required)]
    name: Option<&'a str>,
}

/// The run of the agent that asks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversation)]
struct ConversationJson<'a> {
    id: &'a str,
    #[schema(required)]
    title: Option<&'a str>,
    #[schema(required)]
    url: Option<&'a str>,
}

/// What ended an approval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
struct DecisionJson<'a> {
    #[schema(schema_with = schema::outcome)]
    outcome: &'static str,
    #[schema(required, schema_with = schema::maybe_scope)]
    scope: Option<Scope>,
    #[schema(schema_with = schema::by)]
    by: &'static str,
    /// Who decided, if a person did.
    #[schema(required)]
    user: Option<&'a str>,
    /// The Slack id of the person in whose place `user` decided, because they delegated to them. Left out if `user`
    /// decided for themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<&'a str>,
    /// The people whose approvals it took, the first one first, if a rule says who decides instead of the user. Left out
    /// otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<Vec<AnswerJson<'a>>>,
    /// The grant that the decision left, or by which it was made.
    #[schema(required, schema_with = schema::maybe_grant_id)]
    grant: Option<GrantId>,
    /// What that grant is limited to in addition to its scope; `null` if it isn't, or if there is no grant.
    #[schema(required)]
    grant_limits: Option<GrantLimitsJson<'a>>,
    /// What the user wrote for the agent, or why the service ended it.
    #[schema(required)]
    reason: Option<&'a str>,
    /// What was approved, if the user changed arguments: run these, and not those that were asked. Otherwise `null`.
    #[schema(required, schema_with = schema::maybe_object)]
    arguments: Option<&'a Arguments>,
    /// The digest of the decision's `arguments`, or `null`.
    #[schema(required, schema_with = schema::maybe_digest)]
    arguments_digest: Option<String>,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "time")]
    decided_at: DateTime<Utc>,
}

/// The approval of one of several people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApproverAnswer)]
struct AnswerJson<'a> {
    /// The Slack id of the person who approved.
    user: &'a str,
    /// The Slack id of the person in whose place they did, because that person delegated to them. Left out if they did
    /// in their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<&'a str>,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "time")]
    answered_at: DateTime<Utc>,
}

impl<'a> From<&'a Answer> for AnswerJson<'a> {
    fn from(answer: &'a Answer) -> Self {
        Self {
            user: answer.clicked_by.as_str(),
            on_behalf_of: answer.on_behalf_of().map(super::domain::ids::UserId::as_str),
            answered_at: answer.answered_at,
        }
    }
}

/// What a grant is limited to in addition to its scope.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GrantLimits)]
struct GrantLimitsJson<'a> {
    /// The names of the top-level arguments that must have the values that they have in this approval.
    fixed_arguments: &'a [String],
    /// The only agent that it holds for; `null`: any.
    #[schema(required)]
    agent: Option<AgentJson<'a>>,
    /// When it ends; `null`: when the user turns it off.
    #[schema(required, schema_with = schema::maybe_time)]
    #[serde(serialize_with = "maybe_time")]
    expires_at: Option<DateTime<Utc>>,
    /// How many requests it approves in all; `null`: any number.
    #[schema(required)]
    max_uses: Option<u16>,
}

impl<'a> From<&'a Limits> for GrantLimitsJson<'a> {
    fn from(limits: &'a Limits) -> Self {
        Self {
            fixed_arguments: limits.fixed(),
            agent: limits.agent().map(AgentJson::from),
            expires_at: limits.until(),
            max_uses: limits.uses().map(Uses::number),
        }
    }
}

impl<'a> From<&'a Agent> for AgentJson<'a> {
    fn from(agent: &'a Agent) -> Self {
        Self { id: agent.id.as_str(), name: agent.name.as_ref().map(super::domain::text::Text::as_str) }
    }
}

/// What came of an approved call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApprovalResult)]
struct ResultJson<'a> {
    #[schema(schema_with = schema::result_status)]
    status: ResultStatus,
    /// In the backend's words. Deleted together with `arguments`.
    #[schema(required)]
    summary: Option<&'a str>,
    /// Where people can see what came of it. Deleted together with `arguments`.
    #[schema(required)]
    url: Option<&'a str>,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "time")]
    reported_at: DateTime<Utc>,
}

impl<'a> From<&'a Approval> for ApprovalJson<'a> {
    fn from(approval: &'a Approval) -> Self {
        let request = &approval.request;
        let decision = approval.decision.as_ref().map(|decision| DecisionJson {
            outcome: decision.outcome().as_str(),
            scope: decision.scope(),
            by: decision.by(),
            user: decision.user().map(super::domain::ids::UserId::as_str),
            on_behalf_of: decision.on_behalf_of().map(super::domain::ids::UserId::as_str),
            approved_by: decision
                .approvers()
                .map(|approvers| approvers.iter().map(AnswerJson::from).collect()),
            grant: decision.grant(),
            grant_limits: decision.limits().map(GrantLimitsJson::from),
            reason: decision.reason().map(super::domain::text::Text::as_str),
            arguments: decision.edited().map(|edited| &edited.arguments),
            arguments_digest: decision.edited().map(|edited| edited.digest.to_string()),
            decided_at: decision.decided_at,
        });
        let result = approval.result.as_ref().map(|result| ResultJson {
            status: result.status,
            summary: result.summary.as_ref().map(super::domain::text::Text::as_str),
            url: result.url.as_ref().map(super::domain::text::Link::as_str),
            reported_at: result.reported_at,
        });
        Self {
            id: request.id,
            status: approval.status().as_str(),
            user: request.user.as_str(),
            agent: AgentJson::from(&request.agent),
            conversation: ConversationJson {
                id: request.conversation.id.as_str(),
                title: request.conversation.title.as_ref().map(super::domain::text::Text::as_str),
                url: request.conversation.url.as_ref().map(super::domain::text::Link::as_str),
            },
            integration: request.action.integration.as_str(),
            action: request.action.action.as_str(),
            arguments: &request.arguments,
            arguments_digest: request.digest.to_string(),
            editable: request.editable,
            reason: request.reason.as_ref().map(super::domain::text::Text::as_str),
            metadata: request.metadata.as_ref(),
            created_at: request.created_at,
            expires_at: request.expires_at,
            contents_deleted_at: request.contents_deleted_at,
            paused: approval
                .pause
                .as_ref()
                .map(|pause| PausedJson { reason: pause.reason.as_str(), since: pause.at }),
            policy: request.policy.map(|policy| PolicyJson {
                version: policy.version.get(),
                rule: policy.rule.map(super::domain::policy::RuleNumber::get),
            }),
            decision,
            result,
        }
    }
}

/// The single use of an approval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Permit)]
pub struct PermitJson {
    #[schema(schema_with = schema::approval_id)]
    approval: ApprovalId,
    /// The digest of the arguments that it permits to run.
    #[schema(schema_with = schema::digest)]
    arguments_digest: String,
    /// The public part of the API key that it was used with.
    #[schema(schema_with = schema::key_id)]
    key: ApiKeyId,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "time")]
    used_at: DateTime<Utc>,
}

impl From<&Permit> for PermitJson {
    fn from(permit: &Permit) -> Self {
        Self {
            approval: permit.approval,
            arguments_digest: permit.digest.to_string(),
            key: permit.key,
            used_at: permit.used_at,
        }
    }
}

/// A webhook's body (Standard Webhooks: `type`, `timestamp`, `data`).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventJson<'a> {
    #[schema(schema_with = schema::event)]
    #[serde(rename = "type")]
    event: &'a str,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "time")]
    timestamp: DateTime<Utc>,
    data: ApprovalJson<'a>,
}

impl<'a> EventJson<'a> {
    /// The event that says how an approval ended.
    #[must_use]
    pub fn new(event: &'a str, approval: &'a Approval) -> Self {
        let timestamp =
            approval.decision.as_ref().map_or(approval.request.created_at, |decision| decision.decided_at);
        Self { event, timestamp, data: approval.into() }
    }
}

/// A test webhook: it reports no event, and shows whether the endpoint accepts webhooks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ping)]
pub struct PingJson {
    /// `webhook.ping`.
    #[serde(rename = "type")]
    event: &'static str,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "time")]
    timestamp: DateTime<Utc>,
    data: PingedJson,
}

/// The backend that receives a ping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pinged)]
struct PingedJson {
    #[schema(schema_with = schema::backend_id)]
    backend: BackendId,
}

impl PingJson {
    /// A ping to this backend.
    #[must_use]
    pub const fn new(timestamp: DateTime<Utc>, backend: BackendId) -> Self {
        Self { event: "webhook.ping", timestamp, data: PingedJson { backend } }
    }
}
