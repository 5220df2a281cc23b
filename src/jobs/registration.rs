//! Finds out which workspace the configured bot token belongs to, and stores it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    service::{Service, ServiceError, workspaces},
    slack::web_api::{client::Client, error::CallError},
};

/// Longest time without progress in finding out whose the bot token is.
const REGISTERING: Duration = Duration::from_mins(1);

/// Registers the workspace of the configured token, trying until Slack and the database answer.
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

/// Why the token's workspace is not known.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Slack did not say.
    #[error(transparent)]
    Slack(#[from] CallError),
    /// It could not be written down.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Asks Slack whose the configured token is, and writes that workspace down; gives Slack's id of it.
pub async fn workspace_of_token(service: &Service, client: &Client) -> Result<Option<String>, RegisterError> {
    let Some(identity) = client.identify().await? else { return Ok(None) };
    workspaces::install(service, &identity.slack_id, &identity.name).await?;
    Ok(Some(identity.slack_id))
}
