//! An agent backend as a customer would write one: an HTTP client for the API, a receiver for the webhooks, and an
//! agent that runs a tool only after a person approved it. It shares no code with the service.

mod agent;
mod calls;
mod canonical;
mod curl;
mod inbox;
mod misbehaviour;
mod outcome;
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
    /// The clock for checking the age of webhooks.
    pub clock: Clock,
}

/// Why a backend could not be started.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The webhook receiver could not listen on a port.
    #[error("cannot listen for webhooks: {0}")]
    Listen(#[from] std::io::Error),
    /// The HTTP client could not be created.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// An agent backend. Clones share one backend. The webhook receiver closes when the last one is dropped.
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
    /// Starts the webhook receiver on a free port of 127.0.0.1. It runs on the current tokio runtime.
    ///
    /// # Errors
    /// If no port is available, or the HTTP client can't be created.
    pub async fn start(options: BackendOptions) -> Result<Self, BackendError> {
        let receiver = Receiver::start(options.clock.clone()).await?;
        let inner = Inner { clock: options.clock, client: http::client()?, receiver, api: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The address of the webhook receiver, for `countersign backend create --webhook-url`.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        self.inner.receiver.url()
    }

    /// Sets the API's address (`http://127.0.0.1:8080`), and the key and secret that `backend create` printed.
    pub fn connect(&self, api_base_url: &str, api_key: &str, webhook_secret: &str) {
        let api = Api::new(self.inner.client.clone(), api_base_url, api_key);
        *self.inner.api.lock().unwrap_or_else(PoisonError::into_inner) = Some(api);
        self.set_webhook_secrets(&[webhook_secret]);
    }

    /// Sets another address of the API (`http://127.0.0.1:8080`), and keeps the key.
    pub fn move_to(&self, api_base_url: &str) {
        let moved = self.api().at(api_base_url);
        *self.inner.api.lock().unwrap_or_else(PoisonError::into_inner) = Some(moved);
    }

    /// Sets the secrets, one of which has to match. There are two during a rotation.
    pub fn set_webhook_secrets(&self, secrets: &[&str]) {
        self.inner.receiver.set_secrets(secrets.iter().map(|&secret| secret.to_owned()).collect());
    }

    /// The API client. Before [`connect`](Self::connect), each call returns a reply with an error.
    #[must_use]
    pub fn api(&self) -> Api {
        let api = self.inner.api.lock().unwrap_or_else(PoisonError::into_inner);
        api.clone().unwrap_or_else(|| Api::new(self.inner.client.clone(), "", ""))
    }

    /// The API client with another key, or with none (`""`).
    #[must_use]
    pub fn api_with_key(&self, api_key: &str) -> Api {
        self.api().with_key(api_key)
    }

    /// An agent of this backend.
    #[must_use]
    pub fn agent(&self, id: &str, name: &str) -> Agent {
        Agent::new(self.clone(), id, name)
    }

    /// Answers every delivery like this from now on, except those that [`answer_next`](Self::answer_next) covers.
    pub fn answer_with(&self, answer: Answer) {
        self.inner.receiver.answers().otherwise = answer;
    }

    /// Answers the next deliveries with these answers, one each, after the answers that are already queued.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.inner.receiver.answers().next.extend(answers);
    }

    /// Every attempt to deliver a webhook, in order of receipt, except those that were dropped unread.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inner.receiver.deliveries()
    }

    /// The deliveries that the backend acted on: each webhook id once, verified and accepted.
    #[must_use]
    pub fn events(&self) -> Vec<Delivery> {
        self.deliveries().into_iter().filter(Delivery::is_event).collect()
    }

    /// The first event that `wanted` matches, past events included. `None` if there is none within `limit`.
    pub async fn wait_for_event(
        &self,
        wanted: impl Fn(&Delivery) -> bool,
        limit: Duration,
    ) -> Option<Delivery> {
        self.wait_for_delivery(|delivery| delivery.is_event() && wanted(delivery), limit).await
    }

    /// Like [`wait_for_event`](Self::wait_for_event) for every delivery attempt, verified and accepted or not.
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

    /// A number that changes with every delivery, for a page that shows them.
    #[must_use]
    pub fn version(&self) -> watch::Receiver<u64> {
        self.inner.receiver.version()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }
}
