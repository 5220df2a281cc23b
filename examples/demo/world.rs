//! Everything that runs, and what an operator and an admin set up in it.

use std::{
    net::{Ipv4Addr, TcpListener},
    ops::Deref,
};

use anyhow::Context as _;
use countersign::{domain::api_keys::KeyScopes, service::unlock};
use sandbox::{backend::AgentBackend, catalog, slack::names};
use testkit::{BackendKeys, DeploymentOptions, LocalDeployment, Page};

use crate::{
    say::{reason, warn},
    time::Time,
};

/// Where the API is if this port is free: the port of `countersign serve`, which the documentation's commands use.
const API_PORT: u16 = 8080;
/// Where the page is unless `--port` says otherwise.
const PORT: u16 = 8181;
/// No user has connected this one: its prompts say so, and have no menu.
const UNCONNECTED: &str = "stripe";

/// All that runs.
#[derive(Debug)]
pub(crate) struct World(LocalDeployment);

impl Deref for World {
    type Target = LocalDeployment;

    fn deref(&self) -> &LocalDeployment {
        &self.0
    }
}

impl World {
    /// Starts it all and sets it up. `port`: the page's, if it has to be that one. `socket_mode`: Slack sends through
    /// the service's connections.
    pub(crate) async fn start(time: &Time, port: Option<u16>, socket_mode: bool) -> anyhow::Result<Self> {
        let port = free_port(port)?;
        // Another program may take it before the service does. Then the demo says so and ends, and can be started again.
        let api_port = if is_free(API_PORT).is_ok() { API_PORT } else { 0 };
        let options = DeploymentOptions {
            clock: time.clock(),
            page: Page::SlackAndBackend,
            port,
            time_skip: Some(time.skip()),
            ..DeploymentOptions::default()
        };
        let mut deployment = LocalDeployment::prepare(options, |config, slack| {
            if socket_mode {
                testkit::use_socket_mode(config, slack);
            }
            config.listen.set_port(api_port);
        })
        .await?;
        deployment.create_own_backend("Acme agents", KeyScopes::DEFAULT).await?;
        deployment.start_service().await?;
        let world = Self(deployment);
        world.describe_all().await?;
        world.connect(&[names::ALICE, names::BOB]).await?;
        world.unlock().await?;
        Ok(world)
    }

    /// Creates another backend, and tells it where the service is and its keys.
    pub(crate) async fn enrol(&self, name: &str, backend: &AgentBackend) -> anyhow::Result<()> {
        let keys = self.create_backend(name, &backend.webhook_url()).await?;
        self.connect_backend(backend, &keys);
        Ok(())
    }

    /// Creates a backend as `countersign backend create` does.
    pub(crate) async fn create_backend(&self, name: &str, url: &str) -> anyhow::Result<BackendKeys> {
        self.0.create_backend(name, url, KeyScopes::DEFAULT).await
    }

    /// The backend describes its integrations.
    async fn describe_all(&self) -> anyhow::Result<()> {
        for integration in catalog::integrations() {
            self.describe(&integration.key).await?;
        }
        Ok(())
    }

    /// The backend reports what these users have connected to their accounts.
    async fn connect(&self, users: &[&str]) -> anyhow::Result<()> {
        let wanted = catalog::integrations().iter().filter(|one| one.requires_connection);
        for integration in wanted.filter(|one| one.key != UNCONNECTED) {
            for user in users {
                self.connect_user(user, &integration.key).await?;
            }
        }
        Ok(())
    }

    /// An operator unlocks every action that destroys nothing, as `countersign action unlock` does. The others stay
    /// locked.
    async fn unlock(&self) -> anyhow::Result<()> {
        for integration in catalog::integrations() {
            for action in integration.actions.iter().filter(|action| !action.is_destructive()) {
                let name = format!("{}.{}", integration.key, action.key);
                self.set_lock(
                    &name,
                    unlock::LockCommand::Unlock(countersign::domain::catalog::UnlockedFor::Always),
                )
                .await?;
            }
        }
        Ok(())
    }

    /// Stops it all, the service first: it finishes what it has begun.
    pub(crate) async fn stop(self) {
        if let Err(error) = self.0.stop().await {
            warn(&format!("Could not drop the database: {}", reason(&error)));
        }
    }
}

/// The page's port: the one that was asked for, else the usual one if it is free, else any.
fn free_port(wanted: Option<u16>) -> anyhow::Result<u16> {
    let port = wanted.unwrap_or(PORT);
    match (is_free(port), wanted) {
        (Ok(()), _) => Ok(port),
        (Err(_), None) => Ok(0),
        (Err(why), Some(_)) => Err(why).with_context(|| format!("could not open port {port} for the page")),
    }
}

fn is_free(port: u16) -> std::io::Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop)
}
