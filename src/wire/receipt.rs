//! What a receipt says, as it is signed and as it is read. `docs/receipt.schema.json` describes it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{
    approvals::Approval,
    arguments::Digest,
    decision::Decision,
    limits::{Limits, Uses},
};

/// The `typ` of a receipt's header: no other token of the service, or of anyone else, is taken for a receipt.
pub const TYPE: &str = "countersign-receipt+jwt";

/// The version of the payload. It changes when a member changes its meaning; members may be added without.
pub const VERSION: u8 = 1;

/// A receipt's payload. It holds no arguments, reasons or names: only ids, digests, times and how it ended. Members that
/// do not apply are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptJson {
    /// The service's address.
    pub iss: String,
    /// When it was signed, in seconds since 1970.
    pub iat: i64,
    /// [`VERSION`].
    pub version: u8,
    /// The approval, `apr_…`.
    pub approval: String,
    /// Slack's id of the workspace.
    pub workspace: String,
    /// The backend that asked, `bck_…`.
    pub backend: String,
    /// Slack's id of the user who was asked.
    pub user: String,
    /// The backend's id of the agent.
    pub agent: String,
    /// The backend's id of the conversation.
    pub conversation: String,
    /// The integration's key.
    pub integration: String,
    /// The action's key.
    pub action: String,
    /// The version of the action's description that the approval was asked under, `ver_…`.
    pub action_version: String,
    /// The digest of the arguments that were asked.
    pub arguments_digest: String,
    /// The digests of the messages that asked people, as they were posted.
    pub prompt_digests: Vec<String>,
    /// When it was asked.
    pub created_at: String,
    /// Until when it could be decided.
    pub expires_at: String,
    /// How it ended.
    pub decision: DecisionJson,
    /// What came of the approved call, if the backend reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultJson>,
    /// The proof that the audit log has the entry of how it ended, once it is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogJson>,
}

/// The proof that an entry is in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AuditProof)]
pub struct LogJson {
    /// The entry's record, whose hash is the leaf: SHA-256 over a zero byte and these characters.
    pub record: String,
    /// The proof and the checkpoint that seals the entry, in the format C2SP tlog-proof.
    pub proof: String,
}

/// How an approval ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionJson {
    /// `approved`, `denied`, `expired`, `cancelled` or `undeliverable`.
    pub outcome: String,
    /// What decided: `user`, `auto`, `policy` or `backend`.
    pub by: String,
    /// Slack's id of the person who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Slack's id of the person in whose place a delegate decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// `once`, `conversation` or `always`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The grant that approved, or that the decision left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// What the grant is limited to in addition to its scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_limits: Option<LimitsJson>,
    /// The digest of the arguments that were approved instead of those that were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
    /// When it ended.
    pub decided_at: String,
}

/// What a grant is limited to in addition to its scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsJson {
    /// The names of the arguments whose values are fixed.
    pub fixed_arguments: Vec<String>,
    /// The backend's id of the only agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// How many requests it approves in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u16>,
}

/// What came of an approved call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultJson {
    /// `succeeded` or `failed`.
    pub status: String,
    /// The digest of the backend's report.
    pub digest: String,
    /// When it was reported.
    pub reported_at: String,
}

impl ReceiptJson {
    /// What a receipt says of an ended approval. `None`: it is pending.
    #[must_use]
    pub fn new(
        issuer: &str,
        now: DateTime<Utc>,
        workspace: &str,
        approval: &Approval,
        shown: &[Digest],
    ) -> Option<Self> {
        let decision = approval.decision.as_ref()?;
        let request = &approval.request;
        let result = approval.result.as_ref().map(|result| ResultJson {
            status: result.status.as_str().to_owned(),
            digest: result.digest.to_string(),
            reported_at: time(result.reported_at),
        });
        Some(Self {
            iss: issuer.to_owned(),
            iat: now.timestamp(),
            version: VERSION,
            approval: request.id.to_string(),
            workspace: workspace.to_owned(),
            backend: request.backend.to_string(),
            user: request.user.as_str().to_owned(),
            agent: request.agent.id.as_str().to_owned(),
            conversation: request.conversation.id.as_str().to_owned(),
            integration: request.action.integration.as_str().to_owned(),
            action: request.action.action.as_str().to_owned(),
            action_version: request.action.version.to_string(),
            arguments_digest: request.digest.to_string(),
            prompt_digests: shown.iter().map(ToString::to_string).collect(),
            created_at: time(request.created_at),
            expires_at: time(request.expires_at),
            decision: DecisionJson::from(decision),
            result,
            log: None,
        })
    }

    /// The digest of the arguments that were approved, if any were.
    #[must_use]
    pub fn approved_digest(&self) -> Option<&str> {
        let edited = self.decision.arguments_digest.as_deref();
        (self.decision.outcome == "approved").then(|| edited.unwrap_or(&self.arguments_digest))
    }
}

impl From<&Decision> for DecisionJson {
    fn from(decision: &Decision) -> Self {
        Self {
            outcome: decision.outcome().as_str().to_owned(),
            by: decision.by().to_owned(),
            user: decision.user().map(|user| user.as_str().to_owned()),
            on_behalf_of: decision.on_behalf_of().map(|user| user.as_str().to_owned()),
            scope: decision.scope().map(|scope| scope.as_str().to_owned()),
            grant: decision.grant().map(|grant| grant.to_string()),
            grant_limits: decision.limits().map(LimitsJson::from),
            arguments_digest: decision.edited().map(|edited| edited.digest.to_string()),
            decided_at: time(decision.decided_at),
        }
    }
}

impl From<&Limits> for LimitsJson {
    fn from(limits: &Limits) -> Self {
        Self {
            fixed_arguments: limits.fixed().to_vec(),
            agent: limits.agent().map(|agent| agent.id.as_str().to_owned()),
            expires_at: limits.until().map(time),
            max_uses: limits.uses().map(Uses::number),
        }
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
