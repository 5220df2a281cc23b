//! Backends, as an operator manages them, and their webhook endpoints.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::domain::{
    api_keys::NewApiKey,
    audit::{Actor, AuditAction, Entry},
    backend_ref::BackendRef,
    effects::Changed,
    ids::{ApprovalId, BackendId, DeliveryId, WorkspaceId},
    text::{Link, Name},
};

/// A new backend with its first key.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBackend {
    /// The backend's id.
    pub id: BackendId,
    /// The workspace that the backend belongs to.
    pub workspace: WorkspaceId,
    /// The backend's name, unique in the workspace.
    pub name: Name,
    /// The URL that webhooks are sent to. `None`: the backend has no endpoint, and its callers long-poll.
    pub webhook_url: Option<Link>,
    /// The backend's first key.
    pub key: NewApiKey,
}

impl AsRef<NewApiKey> for NewBackend {
    fn as_ref(&self) -> &NewApiKey {
        &self.key
    }
}

/// Creates a backend.
pub fn create(backend: NewBackend) -> Changed<NewBackend> {
    let entry = Entry::new(Actor::Operator, AuditAction::BackendCreated)
        .subject(backend.name.as_str())
        .after(json!({
            "id": backend.id, "webhook_origin": backend.webhook_url.as_ref().map(Link::origin), "key": backend.key.id,
            "scopes": backend.key.scopes.names(),
        }));
    Changed::new(backend.workspace, backend, entry)
}

/// A backend that may no longer create approvals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled(pub BackendId);

/// Disables a backend.
pub fn disable(backend: BackendRef<'_>) -> Changed<Disabled> {
    let entry = backend.entry(AuditAction::BackendDisabled);
    Changed::new(backend.workspace, Disabled(backend.id), entry)
}

/// A backend that gets a new webhook secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretRotation {
    /// The backend.
    pub backend: BackendId,
    /// How long the previous secret signs too.
    pub previous_until: DateTime<Utc>,
}

/// Gives a backend a new webhook secret.
pub fn rotate_secret(backend: BackendRef<'_>, previous_until: DateTime<Utc>) -> Changed<SecretRotation> {
    let entry = backend.entry(AuditAction::SecretRotated).after(json!({ "previous_until": previous_until }));
    Changed::new(backend.workspace, SecretRotation { backend: backend.id, previous_until }, entry)
}

/// A backend whose webhooks get another URL.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookMove {
    /// The backend.
    pub backend: BackendId,
    /// The new URL.
    pub url: Link,
}

/// Changes the URL that a backend's webhooks are sent to.
pub fn move_webhook(backend: BackendRef<'_>, before: Option<&Link>, after: &Link) -> Changed<WebhookMove> {
    let entry = backend
        .entry(AuditAction::WebhookMoved)
        .before(json!({ "webhook_origin": before.map(Link::origin) }))
        .after(json!({ "webhook_origin": after.origin() }));
    Changed::new(backend.workspace, WebhookMove { backend: backend.id, url: after.clone() }, entry)
}

/// An endpoint that gets no more deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookStop {
    /// The backend.
    pub backend: BackendId,
    /// The reason, as a short stable name.
    pub why: &'static str,
}

/// Stops deliveries to an endpoint that keeps failing.
pub fn stop_webhook(
    workspace: WorkspaceId,
    backend: BackendId,
    why: &'static str,
    failing_since: Option<DateTime<Utc>>,
) -> Changed<WebhookStop> {
    let entry = Entry::new(Actor::Service, AuditAction::WebhookStopped)
        .subject(backend.to_string())
        .after(json!({ "why": why, "failing_since": failing_since }));
    Changed::new(workspace, WebhookStop { backend, why }, entry)
}

/// An endpoint that gets deliveries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookResumption(pub BackendId);

/// Resumes deliveries to a stopped endpoint, on the operator's command.
pub fn resume_webhook(backend: BackendRef<'_>) -> Changed<WebhookResumption> {
    let entry = backend.entry(AuditAction::WebhookResumed);
    Changed::new(backend.workspace, WebhookResumption(backend.id), entry)
}

/// Resumes deliveries to a stopped endpoint, because a delivery to it succeeded.
pub fn recover_webhook(workspace: WorkspaceId, backend: BackendId) -> Changed<WebhookResumption> {
    let entry = Entry::new(Actor::Service, AuditAction::WebhookResumed)
        .subject(backend.to_string())
        .after(json!({ "why": "delivered" }));
    Changed::new(workspace, WebhookResumption(backend), entry)
}

/// A webhook to send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivery {
    /// The backend that the webhook is for.
    pub backend: BackendId,
    /// The delivery's id.
    pub delivery: DeliveryId,
}

/// Sends a webhook again, because its backend, an admin or the operator asked for that.
pub fn redeliver(
    workspace: WorkspaceId,
    redelivery: Redelivery,
    approval: ApprovalId,
    status_before: &str,
    actor: Actor,
) -> Changed<Redelivery> {
    let entry = Entry::new(actor, AuditAction::WebhookRedelivered)
        .approval(approval)
        .subject(redelivery.delivery.to_string())
        .before(json!({ "status": status_before }));
    Changed::new(workspace, redelivery, entry)
}
