//! What the load runs against: the service in a release build, a Postgres that flushes, a local Slack, a backend.

use countersign::{
    app::App,
    clock::Clock,
    config::{DatabaseConfig, LimitsConfig, ServeConfig, SlackConfig},
    domain::{
        api_keys::KeyScopes,
        audit::Actor,
        decisions::{Choice, Clicker, PersonKind},
        grants::Scope,
        ids::UserId,
        text::{ActionKey, IntegrationKey, Link, Name},
    },
    entropy::Entropy,
    service::{
        backends,
        decide::{self, Click},
        unlock, workspaces,
    },
};
use sandbox::{
    backend::{AgentBackend, BackendOptions},
    catalog,
    postgres::{Postgres, PostgresOptions},
    slack::{Slack, SlackOptions, User, names},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// How many people there are, each with a grant of their own.
pub(crate) const USERS: usize = 64;

const INTEGRATION: &str = "postgres";

pub(crate) struct World {
    pub(crate) postgres: Postgres,
    pub(crate) database_url: String,
    pub(crate) slack: Slack,
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) key: String,
    backend: AgentBackend,
    app: App,
}

/// The id of the user with this number.
pub(crate) fn user(number: usize) -> String {
    format!("U0LOAD{number:03}")
}

/// A request of an everyday size.
pub(crate) fn request(user: &str, conversation: &str) -> Value {
    json!({
        "user": user,
        "agent": { "id": "atlas", "name": "Atlas" },
        "conversation": { "id": conversation, "title": "Nightly report" },
        "integration": INTEGRATION,
        "action": catalog::integration(INTEGRATION).unwrap().actions[0].key,
        "arguments": { "sql": "SELECT region, sum(amount) FROM orders WHERE placed_at > now() - interval '1 day' GROUP BY 1" },
        "reason": "The nightly report needs yesterday's orders",
    })
}

impl World {
    pub(crate) async fn begin() -> Self {
        sandbox::http::ensure_crypto_provider();
        let options = PostgresOptions { durable: true, ..PostgresOptions::default() };
        let postgres = Postgres::start_with(options).await.unwrap();
        let database_url = postgres.create_database(None).await.unwrap().url;
        let slack = Slack::start(SlackOptions::default()).await.unwrap();
        for number in 0..USERS {
            slack.add_user(User::new(&user(number), names::TEAM, "somebody", "Somebody"));
        }
        let backend = AgentBackend::start(BackendOptions::default()).await.unwrap();
        let database = DatabaseConfig {
            database_url: database_url.as_str().into(),
            encryption_key: None,
            limits: countersign::storage::Limits::SERVE,
        };
        let config = ServeConfig {
            database: database.clone(),
            slack: SlackConfig {
                slack_bot_token: Some(slack.bot_token().into()),
                slack_client_id: None,
                slack_client_secret: None,
                slack_api_url: slack.api_url(),
                find_lost_prompts: false,
                slack_proxy: None,
            },
            listen: "127.0.0.1:0".parse().unwrap(),
            slack_signing_secret: Some(slack.signing_secret().into()),
            slack_app_token: None,
            public_url: None,
            limits: LimitsConfig {
                requests_per_second: u32::MAX,
                pending_approvals: u32::MAX,
                waiters: u32::MAX,
            },
            admins: Vec::new(),
            webhook_allow: vec!["127.0.0.0/8".parse().unwrap()],
            database_connections: 20,
        };
        let service = countersign::app::service(&database, 4, Clock::system(), Entropy::system()).unwrap();
        service.db.migrate().await.unwrap();
        let app = App::start(config, Clock::system(), Entropy::system()).await.unwrap();
        let url = format!("http://{}", app.address());
        let workspace = workspaces::install(&service, names::TEAM, "Acme").await.unwrap();
        let (name, link) = (Name::new("load").unwrap(), Link::new(backend.webhook_url()).unwrap());
        let created =
            backends::create(&service, workspace, &name, &link, KeyScopes::DEFAULT).await.unwrap().unwrap();
        let key = created.api_key.expose_secret().to_owned();
        backend.connect(&url, &key, created.webhook_secret.expose_secret());
        let integration = catalog::integration(INTEGRATION).unwrap();
        assert_eq!(backend.api().put_integration(INTEGRATION, &integration.body()).await.status, 200);
        let path = (
            &IntegrationKey::new(INTEGRATION).unwrap(),
            &ActionKey::new(integration.actions[0].key.as_str()).unwrap(),
        );
        unlock::set(&service, workspace, path, unlock::Wish::Unlock, &Actor::Operator).await.unwrap();
        let http = sandbox::http::client().unwrap();
        let world = Self { postgres, database_url, slack, http, url, key, backend, app };
        for (user, approval) in world.ask_pending(USERS).await {
            let clicker = Clicker { user: UserId::parse(&user).unwrap(), kind: PersonKind::Member };
            let click = Click {
                workspace: names::TEAM.to_owned(),
                approval: approval.parse().unwrap(),
                clicker,
                request: None,
            };
            decide::decide(&service, &click, &Choice::Approve(Scope::Always)).await.unwrap();
        }
        // A database of some age has statistics; one that was just filled has none yet.
        sqlx::query("ANALYZE").execute(&service.db).await.unwrap();
        service.db.close().await;
        world
    }

    /// Asks for an action that nobody unlocked, of every user in turn: user and approval.
    pub(crate) async fn ask_pending(&self, count: usize) -> Vec<(String, String)> {
        let mut asked = Vec::new();
        for number in 0..count {
            let user = user(number % USERS);
            let mut body = request(&user, &format!("pending-{number}"));
            if count != USERS {
                body["action"] = "explain_query".into();
            }
            let call =
                self.http.post(format!("{}/v1/approvals", self.url)).bearer_auth(&self.key).json(&body);
            let answer: Value = call.send().await.unwrap().json().await.unwrap();
            asked.push((user, answer["id"].as_str().unwrap().to_owned()));
        }
        asked
    }

    pub(crate) async fn end(self) {
        drop(self.backend);
        self.app.shutdown().await;
        self.slack.shutdown().await;
    }
}
