//! Backends, as an operator manages them, and the endpoints that their webhooks go to.

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
    /// Its id.
    pub id: BackendId,
    /// Where it belongs.
    pub workspace: WorkspaceId,
    /// Its name, unique in the workspace.
    pub name: Name,
    /// Where its webhooks go.
    pub webhook_url: Link,
    /// Its first key.
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
            "id": backend.id, "webhook_origin": backend.webhook_url.origin(), "key": backend.key.id,
            "scopes": backend.key.scopes.names(),
        }));
    Changed::new(backend.workspace, backend, entry)
}

/// A backend that may no longer ask.
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
    /// Until when the present secret also signs.
    pub previous_until: DateTime<Utc>,
}

/// Gives a backend a new webhook secret.
pub fn rotate_secret(backend: BackendRef<'_>, previous_until: DateTime<Utc>) -> Changed<SecretRotation> {
    let entry = backend.entry(AuditAction::SecretRotated).after(json!({ "previous_until": previous_until }));
    Changed::new(backend.workspace, SecretRotation { backend: backend.id, previous_until }, entry)
}

/// A backend whose webhooks go elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookMove {
    /// The backend.
    pub backend: BackendId,
    /// Where they go now.
    pub url: Link,
}

/// Sends a backend's webhooks elsewhere.
pub fn move_webhook(backend: BackendRef<'_>, before: &Link, after: &Link) -> Changed<WebhookMove> {
    let entry = backend
        .entry(AuditAction::WebhookMoved)
        .before(json!({ "webhook_origin": before.origin() }))
        .after(json!({ "webhook_origin": after.origin() }));
    Changed::new(backend.workspace, WebhookMove { backend: backend.id, url: after.clone() }, entry)
}

/// An endpoint to which deliveries stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookStop {
    /// The backend.
    pub backend: BackendId,
    /// Why: a short name.
    pub why: &'static str,
}

/// Stops deliveries to an endpoint that does not take them.
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

/// An endpoint to which deliveries go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookResumption(pub BackendId);

/// Lets deliveries to a stopped endpoint go on, because the operator says so.
pub fn resume_webhook(backend: BackendRef<'_>) -> Changed<WebhookResumption> {
    let entry = backend.entry(AuditAction::WebhookResumed);
    Changed::new(backend.workspace, WebhookResumption(backend.id), entry)
}

/// Lets deliveries to a stopped endpoint go on, because it took one.
pub fn recover_webhook(workspace: WorkspaceId, backend: BackendId) -> Changed<WebhookResumption> {
    let entry = Entry::new(Actor::Service, AuditAction::WebhookResumed)
        .subject(backend.to_string())
        .after(json!({ "why": "delivered" }));
    Changed::new(workspace, WebhookResumption(backend), entry)
}

/// A webhook that is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivery {
    /// Whose it is.
    pub backend: BackendId,
    /// Its id.
    pub delivery: DeliveryId,
}

/// Has a webhook sent again, because its backend asks for it.
pub fn redeliver(
    workspace: WorkspaceId,
    redelivery: Redelivery,
    approval: ApprovalId,
    status_before: &str,
) -> Changed<Redelivery> {
    let entry = Entry::new(Actor::Backend(redelivery.backend), AuditAction::WebhookRedelivered)
        .approval(approval)
        .subject(redelivery.delivery.to_string())
        .before(json!({ "status": status_before }));
    Changed::new(workspace, redelivery, entry)
}
