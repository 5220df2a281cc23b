//! A request for approval, and the approval that comes back, as the public API has them. Pure.
//!
//! Reading is strict: what this program does not understand is an error, never an approval.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{
    arguments::{Arguments, Digest, Exact},
    ids::ApprovalId,
    outcome::Outcome,
    text::{ActionKey, IntegrationKey},
};

/// The body of `POST /v1/approvals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The Slack id or email address of the user who decides. `None`: the user whom the API key is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Who wants to run the action.
    pub agent: Agent,
    /// The run of the agent.
    pub conversation: Conversation,
    /// What the agent uses.
    pub integration: IntegrationKey,
    /// What it does with it.
    pub action: ActionKey,
    /// The action's arguments.
    pub arguments: Arguments,
    /// Whether the caller runs arguments that the user changes.
    pub editable: bool,
    /// Why the agent asks, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many seconds the user has to answer.
    pub expires_in: u32,
    /// After how many seconds without a caller that waits the approval is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abandon_after: Option<u32>,
    /// Returned in every response and webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// Who wants to run an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agent {
    /// The backend's own id for it.
    pub id: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A run of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// The backend's own id for it.
    pub id: String,
    /// Its title for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// What an approval must be of, to be the approval of a request. Smaller than the request: of the arguments, it has the
/// digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    integration: IntegrationKey,
    action: ActionKey,
    digest: Digest,
    /// The user whom the request named.
    pub user: Option<String>,
    /// How many seconds the user has to answer.
    pub expires_in: u32,
}

/// An approval that is consistent in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The Slack id of the user who decides.
    pub user: String,
    /// The digest of the arguments as they were asked.
    pub digest: Digest,
    /// What ended it; `None` while it is pending.
    pub decision: Option<Decision>,
    integration: String,
    action: String,
}

/// What ended an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// How it ended.
    pub outcome: Outcome,
    /// Who ended it.
    pub by: DecidedBy,
    /// The Slack id of the person who decided, if one did.
    pub user: Option<String>,
    /// What that person wrote for the agent.
    pub reason: Option<String>,
    /// What was approved, if the person changed arguments.
    pub edited: Option<Arguments>,
}

/// Who ended an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    /// A person.
    User,
    /// A grant, the clock, or Slack refusing the prompt.
    Auto,
    /// A rule of an admin.
    Policy,
    /// It was cancelled.
    Backend,
}

/// The members that are read. Others may be added to the API.
#[derive(Deserialize)]
struct ApprovalMembers {
    id: String,
    status: String,
    user: String,
    integration: String,
    action: String,
    arguments: Arguments,
    arguments_digest: String,
    contents_deleted_at: Option<String>,
    decision: Option<DecisionMembers>,
}

#[derive(Deserialize)]
struct DecisionMembers {
    outcome: String,
    by: DecidedBy,
    user: Option<String>,
    reason: Option<String>,
    arguments: Option<Arguments>,
    arguments_digest: Option<String>,
}

/// Why a response is not an approval that this program can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// It is not an approval.
    #[error("the response is not an approval: {0}")]
    NotAnApproval(String),
    /// Its status is unknown, or not that of its decision.
    #[error("the approval's status {0:?} is unknown to this version, or is not that of its decision")]
    Status(String),
    /// A digest is not that of the arguments beside it.
    #[error("the arguments in the response do not match their digest")]
    Digest,
    /// The arguments were deleted after the time for which the service keeps them.
    #[error("the approval's arguments were deleted")]
    Deleted,
    /// It is an approval of another call.
    #[error("the response is the approval of a different call from the one that was asked for")]
    AnotherCall,
}

