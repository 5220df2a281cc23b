//! An approval as JSON: the same in every response and in every webhook.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::domain::{
    approvals::Approval,
    arguments::Arguments,
    grants::Scope,
    ids::{ApprovalId, BackendId, GrantId},
};

/// RFC 3339 in UTC, to the microsecond that is stored.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
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

/// An approval.
#[derive(Debug, Serialize)]
pub struct ApprovalJson<'a> {
    id: ApprovalId,
    status: &'static str,
    user: &'a str,
    agent: AgentJson<'a>,
    conversation: ConversationJson<'a>,
    integration: &'a str,
    action: &'a str,
    arguments: &'a Arguments,
    arguments_digest: String,
    reason: Option<&'a str>,
    metadata: Option<&'a Map<String, Value>>,
    #[serde(serialize_with = "time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "time")]
    expires_at: DateTime<Utc>,
    decision: Option<DecisionJson<'a>>,
}

#[derive(Debug, Serialize)]
struct AgentJson<'a> {
    id: &'a str,
    name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ConversationJson<'a> {
    id: &'a str,
    title: Option<&'a str>,
    url: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct DecisionJson<'a> {
    outcome: &'static str,
    scope: Option<Scope>,
    by: &'static str,
    user: Option<&'a str>,
    grant: Option<GrantId>,
    reason: Option<&'a str>,
    #[serde(serialize_with = "time")]
    decided_at: DateTime<Utc>,
}

impl<'a> From<&'a Approval> for ApprovalJson<'a> {
    fn from(approval: &'a Approval) -> Self {
        let request = &approval.request;
        let decision = approval.decision.as_ref().map(|decision| DecisionJson {
            outcome: decision.outcome().as_str(),
            scope: decision.scope(),
            by: decision.by(),
            user: decision.user().map(|user| user.as_str()),
            grant: decision.grant(),
            reason: decision.reason().map(|reason| reason.as_str()),
            decided_at: decision.decided_at,
        });
        Self {
            id: request.id,
            status: approval.status().as_str(),
            user: request.user.as_str(),
            agent: AgentJson {
                id: request.agent.id.as_str(),
                name: request.agent.name.as_ref().map(|name| name.as_str()),
            },
            conversation: ConversationJson {
                id: request.conversation.id.as_str(),
                title: request.conversation.title.as_ref().map(|title| title.as_str()),
                url: request.conversation.url.as_ref().map(|url| url.as_str()),
            },
            integration: request.action.integration.as_str(),
            action: request.action.action.as_str(),
            arguments: &request.arguments,
            arguments_digest: request.digest.to_string(),
            reason: request.reason.as_ref().map(|reason| reason.as_str()),
            metadata: request.metadata.as_ref(),
            created_at: request.created_at,
            expires_at: request.expires_at,
            decision,
        }
    }
}

/// A webhook's body (Standard Webhooks: `type`, `timestamp`, `data`).
#[derive(Debug, Serialize)]
pub struct EventJson<'a> {
    #[serde(rename = "type")]
    event: &'a str,
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

/// A webhook that tells of nothing: it shows whether the endpoint takes what is sent.
#[derive(Debug, Serialize)]
pub struct PingJson {
    #[serde(rename = "type")]
    event: &'static str,
    #[serde(serialize_with = "time")]
    timestamp: DateTime<Utc>,
    data: PingedJson,
}

#[derive(Debug, Serialize)]
struct PingedJson {
    backend: BackendId,
}

impl PingJson {
    /// A ping to this backend.
    #[must_use]
    pub const fn new(timestamp: DateTime<Utc>, backend: BackendId) -> Self {
        Self { event: "webhook.ping", timestamp, data: PingedJson { backend } }
    }
}
