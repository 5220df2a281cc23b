//! Asks Slack which workspace the configured bot token belongs to, and stores it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    service::{Service, ServiceError, workspaces},
    slack::web_api::{client::Client, error::CallError},
};

/// Longest time without progress: one call to Slack and one transaction.
const REGISTERING: Duration = Duration::from_mins(1);

/// Registers the workspace of the configured token. Retries until Slack and the database answer.
pub async fn run(service: Service, client: Client, stop: CancellationToken) {
    let mut pause = Duration::from_millis(200);
    let pulse = service.heartbeats.pulse("the workspace's registration", REGISTERING);
    while !stop.is_cancelled() {
        pulse.beat();
        match workspace_of_token(&service, &client).await {
            Ok(Some(slack_id)) => {
                tracing::info!(workspace = slack_id, "Bot token's workspace registered");
                return pulse.finish();
            }
            Ok(None) => return pulse.finish(),
            Err(RegisterError::Service(failure)) if service.logged_outage(&failure) => {}
            Err(error) => {
                tracing::warn!(%error, "Could not register the bot token's workspace; retrying");
            }
        }
        pulse.rest();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(Duration::from_secs(30));
    }
}

/// Why the token's workspace could not be registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Slack did not say which one it is.
    #[error(transparent)]
    Slack(#[from] CallError),
    /// It could not be stored.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Asks Slack for the workspace of the configured token, and stores it. Returns Slack's id of it; `None` without a
/// token.
pub async fn workspace_of_token(service: &Service, client: &Client) -> Result<Option<String>, RegisterError> {
    let Some(identity) = client.identify().await? else { return Ok(None) };
    workspaces::install(service, &identity.slack_id, &identity.name).await?;
    Ok(Some(identity.slack_id))
}
