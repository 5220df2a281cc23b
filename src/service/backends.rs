//! Backends, as an operator manages them from the command line.

use chrono::TimeDelta;
use secrecy::SecretString;

use super::{Service, ServiceError, api_keys, authenticate::webhook_secret, retrying};
use crate::{
    domain::{
        api_keys::KeyScopes,
        backends as domain,
        backends::NewBackend,
        ids::{BackendId, WorkspaceId},
        text::{Link, Name},
    },
    storage,
    storage::tables::{backends, backends::Summary},
};

/// A backend that was just created. Its API key is not stored, so this is the only time to show it.
#[derive(Debug)]
pub struct Created {
    /// The backend's id.
    pub id: BackendId,
    /// Its first API key.
    pub api_key: SecretString,
    /// The secret that signs its webhooks.
    pub webhook_secret: SecretString,
}

/// Creates a backend with a first key that has these scopes. Without an address it gets no webhooks; it still has a webhook
/// secret. `None` if the workspace has a backend with this name.
#[tracing::instrument(name = "create_backend", skip_all, fields(%workspace))]
pub async fn create(
    service: &Service,
    workspace: WorkspaceId,
    name: &Name,
    webhook_url: impl Into<Option<&Link>>,
    scopes: KeyScopes,
) -> Result<Option<Created>, ServiceError> {
    let webhook_url = webhook_url.into();
    retrying!(try_create(service, workspace, name, webhook_url, scopes))
}

async fn try_create(
    service: &Service,
    workspace: WorkspaceId,
    name: &Name,
    webhook_url: Option<&Link>,
    scopes: KeyScopes,
) -> Result<Option<Created>, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let id = BackendId::new(service.new_id());
    let secret = webhook_secret(service.entropy.bytes());
    let sealed = service.sealer.seal(&secret, id.uuid(), &service.entropy);
    let (key, api_key) = api_keys::generate(service, id, scopes);
    let backend = NewBackend { id, workspace, name: name.clone(), webhook_url: webhook_url.cloned(), key };
    let backend = work.record(domain::create(backend));
    if !backends::insert(&mut work, &backend, &sealed, now).await? {
        return Ok(None);
    }
    storage::tables::api_keys::insert(&mut work, &backend, &api_key.hash(), now).await?;
    work.commit().await?;
    Ok(Some(Created { id, api_key: api_key.reveal(), webhook_secret: secret }))
}

/// The backends of all workspaces, or of one.
pub async fn list(service: &Service, slack_id: Option<&str>) -> Result<Vec<Summary>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(backends::list(&mut db, slack_id).await?)
}

/// Gives a backend a new webhook secret. The current secret signs too for `overlap` longer.
#[tracing::instrument(name = "rotate_webhook_secret", skip_all, fields(backend = %backend.id))]
pub async fn rotate_secret(
    service: &Service,
    backend: &Summary,
    overlap: TimeDelta,
) -> Result<SecretString, ServiceError> {
    retrying!(try_rotate_secret(service, backend, overlap))
}

async fn try_rotate_secret(
    service: &Service,
    backend: &Summary,
    overlap: TimeDelta,
) -> Result<SecretString, ServiceError> {
    let mut work = service.begin().await?;
    let secret = webhook_secret(service.entropy.bytes());
    let sealed = service.sealer.seal(&secret, backend.id.uuid(), &service.entropy);
    let until = work.now() + overlap;
    let rotation = work.record(domain::rotate_secret(backend.reference(), until));
    backends::rotate_secret(&mut work, &rotation, &sealed).await?;
    work.commit().await?;
    Ok(secret)
}

/// Disables a backend: its keys stop working. Its pending approvals can still be decided. `false` if it was disabled
/// already.
#[tracing::instrument(name = "disable_backend", skip_all, fields(backend = %backend.id))]
pub async fn disable(service: &Service, backend: &Summary) -> Result<bool, ServiceError> {
    retrying!(try_disable(service, backend))
}

async fn try_disable(service: &Service, backend: &Summary) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    if backends::lock(&mut work, backend.id).await?.disabled {
        return Ok(false);
    }
    let disabled = work.record(domain::disable(backend.reference()));
    backends::disable(&mut work, &disabled, now).await?;
    work.commit().await?;
    Ok(true)
}

/// Changes the URL that a backend's webhooks are sent to, including waiting ones. A stopped endpoint stays stopped, so
/// that the operator can test the new URL first. `false` if the URL is the same.
#[tracing::instrument(name = "set_webhook", skip_all, fields(backend = %backend.id))]
pub async fn set_webhook(
    service: &Service,
    backend: &Summary,
    webhook_url: &Link,
) -> Result<bool, ServiceError> {
    retrying!(try_set_webhook(service, backend, webhook_url))
}

async fn try_set_webhook(
    service: &Service,
    backend: &Summary,
    webhook_url: &Link,
) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let before = backends::lock(&mut work, backend.id).await?.webhook_url;
    if before.as_ref() == Some(webhook_url) {
        return Ok(false);
    }
    let change = work.record(domain::move_webhook(backend.reference(), before.as_ref(), webhook_url));
    backends::move_webhook(&mut work, &change).await?;
    work.commit().await?;
    Ok(true)
}

/// Resumes deliveries to a stopped endpoint, and makes the waiting ones due now. `false` if it was not stopped.
#[tracing::instrument(name = "resume_webhook", skip_all, fields(backend = %backend.id))]
pub async fn resume_webhook(service: &Service, backend: &Summary) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    if !backends::lock(&mut work, backend.id).await?.webhook_stopped {
        return Ok(false);
    }
    let resumption = work.record(domain::resume_webhook(backend.reference()));
    backends::resume_webhook(&mut work, &resumption).await?;
    storage::statements::deliveries::send_waiting(&mut work, backend.id, now).await?;
    work.commit().await?;
    Ok(true)
}
