//! Service, local Slack, agent backend and database: prepared, started and stopped together.

use anyhow::Context as _;
use countersign::{
    app::{self, App},
    clock::Clock,
    config::ServeConfig,
    domain::ids::WorkspaceId,
    entropy::Entropy,
    service::{Service, workspaces},
    storage::{Db, Limits},
};
use sandbox::{
    ambient,
    backend::{AgentBackend, BackendOptions},
    page,
    postgres::{Database, Postgres},
    slack::{Slack, SlackOptions, names},
};

use crate::config;

/// How many connections the use cases called here have, in addition to the service's own.
const OPERATOR_CONNECTIONS: u32 = 5;

/// What the local Slack shows to a browser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Page {
    /// Nothing.
    #[default]
    None,
    /// The page on which one acts as the people of the workspace.
    Slack,
    /// The same, with a panel that lets the backend's agents ask.
    SlackAndBackend,
}

/// What a deployment is made from. The default is the machine's clock, a new database and no page.
#[derive(Debug, Clone)]
pub struct DeploymentOptions {
    /// The time for the service, the local Slack and the backend.
    pub clock: Clock,
    /// The randomness of the use cases that are called here. The service has the operating system's.
    pub entropy: Entropy,
    /// The server, and a migrated database on it. `None`: a new database, on the server of `DATABASE_URL` or one of its own.
    pub database: Option<(Postgres, Database)>,
    /// What the local Slack shows to a browser.
    pub page: Page,
    /// The local Slack's port on the loopback interface; 0 for any that is free.
    pub port: u16,
    /// Whether the local Slack answers 429 to calls that come sooner than Slack's limits allow.
    pub rate_limits: bool,
    /// Lets the page's panel put the clock forward.
    pub time_skip: Option<ambient::TimeSkip>,
}

impl Default for DeploymentOptions {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            entropy: Entropy::system(),
            database: None,
            page: Page::None,
            port: 0,
            rate_limits: false,
            time_skip: None,
        }
    }
}

/// What a backend is given when it is created.
#[derive(Debug, Clone)]
pub struct BackendKeys {
    /// Its API key, `cs_…`.
    pub api_key: String,
    /// The secret that its webhooks are signed with, `whsec_…`.
    pub webhook_secret: String,
}

/// The service with everything around it.
#[derive(Debug)]
pub struct LocalDeployment {
    /// The time for all parts.
    pub clock: Clock,
    /// The local Slack.
    pub slack: Slack,
    /// The agent backend.
    pub backend: AgentBackend,
    /// What the backend calls the API with, once it has been created.
    pub keys: Option<BackendKeys>,
    /// The use cases on the same database: for what an operator does, and for tests that look into it.
    pub service: Service,
    /// The installation in the workspace [`names::TEAM`].
    pub workspace: WorkspaceId,
    /// What the next [`start_service`](Self::start_service) starts with.
    pub config: ServeConfig,
    postgres: Postgres,
    database: Database,
    app: Option<App>,
}

impl LocalDeployment {
    /// Starts all but the service, and installs the app in the workspace. `configure` may change how the service is
    /// configured, and the local Slack with it.
    pub async fn prepare(
        options: DeploymentOptions,
        configure: impl FnOnce(&mut ServeConfig, &Slack),
    ) -> anyhow::Result<Self> {
        sandbox::http::ensure_crypto_provider();
        let clock = options.clock.clone();
        let sandbox_clock = ambient::Clock::from_fn(move || clock.now());
        let backend = AgentBackend::start(BackendOptions { clock: sandbox_clock.clone() }).await?;
        let slack = start_slack(&options, sandbox_clock, &backend).await?;
        let (postgres, database) = match options.database {
            Some(given) => given,
            None => new_database().await?,
        };
        let mut config = config::for_local_slack(&slack, &database.url)?;
        configure(&mut config, &slack);
        let service =
            app::service(&config.database, OPERATOR_CONNECTIONS, options.clock.clone(), options.entropy)?;
        let workspace = workspaces::install(&service, names::TEAM, "Acme").await?;
        Ok(Self {
            clock: options.clock,
            slack,
            backend,
            keys: None,
            service,
            workspace,
            config,
            postgres,
            database,
            app: None,
        })
    }

    /// Starts the service as [`config`](Self::config) says, and tells the local Slack and the backend where it is.
    pub async fn start_service(&mut self) -> anyhow::Result<()> {
        let app = App::start(self.config.clone(), self.clock.clone(), Entropy::system()).await?;
        let url = format!("http://{}", app.address());
        self.slack.connect_app(&url);
        if let Some(keys) = &self.keys {
            self.backend.connect(&url, &keys.api_key, &keys.webhook_secret);
        }
        self.app = Some(app);
        Ok(())
    }

    /// Shuts the service down in good order, if it runs.
    pub async fn stop_service(&mut self) {
        if let Some(app) = self.app.take() {
            app.shutdown().await;
        }
    }

    /// Whether the service runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.app.is_some()
    }

    /// Where the service listens; empty while it does not run.
    #[must_use]
    pub fn url(&self) -> String {
        self.app.as_ref().map(|app| format!("http://{}", app.address())).unwrap_or_default()
    }

    /// The database's server.
    #[must_use]
    pub const fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// The address of the database, with its password.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// Stops everything, the service first: it finishes what it has begun. Drops the database.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop_service().await;
        self.service.db.close().await;
        self.slack.shutdown().await;
        self.postgres.drop_database(&self.database.name).await?;
        Ok(())
    }
}

async fn start_slack(
    options: &DeploymentOptions,
    clock: ambient::Clock,
    backend: &AgentBackend,
) -> anyhow::Result<Slack> {
    let skip = options.time_skip.clone();
    let panel = (options.page == Page::SlackAndBackend).then(|| backend.clone());
    let mut slack = SlackOptions {
        clock,
        port: options.port,
        rate_limits: options.rate_limits,
        ..SlackOptions::default()
    };
    if options.page != Page::None {
        slack.extra = Some(Box::new(move |slack| page::router(slack, panel, skip)));
    }
    Ok(Slack::start(slack).await?)
}

/// A migrated database, on the server of `DATABASE_URL` or one of its own.
async fn new_database() -> anyhow::Result<(Postgres, Database)> {
    let postgres = Postgres::start().await?;
    let database = migrated_database(&postgres).await?;
    Ok((postgres, database))
}

/// A new database on a server, with all migrations.
pub async fn migrated_database(postgres: &Postgres) -> anyhow::Result<Database> {
    let database = postgres.create_database(None).await?;
    migrate(&database.url).await?;
    Ok(database)
}

/// Brings a database's schema up to date.
pub async fn migrate(database_url: &str) -> anyhow::Result<()> {
    let db = Db::new(database_url, 1, Limits::COMMAND)?;
    let migrated = db.migrate().await;
    db.close().await;
    migrated.context("could not migrate the database")
}