impl Expected {
    /// The digest of the arguments that were asked for.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

impl Request {
    /// What its approval must be of.
    #[must_use]
    pub fn expected(&self) -> Expected {
        Expected {
            integration: self.integration.clone(),
            action: self.action.clone(),
            digest: self.arguments.digest(),
            user: self.user.clone(),
            expires_in: self.expires_in,
        }
    }
}

impl Approval {
    /// Reads an approval, as the API responds with it.
    pub fn read(json: &[u8]) -> Result<Self, NotUnderstood> {
        let Exact(value) = Exact::read(json).map_err(NotUnderstood::NotAnApproval)?;
        Self::from_value(value)
    }

    /// Reads an approval from JSON that was parsed already.
    pub fn from_value(value: Value) -> Result<Self, NotUnderstood> {
        let members: ApprovalMembers =
            serde_json::from_value(value).map_err(|error| NotUnderstood::NotAnApproval(error.to_string()))?;
        let id = members.id.parse().map_err(|_| NotUnderstood::NotAnApproval("its id".to_owned()))?;
        if members.contents_deleted_at.is_some() {
            return Err(NotUnderstood::Deleted);
        }
        let digest = checked(&members.arguments, &members.arguments_digest)?;
        let decision = match (members.status.as_str(), members.decision) {
            ("pending", None) => None,
            (status, Some(decision)) if decision.outcome == status => Some(decision.read()?),
            (status, _) => return Err(NotUnderstood::Status(status.to_owned())),
        };
        let ApprovalMembers { user, integration, action, .. } = members;
        Ok(Self { id, user, digest, decision, integration, action })
    }

    /// Checks that this approval is of this request: the same action, with the same arguments.
    pub fn check(&self, request: &Request) -> Result<(), NotUnderstood> {
        if self.is_of(&request.expected()) { Ok(()) } else { Err(NotUnderstood::AnotherCall) }
    }

    /// Whether this is the approval of the request: of the same action, with the same arguments.
    #[must_use]
    pub fn is_of(&self, expected: &Expected) -> bool {
        self.integration == expected.integration.as_str()
            && self.action == expected.action.as_str()
            && self.digest == expected.digest
    }

    /// Whether both are of the same action with the same arguments.
    #[must_use]
    pub fn is_of_the_same_call(&self, other: &Self) -> bool {
        (&self.integration, &self.action, self.digest) == (&other.integration, &other.action, other.digest)
    }

    /// What may run: the arguments of the request, or those that the person changed. `None` unless this is the request's
    /// approval and was approved.
    #[must_use]
    pub fn permitted<'a>(&'a self, request: &'a Request) -> Option<&'a Arguments> {
        self.check(request).ok()?;
        let decision = self.decision.as_ref().filter(|decision| decision.outcome == Outcome::Approved)?;
        Some(decision.edited.as_ref().unwrap_or(&request.arguments))
    }
}

impl DecisionMembers {
    fn read(self) -> Result<Decision, NotUnderstood> {
        let known = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == self.outcome);
        let outcome = known.ok_or(NotUnderstood::Status(self.outcome))?;
        let edited = match (self.arguments, self.arguments_digest) {
            (None, None) => None,
            (Some(arguments), Some(digest)) if outcome == Outcome::Approved => {
                checked(&arguments, &digest)?;
                Some(arguments)
            }
            _ => return Err(NotUnderstood::Digest),
        };
        Ok(Decision { outcome, by: self.by, user: self.user, reason: self.reason, edited })
    }
}

