//! The service with everything around it, for programs that want to try its API: a Postgres of its own, a local Slack,
//! and a backend. `cargo run --example stand` prints one line of JSON with the addresses and keys, and runs until its
//! standard input ends.

use std::io::Read as _;

use countersign::{config::LimitsConfig, domain::api_keys::KeyScopes};
use sandbox::slack::names;
use testkit::{DeploymentOptions, LocalDeployment};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "whoever started this reads it")]
async fn main() -> anyhow::Result<()> {
    let mut deployment = LocalDeployment::prepare(DeploymentOptions::default(), |config, _| {
        config.limits = LimitsConfig {
            requests_per_second: 1_000_000,
            pending_approvals: 1_000_000,
            ..LimitsConfig::default()
        };
    })
    .await?;
    deployment.create_own_backend("stand", KeyScopes::ALL).await?;
    let admin_key = deployment.create_admin_key("stand").await?;
    deployment.start_service().await?;
    let line = serde_json::json!({
        "url": deployment.url(),
        "api_key": deployment.keys.as_ref().map(|keys| &keys.api_key),
        "admin_key": admin_key,
        "webhook_secret": deployment.keys.as_ref().map(|keys| &keys.webhook_secret),
        "user": names::ALICE,
    });
    println!("{line}");
    // The program that started this ends it by closing the pipe, also when it is killed.
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    deployment.stop().await
}
