//! How a [`Slack`] is set up.

use std::{fmt, time::Duration};

use axum::Router;

use super::Slack;
use crate::ambient::Clock;

/// Creates further routes on the same server, for instance the page on which one acts as the workspace's people. The
/// handle that it receives does not keep the server alive.
pub type ExtraRoutes = Box<dyn FnOnce(Slack) -> Router + Send>;

/// Options of [`Slack::start`]. The default uses the machine's clock and enforces no rate limits.
pub struct SlackOptions {
    /// The clock for the lifetimes of triggers and response URLs, and the times of messages and signatures.
    pub clock: Clock,
    /// Answer 429 to calls that come sooner than Slack's limits allow. The log marks such calls in any case.
    pub rate_limits: bool,
    /// The delay before each retry of an event. Slack retries immediately, after a minute and after five minutes
    /// (<https://docs.slack.dev/apis/events-api/#retries>).
    pub event_retries: Vec<Duration>,
    /// The port on the loopback interface, 0 for any free port.
    pub port: u16,
    /// Further routes. Slack's own are `/api/…`, `/response/…`, `/oauth/…` and `/link/`.
    pub extra: Option<ExtraRoutes>,
}

impl Default for SlackOptions {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            rate_limits: false,
            event_retries: vec![Duration::ZERO, Duration::from_mins(1), Duration::from_mins(5)],
            port: 0,
            extra: None,
        }
    }
}

impl fmt::Debug for SlackOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SlackOptions")
            .field("clock", &self.clock)
            .field("rate_limits", &self.rate_limits)
            .field("event_retries", &self.event_retries)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
