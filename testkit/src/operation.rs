//! What is set up in a running service: backends, descriptions of integrations, locks, connections.

use anyhow::{Context as _, ensure};
use countersign::{
    domain::{
        api_keys::KeyScopes,
        audit::Actor,
        text::{ActionKey, IntegrationKey, Link, Name},
    },
    service::{admin_keys, backends, unlock},
};
use sandbox::{backend::AgentBackend, catalog};
use secrecy::ExposeSecret as _;

use crate::{BackendKeys, LocalDeployment};

impl LocalDeployment {
    /// Creates a backend, as `countersign backend create` does.
    pub async fn create_backend(
        &self,
        name: &str,
        webhook_url: &str,
        scopes: KeyScopes,
    ) -> anyhow::Result<BackendKeys> {
        let link = Link::new(webhook_url)
            .with_context(|| format!("{webhook_url} is not a valid webhook address"))?;
        let created =
            backends::create(&self.service, self.workspace, &Name::new(name)?, &link, scopes).await?;
        let created = created.with_context(|| format!("a backend named {name} exists already"))?;
        Ok(BackendKeys {
            api_key: created.api_key.expose_secret().to_owned(),
            webhook_secret: created.webhook_secret.expose_secret().to_owned(),
        })
    }

    /// Creates the backend of this deployment, and connects it if the service runs.
    pub async fn create_own_backend(&mut self, name: &str, scopes: KeyScopes) -> anyhow::Result<()> {
        let keys = self.create_backend(name, &self.backend.webhook_url(), scopes).await?;
        self.connect_backend(&self.backend, &keys);
        self.keys = Some(keys);
        Ok(())
    }

    /// Creates an admin key, as `countersign key create --admin` does.
    pub async fn create_admin_key(&self, name: &str) -> anyhow::Result<String> {
        let created = admin_keys::create(&self.service, self.workspace, &Name::new(name)?, None).await?;
        Ok(created.secret.expose_secret().to_owned())
    }

    /// Tells a backend where the service is, and its keys.
    pub fn connect_backend(&self, backend: &AgentBackend, keys: &BackendKeys) {
        backend.connect(&self.url(), &keys.api_key, &keys.webhook_secret);
    }

    /// The backend describes an integration of the sandbox's catalog.
    pub async fn describe(&self, integration: &str) -> anyhow::Result<()> {
        let body = catalog::integration(integration).context("the catalog lacks this integration")?.body();
        let reply = self.backend.api().put_integration(integration, &body).await;
        ensure!(reply.is_success(), "{integration} could not be described: {reply:?}");
        Ok(())
    }

    /// The backend reports that a user has connected an integration.
    pub async fn connect_user(&self, user: &str, integration: &str) -> anyhow::Result<()> {
        let reply = self.backend.api().connect_user(user, integration).await;
        ensure!(reply.is_success(), "{integration} could not be connected: {reply:?}");
        Ok(())
    }

    /// An operator unlocks or locks an action, named as `integration.action`.
    pub async fn set_lock(&self, action: &str, command: unlock::LockCommand) -> anyhow::Result<()> {
        let (integration, action) =
            action.split_once('.').context("an action is named integration.action")?;
        let path = (&IntegrationKey::new(integration)?, &ActionKey::new(action)?);
        unlock::set(&self.service, self.workspace, path, command, &Actor::Operator).await?;
        Ok(())
    }
}
