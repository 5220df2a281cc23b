//! Ephemeral replies: messages that only the user who clicked sees.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    domain::ids::UserId,
    slack::{
        view::message::Message,
        web_api::{client::Client, error::CallError},
    },
};

/// Time limit of one attempt.
const LIMIT: Duration = Duration::from_secs(5);
/// Most attempts to send a direct message.
const ATTEMPTS: usize = 5;
/// Users forget what they clicked, so a longer rate limit is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Pause before the second attempt.
const PAUSE: Duration = Duration::from_millis(500);

/// Where a reply goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyTo {
    /// The `response_url` of the interaction.
    ResponseUrl {
        /// The URL.
        url: String,
        /// The `ts` of the thread of the click.
        thread: Option<String>,
    },
    /// The user's direct messages: a click on the Home tab or in a modal has no `response_url`.
    DirectMessage {
        /// Slack's id of the workspace.
        workspace: String,
        /// The user who clicked.
        user: UserId,
    },
}

/// Sends ephemeral replies. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ephemeral {
    /// Posts to `response_url`s.
    pub http: reqwest::Client,
    /// Posts direct messages.
    pub client: Client,
    /// The time for the rate limit.
    pub clock: Clock,
    /// Tasks that a shutdown waits for.
    pub background: TaskTracker,
    /// Cancelled when the service shuts down.
    pub stop: CancellationToken,
}

impl Ephemeral {
    /// Sends a reply in the background. A failure is only logged: the prompt itself shows the user the current state.
    pub fn send(&self, to: ReplyTo, message: Message) {
        self.begin(to, message, false);
    }

    /// Replaces the message that was clicked, if that is possible, in the same way.
    pub fn replace(&self, to: ReplyTo, message: Message) {
        self.begin(to, message, true);
    }

    fn begin(&self, to: ReplyTo, message: Message, replaces: bool) {
        let sender = self.clone();
        self.background.spawn(async move {
            match to {
                ReplyTo::ResponseUrl { url, thread } => {
                    sender.respond(&url, thread, &message, replaces).await;
                }
                ReplyTo::DirectMessage { workspace, user } => sender.write(&workspace, &user, &message).await,
            }
        });
    }

    async fn respond(&self, url: &str, thread: Option<String>, message: &Message, replaces: bool) {
        let mut body = message.to_json();
        body["response_type"] = json!("ephemeral");
        body["replace_original"] = json!(replaces);
        if let Some(thread) = thread {
            body["thread_ts"] = thread.into();
        }
        for last in [false, true] {
            let response = self.http.post(url).timeout(LIMIT).json(&body).send().await;
            match response.map(|response| response.status()) {
                Ok(status) if status.is_success() => return,
                Ok(status) if last || status.is_client_error() => {
                    tracing::warn!(status = status.as_u16(), "Ephemeral reply not delivered");
                    return;
                }
                Err(error) if last => {
                    let error = error.without_url();
                    tracing::warn!(%error, "Ephemeral reply not delivered");
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Sends a direct message. It shares the rate limit of the prompts and is delayed when the limit is reached.
    async fn write(&self, workspace: &str, user: &UserId, message: &Message) {
        let mut body = message.to_post();
        body["channel"] = json!(user.as_str());
        for attempt in 0..ATTEMPTS {
            let pause = match self.client.post_message(workspace, &body, attempt > 0, LIMIT).await {
                Ok(_) => return,
                Err(CallError::RateLimited(wait)) if wait <= LONGEST_PAUSE => wait,
                Err(error @ CallError::Passing(_)) if attempt + 1 < ATTEMPTS => {
                    tracing::info!(%error, "Ephemeral reply not delivered: retrying");
                    PAUSE
                }
                Err(error) => {
                    tracing::warn!(%error, "Ephemeral reply not delivered");
                    return;
                }
            };
            let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = self.clock.sleep(pause) => {}
            }
        }
        tracing::warn!("Ephemeral reply not delivered: rate limited");
    }
}
