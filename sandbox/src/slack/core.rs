//! The part that the server and all handles share.

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{socket::Sockets, state::State};
use crate::ambient::Clock;

/// The state behind its lock, with the clock, the HTTP client and the means to stop.
#[derive(Debug)]
pub(crate) struct Core {
    state: Mutex<State>,
    /// Counts the changes, so that pages and tests can wait for one instead of polling.
    version: watch::Sender<u64>,
    pub(crate) clock: Clock,
    pub(crate) http: reqwest::Client,
    /// Stops the server with all of its connections and pending retries.
    pub(crate) stop: CancellationToken,
    pub(crate) address: SocketAddr,
    pub(crate) enforce_rate_limits: bool,
    pub(crate) event_retries: Vec<Duration>,
    pub(crate) sockets: Sockets,
}

/// How a [`Core`] is made.
#[derive(Debug)]
pub(crate) struct CoreParts {
    pub(crate) state: State,
    pub(crate) clock: Clock,
    pub(crate) http: reqwest::Client,
    pub(crate) address: SocketAddr,
    pub(crate) enforce_rate_limits: bool,
    pub(crate) event_retries: Vec<Duration>,
}

impl Core {
    pub(crate) fn new(parts: CoreParts) -> Self {
        Self {
            state: Mutex::new(parts.state),
            version: watch::Sender::new(0),
            clock: parts.clock,
            http: parts.http,
            stop: CancellationToken::new(),
            address: parts.address,
            enforce_rate_limits: parts.enforce_rate_limits,
            event_retries: parts.event_retries,
            sockets: Sockets::default(),
        }
    }

    /// Reads the state.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the state, and wakes those who wait for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// Receives a notification for every change from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held the lock has failed already. Other tests can continue.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
