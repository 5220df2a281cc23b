//! The service with everything around it, for programs that want to try its API: a Postgres of its own, a local Slack,
//! and a backend. `cargo run --example stand` prints one line of JSON with the addresses and keys, and runs until its
//! standard input ends.

use std::io::Read as _;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign::{
    app::{self, App},
    clock::Clock,
    config::{DatabaseConfig, LimitsConfig, ServeConfig, SlackConfig},
    domain::{
        api_keys::KeyScopes,
        text::{Link, Name},
    },
    entropy::Entropy,
    service::{backends, workspaces},
};
use sandbox::{
    backend::{AgentBackend, BackendOptions},
    postgres::Postgres,
    slack::{Slack, SlackOptions, names},
};
use secrecy::ExposeSecret as _;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "whoever started this reads it")]
async fn main() -> anyhow::Result<()> {
    sandbox::http::ensure_crypto_provider();
    let clock = Clock::system();
    let slack = Slack::start(SlackOptions::default()).await?;
    let receiver = AgentBackend::start(BackendOptions::default()).await?;
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
        slack_signing_secret: Some(slack.signing_secret().into()),
        slack_app_token: None,
        public_url: None,
        admins: Vec::new(),
        webhook_allow: vec!["127.0.0.0/8".parse()?],
        limits: LimitsConfig { requests_per_second: 1_000_000, pending_approvals: 1_000_000, waiters: 1000 },
        database_connections: 20,
    };
    let service = app::service(&config.database, 2, clock.clone(), Entropy::system())?;
    service.db.migrate().await.context("the schema can't be brought up to date")?;
    let app = App::start(config, clock, Entropy::system()).await?;
    let url = format!("http://{}", app.address());
    slack.connect_app(&url);
    let workspace = workspaces::install(&service, names::TEAM, "Acme").await?;
    let (name, webhook_url) = (Name::new("stand")?, Link::new(receiver.webhook_url())?);
    let created = backends::create(&service, workspace, &name, &webhook_url, KeyScopes::ALL).await?;
    let created = created.context("a new database has a backend already")?;
    receiver.set_webhook_secrets(&[created.webhook_secret.expose_secret()]);
    let line = serde_json::json!({
        "url": url,
        "api_key": created.api_key.expose_secret(),
        "webhook_secret": created.webhook_secret.expose_secret(),
        "user": names::ALICE,
    });
    println!("{line}");
    // Whoever started this ends it by closing the pipe, however they end.
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    app.shutdown().await;
    service.db.close().await;
    slack.shutdown().await;
    Ok(())
}
