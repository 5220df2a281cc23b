//! Everything that runs: Postgres, the service, the local Slack, the agent backend; and what an operator and an admin
//! set up in it.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign::{
    app::{self, App},
    clock::Clock,
    config::{DatabaseConfig, LimitsConfig, ServeConfig, SlackConfig},
    domain::{
        api_keys::KeyScopes,
        audit::Actor,
        ids::WorkspaceId,
        text::{ActionKey, IntegrationKey, Link, Name},
    },
    entropy::Entropy,
    service::{Service, backends, unlock, workspaces},
};
use sandbox::{
    ambient,
    backend::{AgentBackend, BackendOptions},
    catalog, page,
    postgres::Postgres,
    slack::{Slack, SlackOptions, StartError, names},
};
use secrecy::ExposeSecret as _;

/// Where the page is unless somebody says otherwise.
const PORT: u16 = 8181;
/// Nobody has connected this one: its prompts say so, and have no menu.
pub(crate) const UNCONNECTED: &str = "stripe";

/// All that runs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) postgres: Postgres,
    pub(crate) slack: Slack,
    pub(crate) backend: AgentBackend,
    app: App,
    service: Service,
    workspace: WorkspaceId,
}

impl World {
    /// Starts it all and sets it up. `port`: the page's, if it has to be that one. `socket_mode`: Slack sends through
    /// the service's connections.
    pub(crate) async fn start(clock: Clock, port: Option<u16>, socket_mode: bool) -> anyhow::Result<Self> {
        let theirs = ambient::Clock::from_fn({
            let clock = clock.clone();
            move || clock.now()
        });
        let backend = AgentBackend::start(BackendOptions { clock: theirs.clone() }).await?;
        let slack = start_slack(&theirs, &backend, port).await?;
        slack.change_app(|app| app.socket_mode = socket_mode);
        let postgres = Postgres::start().await?;
        let database = postgres.create_database(None).await?;
        let config = ServeConfig {
            database: DatabaseConfig {
                database_url: database.url.into(),
                encryption_key: Some(STANDARD.encode(Entropy::system().bytes()).into()),
                limits: countersign::storage::Limits::SERVE,
            },
            slack: SlackConfig {
                slack_bot_token: Some(slack.bot_token().into()),
                slack_client_id: None,
                slack_client_secret: None,
                slack_api_url: slack.api_url(),
                find_lost_prompts: false,
                slack_proxy: None,
            },
            listen: "127.0.0.1:0".parse()?,
            slack_signing_secret: (!socket_mode).then(|| slack.signing_secret().into()),
            slack_app_token: socket_mode.then(|| slack.app().app_token.into()),
            public_url: None,
            admins: Vec::new(),
            webhook_allow: vec!["127.0.0.0/8".parse()?],
            limits: LimitsConfig::default(),
            database_connections: 10,
        };
        let service = app::service(&config.database, 2, clock.clone(), Entropy::system())?;
        service.db.migrate().await.context("the schema can't be brought up to date")?;
        let app = App::start(config, clock.clone(), Entropy::system()).await?;
        slack.connect_app(&format!("http://{}", app.address()));
        let workspace = workspaces::install(&service, names::TEAM, "Acme").await?;
        let world = Self { clock, postgres, slack, backend, app, service, workspace };
        world.enrol("Acme agents", &world.backend).await?;
        world.put_catalog().await?;
        world.connect(&[names::ALICE, names::BOB]).await?;
        world.unlock().await?;
        Ok(world)
    }

    /// Where the service listens.
    pub(crate) fn service_url(&self) -> String {
        format!("http://{}", self.app.address())
    }

    /// Does for a backend what `countersign backend create --json` does, and hands it what that prints. Gives the API
    /// key.
    pub(crate) async fn enrol(&self, name: &str, backend: &AgentBackend) -> anyhow::Result<String> {
        let (key, secret) = self.create_backend(name, &backend.webhook_url()).await?;
        backend.connect(&self.service_url(), &key, &secret);
        Ok(key)
    }

