//! An operator manages backends from the command line.

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::json;

use super::{Failure, Service, api_keys, authenticate::webhook_secret, commit, retrying};
use crate::{
    domain::{
        api_keys::KeyScopes,
        audit::{Actor, Entry, What},
        ids::{BackendId, WorkspaceId},
        text::{Link, Name},
    },
    storage::{
        self,
        backends::{self, NewBackend, Summary},
        homes::Whose,
    },
};

/// A backend that was just created. Its secrets can't be read again.
#[derive(Debug)]
pub struct Created {
    /// Its id.
    pub id: BackendId,
    /// Its first API key.
    pub api_key: SecretString,
    /// What signs its webhooks.
    pub webhook_secret: SecretString,
}

/// Creates a backend with a first key of these scopes. `None`: the workspace has a backend of this name.
pub async fn create(
    service: &Service,
    workspace: WorkspaceId,
    name: &Name,
    webhook_url: &Link,
    scopes: KeyScopes,
) -> Result<Option<Created>, Failure> {
    retrying!(try_create(service, workspace, name, webhook_url, scopes))
}

async fn try_create(
    service: &Service,
    workspace: WorkspaceId,
    name: &Name,
    webhook_url: &Link,
    scopes: KeyScopes,
) -> Result<Option<Created>, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let id = BackendId::new(service.fresh());
    let secret = webhook_secret(service.entropy.bytes());
    let sealed = service.sealer.seal(&secret, id.uuid(), &service.entropy);
    let backend = NewBackend {
        id,
        workspace,
        name: name.as_str(),
        webhook_url: webhook_url.as_str(),
        webhook_secret: &sealed,
        created_at: now,
    };
    if !backends::insert(&mut tx, &backend).await? {
        return Ok(None);
    }
    let key = api_keys::add(service, &mut tx, id, scopes, now).await?;
    let entry = Entry::new(Actor::Operator, What::BackendCreated).subject(name.as_str()).after(json!({
        "id": id, "webhook_origin": webhook_url.origin(), "key": key.id, "scopes": scopes.names(),
    }));
    storage::audit::record(&mut tx, workspace, now, &[entry]).await?;
    service.refresh(&mut tx, workspace, Whose::Admins).await?;
    commit(tx).await?;
    Ok(Some(Created { id, api_key: key.secret, webhook_secret: secret }))
}

/// Backends of all workspaces, or of one.
pub async fn list(service: &Service, slack_id: Option<&str>) -> Result<Vec<Summary>, Failure> {
    let mut db = service.db.acquire().await?;
    Ok(backends::list(&mut db, slack_id).await?)
}

/// Gives a backend a new webhook secret; the present one signs besides for `overlap` more.
pub async fn rotate_secret(
    service: &Service,
    backend: &Summary,
    overlap: TimeDelta,
) -> Result<SecretString, Failure> {
    retrying!(try_rotate_secret(service, backend, overlap))
}

async fn try_rotate_secret(
    service: &Service,
    backend: &Summary,
    overlap: TimeDelta,
) -> Result<SecretString, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let secret = webhook_secret(service.entropy.bytes());
    let sealed = service.sealer.seal(&secret, backend.id.uuid(), &service.entropy);
    backends::rotate_secret(&mut tx, backend.id, &sealed, now + overlap).await?;
    let entry = Entry::new(Actor::Operator, What::SecretRotated)
        .subject(backend.name.as_str())
        .after(json!({ "previous_until": now + overlap }));
    storage::audit::record(&mut tx, backend.workspace, now, &[entry]).await?;
    commit(tx).await?;
    Ok(secret)
}

/// Disables a backend: its keys stop working. What it asked stays to be decided. `false`: it was disabled already.
pub async fn disable(service: &Service, backend: &Summary) -> Result<bool, Failure> {
    retrying!(try_disable(service, backend))
}

async fn try_disable(service: &Service, backend: &Summary) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let changed = backends::disable(&mut tx, backend.id, now).await?;
    if changed {
        let entry = Entry::new(Actor::Operator, What::BackendDisabled).subject(backend.name.as_str());
        storage::audit::record(&mut tx, backend.workspace, now, &[entry]).await?;
        service.refresh(&mut tx, backend.workspace, Whose::Admins).await?;
    }
    commit(tx).await?;
    Ok(changed)
}

/// Sends a backend's webhooks elsewhere, those that wait included. A stopped endpoint stays stopped, so that the new one can
/// be tried first. `false`: they go there already.
pub async fn set_webhook(service: &Service, backend: &Summary, webhook_url: &Link) -> Result<bool, Failure> {
    retrying!(try_set_webhook(service, backend, webhook_url))
}

async fn try_set_webhook(service: &Service, backend: &Summary, webhook_url: &Link) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    let before = backends::set_webhook_url(&mut tx, backend.id, webhook_url.as_str()).await?;
    if let Some(before) = &before {
        let entry = Entry::new(Actor::Operator, What::WebhookMoved)
            .subject(backend.name.as_str())
            .before(json!({ "webhook_origin": Link::from_stored(before.clone()).origin() }))
            .after(json!({ "webhook_origin": webhook_url.origin() }));
        storage::audit::record(&mut tx, backend.workspace, service.now(), &[entry]).await?;
    }
    commit(tx).await?;
    Ok(before.is_some())
}

/// Lets a stopped endpoint's deliveries go on, at once. `false`: they were not stopped.
pub async fn resume_webhook(service: &Service, backend: &Summary) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let changed = backends::resume_webhook(&mut tx, backend.id).await?;
    if changed {
        storage::deliveries::send_waiting(&mut tx, backend.id, now).await?;
        let entry = Entry::new(Actor::Operator, What::WebhookResumed).subject(backend.name.as_str());
        storage::audit::record(&mut tx, backend.workspace, now, &[entry]).await?;
        service.refresh(&mut tx, backend.workspace, Whose::Admins).await?;
    }
    commit(tx).await?;
    Ok(changed)
}