/// The digest of these arguments, if the response gives the same.
fn checked(arguments: &Arguments, given: &str) -> Result<Digest, NotUnderstood> {
    let digest = arguments.digest();
    if digest.to_string() == given { Ok(digest) } else { Err(NotUnderstood::Digest) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> Request {
        Request {
            user: Some("alice@example.com".to_owned()),
            agent: Agent { id: "atlas".to_owned(), name: None },
            conversation: Conversation { id: "c-42".to_owned(), title: None },
            integration: IntegrationKey::new("salesforce").unwrap(),
            action: ActionKey::new("create_record").unwrap(),
            arguments: serde_json::from_value(json!({ "subject": "Call" })).unwrap(),
            editable: true,
            reason: None,
            expires_in: 60,
            abandon_after: None,
            metadata: None,
        }
    }

    fn digest(value: &Value) -> String {
        Digest::for_json(value).to_string()
    }

    fn pending() -> Value {
        let arguments = json!({ "subject": "Call" });
        json!({
            "id": "apr_0192f7c3a4b57d0e8f1a2b3c4d5e6f70", "status": "pending", "user": "U0ALICE",
            "integration": "salesforce", "action": "create_record",
            "arguments_digest": digest(&arguments), "arguments": arguments, "decision": null, "new": 1,
        })
    }

    fn ended(outcome: &str) -> Value {
        let mut approval = pending();
        approval["status"] = json!(outcome);
        approval["decision"] = json!({
            "outcome": outcome, "by": "user", "user": "U0ALICE", "reason": null, "arguments": null,
            "arguments_digest": null,
        });
        approval
    }

    fn permitted(approval: Value) -> Result<Option<Value>, NotUnderstood> {
        let approval = Approval::from_value(approval)?;
        Ok(approval.permitted(&request()).map(|arguments| Value::Object(arguments.members().clone())))
    }

    #[test]
    fn only_an_approved_request_may_run() {
        assert_eq!(permitted(ended("approved")), Ok(Some(json!({ "subject": "Call" }))));
        for outcome in Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Approved) {
            assert_eq!(permitted(ended(outcome.as_str())), Ok(None));
        }
        assert_eq!(permitted(pending()), Ok(None));
    }

    #[test]
    fn changed_arguments_run_instead() {
        let mut approval = ended("approved");
        let edited = json!({ "subject": "Mail" });
        approval["decision"]["arguments_digest"] = json!(digest(&edited));
        approval["decision"]["arguments"] = edited.clone();
        assert_eq!(permitted(approval.clone()), Ok(Some(edited)));
        approval["decision"]["arguments"]["subject"] = json!("Fax");
        assert_eq!(permitted(approval), Err(NotUnderstood::Digest));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let change = |pointer: &str, value: Value| {
            let mut approval = ended("approved");
            *approval.pointer_mut(pointer).unwrap() = value;
            permitted(approval)
        };
        for (pointer, value) in [
            ("/id", json!("grt_0192f7c3a4b57d0e8f1a2b3c4d5e6f70")),
            ("/status", json!("granted")),
            ("/status", json!("pending")),
            ("/status", json!("denied")),
            ("/decision", Value::Null),
            ("/decision/outcome", json!("Approved")),
            ("/decision/by", json!("model")),
            ("/decision/arguments", json!({})),
            ("/decision/arguments_digest", json!("sha256:00")),
            ("/arguments", json!({ "subject": "Mail" })),
            ("/arguments", json!([])),
            ("/arguments_digest", json!("sha256:00")),
        ] {
            assert!(change(pointer, value.clone()).is_err(), "{pointer} {value}");
        }
        assert!(Approval::read(b"{\"status\":\"approved\"}").is_err());
        assert!(Approval::read(b"<html>").is_err());
        let twice =
            ended("denied").to_string().replacen("\"status\"", "\"status\":\"approved\",\"status\"", 1);
        assert!(Approval::read(twice.as_bytes()).is_err(), "a member given twice");
    }

    #[test]
    fn the_approval_of_another_call_permits_nothing() {
        for (pointer, value) in [("/action", json!("delete_record")), ("/integration", json!("github"))] {
            let mut approval = ended("approved");
            *approval.pointer_mut(pointer).unwrap() = value;
            assert_eq!(permitted(approval), Ok(None));
        }
        let mut approval = ended("approved");
        let other = json!({ "subject": "Mail" });
        approval["arguments_digest"] = json!(digest(&other));
        approval["arguments"] = other;
        assert_eq!(permitted(approval), Ok(None));
    }
}
