//! An agent backend, as a customer would write one: an HTTP client for the API, a receiver for the webhooks, and an agent that
//! runs a tool only once a person has approved it. It shares no code with the service.

mod agent;
mod calls;
mod canonical;
mod inbox;
mod misbehaviour;
mod receiver;
mod reply;
mod request;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use self::agent::{Agent, Outcome, Run, Waiting};
pub use self::calls::Api;
pub use self::canonical::{canonical, digest};
pub use self::inbox::Delivery;
pub use self::misbehaviour::Answer;
use self::receiver::Receiver;
pub use self::reply::Reply;
pub use self::request::{AgentRef, Ask, ConversationRef, SlackPlace};
pub use self::verify::{Refusal, TOLERANCE, verify};
use crate::ambient::Clock;
use crate::http;

/// How to start a backend.
#[derive(Debug, Clone, Default)]
pub struct BackendOptions {
    /// The clock by which the age of webhooks is judged.
    pub clock: Clock,
}

/// Why a backend did not start.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// There is no port for the webhook receiver.
    #[error("cannot listen for webhooks: {0}")]
    Listen(#[from] std::io::Error),
    /// There is no HTTP client.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// An agent backend. Clones are the same backend; when the last is dropped, the webhook receiver closes.
#[derive(Debug, Clone)]
pub struct AgentBackend {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    client: reqwest::Client,
    receiver: Receiver,
    api: Mutex<Option<Api>>,
}

impl AgentBackend {
    /// Starts the webhook receiver on a free port of 127.0.0.1. Needs a tokio runtime, in which it goes on running.
    ///
    /// # Errors
    /// If there is no port, or no HTTP client.
    pub async fn start(options: BackendOptions) -> Result<Self, BackendError> {
        let receiver = Receiver::start(options.clock.clone()).await?;
        let inner = Inner { clock: options.clock, client: http::client()?, receiver, api: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Where webhooks are received: for `countersign backend create --webhook-url`.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        self.inner.receiver.url()
    }

    /// Says where the API is (`http://127.0.0.1:8080`), and what `backend create` printed.
    pub fn connect(&self, api_base_url: &str, api_key: &str, webhook_secret: &str) {
        let api = Api::new(self.inner.client.clone(), api_base_url, api_key);
        *self.inner.api.lock().unwrap_or_else(PoisonError::into_inner) = Some(api);
        self.set_webhook_secrets(&[webhook_secret]);
    }

    /// Says that the API is somewhere else now (`http://127.0.0.1:8080`), with the same key.
    pub fn move_to(&self, api_base_url: &str) {
        let moved = self.api().at(api_base_url);
        *self.inner.api.lock().unwrap_or_else(PoisonError::into_inner) = Some(moved);
    }

    /// The secrets of which one has to fit: two while one is being replaced.
    pub fn set_webhook_secrets(&self, secrets: &[&str]) {
        self.inner.receiver.set_secrets(secrets.iter().map(|&secret| secret.to_owned()).collect());
    }

    /// The calls of the API. Before [`connect`](Self::connect) each answers that it could not be sent.
    #[must_use]
    pub fn api(&self) -> Api {
        let api = self.inner.api.lock().unwrap_or_else(PoisonError::into_inner);
        api.clone().unwrap_or_else(|| Api::new(self.inner.client.clone(), "", ""))
    }

    /// The API called with another key, or with none (`""`).
    #[must_use]
    pub fn api_with_key(&self, api_key: &str) -> Api {
        self.api().with_key(api_key)
    }

    /// An agent of this backend.
    #[must_use]
    pub fn agent(&self, id: &str, name: &str) -> Agent {
        Agent::new(self.clone(), id, name)
    }

    /// Answers every delivery so from now on, unless [`answer_next`](Self::answer_next) says otherwise.
    pub fn answer_with(&self, answer: Answer) {
        self.inner.receiver.answers().otherwise = answer;
    }

    /// Answers the next deliveries so, one each, after those that were queued before.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.inner.receiver.answers().next.extend(answers);
    }

    /// Every try to deliver a webhook, in the order in which they came; those that were dropped unseen aside.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inner.receiver.deliveries()
    }

    /// What the backend acted on: each webhook id once, verified and taken.
    #[must_use]
    pub fn events(&self) -> Vec<Delivery> {
        self.deliveries().into_iter().filter(Delivery::is_event).collect()
    }

    /// The first event that `wanted` holds for, those of the past included; `None` if there is none after `limit`.
    pub async fn wait_for_event(
        &self,
        wanted: impl Fn(&Delivery) -> bool,
        limit: Duration,
    ) -> Option<Delivery> {
        self.wait_for_delivery(|delivery| delivery.is_event() && wanted(delivery), limit).await
    }

    /// The same for every try of a delivery, believed and taken or not.
    pub async fn wait_for_delivery(
        &self,
        wanted: impl Fn(&Delivery) -> bool,
        limit: Duration,
    ) -> Option<Delivery> {
        let mut version = self.version();
        tokio::time::timeout(limit, async {
            loop {
                version.mark_unchanged();
                if let Some(found) = self.inner.receiver.find(&wanted) {
                    return Some(found);
                }
                version.changed().await.ok()?;
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Changes with every delivery: for a page that shows them.
    #[must_use]
    pub fn version(&self) -> watch::Receiver<u64> {
        self.inner.receiver.version()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }
}