    /// Creates a backend. Gives its API key and its webhook secret.
    pub(crate) async fn create_backend(&self, name: &str, url: &str) -> anyhow::Result<(String, String)> {
        let url = Link::new(url).with_context(|| format!("{url} can't be a webhook's address"))?;
        let named = Name::new(name)?;
        let created =
            backends::create(&self.service, self.workspace, &named, &url, KeyScopes::DEFAULT).await?;
        let created = created.with_context(|| format!("there is a backend called {name} already"))?;
        let (key, secret) = (created.api_key.expose_secret(), created.webhook_secret.expose_secret());
        Ok((key.to_owned(), secret.to_owned()))
    }

    /// The backend describes its integrations.
    async fn put_catalog(&self) -> anyhow::Result<()> {
        for integration in catalog::integrations() {
            let reply = self.backend.api().put_integration(&integration.key, &integration.body()).await;
            ensure!(reply.is_success(), "{} could not be put: {}", integration.key, reply.text);
        }
        Ok(())
    }

    /// The backend reports what these users have connected to their accounts.
    async fn connect(&self, users: &[&str]) -> anyhow::Result<()> {
        let wanted = catalog::integrations().iter().filter(|one| one.requires_connection);
        for integration in wanted.filter(|one| one.key != UNCONNECTED) {
            for user in users {
                let reply = self.backend.api().connect_user(user, &integration.key).await;
                ensure!(reply.is_success(), "{} could not be connected: {}", integration.key, reply.text);
            }
        }
        Ok(())
    }

    /// An operator unlocks every action that destroys nothing, as `countersign action unlock` does. The others stay
    /// locked.
    async fn unlock(&self) -> anyhow::Result<()> {
        for integration in catalog::integrations() {
            for action in integration.actions.iter().filter(|action| !action.destructive) {
                let path = (&IntegrationKey::new(&*integration.key)?, &ActionKey::new(&*action.key)?);
                let wish = unlock::Wish::Unlock;
                unlock::set(&self.service, self.workspace, path, wish, &Actor::Operator).await?;
            }
        }
        Ok(())
    }

    /// Waits until the service has nothing in hand and nothing due: time that is put forward before would cost it what
    /// it holds.
    pub(crate) async fn settled(&self, limit: Duration) -> anyhow::Result<()> {
        let open = "SELECT count(*) FROM outbox WHERE done_at IS NULL AND dead_at IS NULL
                        AND (lease IS NOT NULL OR due_at <= $1)";
        let look = async {
            loop {
                let open: i64 =
                    sqlx::query_scalar(open).bind(self.clock.now()).fetch_one(&self.service.db).await?;
                if open == 0 {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(limit, look).await.context("the service has not done what was due")?
    }

    /// Stops it all, the service first: it finishes what it has in hand.
    pub(crate) async fn stop(self) {
        self.app.shutdown().await;
        self.service.db.close().await;
        self.slack.shutdown().await;
        drop(self.backend);
        drop(self.postgres);
    }
}

/// The local Slack with its page and the backend's panel on it.
async fn start_slack(
    clock: &ambient::Clock,
    backend: &AgentBackend,
    port: Option<u16>,
) -> anyhow::Result<Slack> {
    let start = |port: u16| {
        let (clock, backend) = (clock.clone(), backend.clone());
        let extra = Box::new(move |slack| page::router(slack, Some(backend)));
        Slack::start(SlackOptions { clock, port, extra: Some(extra), ..SlackOptions::default() })
    };
    match (start(port.unwrap_or(PORT)).await, port) {
        (Err(StartError::Listen(_)), None) => Ok(start(0).await?),
        (Err(StartError::Listen(why)), Some(port)) => {
            Err(why).with_context(|| format!("port {port} can't be had for the page"))
        }
        (started, _) => Ok(started?),
    }
}
