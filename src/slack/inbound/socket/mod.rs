//! Socket Mode (<https://docs.slack.dev/apis/events-api/using-socket-mode>): Slack sends payloads over connections that
//! this service opens, so the service needs no public address.
//!
//! Each instance keeps two connections of the ten that Slack allows an app. Slack sends each payload to one of all open
//! connections, and asks for a replacement every few hours. The replacement is opened first, and payloads that still
//! arrive on the old one are handled. They go through the same [`crate::slack::inbound::dispatch`] as HTTP requests.

mod backoff;
mod connection;
pub mod error;

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use serde_json::json;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    entropy::Entropy,
    slack::{
        inbound::{
            dispatch::Handlers,
            socket::{
                backoff::Backoff,
                connection::{Connection, End},
                error::SocketError,
            },
        },
        web_api::{
            client::{Client, PATIENT},
            dialer::{Dialer, tls_config},
            error::CallError,
        },
    },
};

/// How many connections an instance keeps.
const CONNECTIONS: usize = 2;
/// How long the service still reads a connection that Slack asked to replace. Slack usually closes it earlier.
const REPLACED_LIMIT: Duration = Duration::from_secs(30);

/// Keeps connections to Slack open. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Socket<H> {
    /// Handles the payloads.
    pub handlers: H,
    /// Calls Slack's Web API for the addresses.
    pub client: Client,
    /// The app-level token (`xapp-…`).
    pub token: SecretString,
    /// Measures how long connections live.
    pub clock: Clock,
    /// The randomness of the pauses.
    pub entropy: Entropy,
    /// Tasks that a shutdown waits for.
    pub background: TaskTracker,
}

impl<H: Handlers> Socket<H> {
    /// Keeps connections open until `stop`, and returns once their payloads are acknowledged.
    pub async fn run(self, tls: Arc<rustls::ClientConfig>, stop: CancellationToken) {
        let slots = (0..CONNECTIONS).map(|_| self.clone().keep(tls.clone(), stop.clone()));
        futures::future::join_all(slots).await;
    }

    async fn keep(self, tls: Arc<rustls::ClientConfig>, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            let connected = tokio::select! {
                () = stop.cancelled() => return,
                connected = self.connect(&tls) => connected,
            };
            let mut connection = match connected {
                Ok(connection) => connection,
                Err(error) => {
                    let pause = backoff.failed(&error, self.entropy.fraction());
                    tell(&error, pause);
                    wait(pause, &stop).await;
                    continue;
                }
            };
            let born = self.clock.now();
            tracing::info!("Slack connection opened");
            let end = connection.serve(&stop).await;
            let (life, chance) = (self.clock.now() - born, self.entropy.fraction());
            match end {
                End::Stopped => return connection.finish().await,
                End::AskedToGo => {
                    tracing::debug!("Slack is closing a connection; opening its replacement");
                    let until = stop.clone();
                    self.background.spawn(async move {
                        let _ = tokio::time::timeout(REPLACED_LIMIT, connection.serve(&until)).await;
                        connection.finish().await;
                    });
                    wait(backoff.asked_to_go(life, chance), &stop).await;
                }
                End::TooMany => {
                    let pause = backoff.too_many(chance);
                    tell(&SocketError::TooMany, pause);
                    connection.finish().await;
                    wait(pause, &stop).await;
                }
                End::Broken => {
                    let pause = backoff.broken(life, chance);
                    tracing::warn!(pause_ms = pause.as_millis(), "Slack connection lost; reconnecting");
                    wait(pause, &stop).await;
                }
            }
        }
    }

    async fn connect(&self, tls: &Arc<rustls::ClientConfig>) -> Result<Connection<H>, SocketError> {
        let url = self.address().await?;
        let (handlers, background) = (self.handlers.clone(), self.background.clone());
        Connection::open(handlers, background, self.client.dialer(), &url, tls.clone()).await
    }

    /// Asks Slack for an address to connect to (<https://docs.slack.dev/reference/methods/apps.connections.open>).
    async fn address(&self) -> Result<String, SocketError> {
        let answer = self.client.post_with(&self.token, "apps.connections.open", &json!({}), PATIENT).await?;
        let url = answer["url"].as_str().map(str::to_owned);
        Ok(url.ok_or_else(|| CallError::Unreachable("the response has no address".to_owned()))?)
    }
}

/// Connects once, as the service does, waits for Slack's hello and closes. No payload is accepted.
pub async fn try_out(dialer: &Dialer, url: &str) -> Result<(), SocketError> {
    let tls = tls_config().map_err(|error| SocketError::Connect(error.to_string()))?;
    let mut stream = connection::connect(dialer, url, Arc::new(tls)).await?;
    // A proper close lets Slack drop the connection at once. Errors don't matter any longer.
    let _ = stream.close(None).await;
    Ok(())
}

fn tell(error: &SocketError, pause: Duration) {
    let pause_ms = pause.as_millis();
    if let SocketError::Call(CallError::Refused(refusal)) = error {
        tracing::error!(
            code = refusal.code,
            pause_ms,
            "Slack refused to open a connection: check SLACK_APP_TOKEN, that it has connections:write, and \
                that Socket Mode is on"
        );
    } else {
        tracing::warn!(%error, pause_ms, "Could not connect to Slack; retrying");
    }
}

async fn wait(pause: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}
