//! How a [`Slack`] is set up.

use std::{fmt, time::Duration};

use axum::Router;

use super::Slack;
use crate::ambient::Clock;

/// Makes further routes of the same server, for instance the page on which one acts as its people. It is handed a
/// handle that does not keep the server alive.
pub type ExtraRoutes = Box<dyn FnOnce(Slack) -> Router + Send>;

/// What [`Slack::start`] takes. The default is a workspace on the machine's clock that enforces no rate limits.
pub struct SlackOptions {
    /// Tells the lifetimes of triggers and response URLs, the times of messages and signatures.
    pub clock: Clock,
    /// Answer 429 to calls that come sooner than Slack's limits allow. They are marked in the log in any case.
    pub rate_limits: bool,
    /// How long after each failed try an event is sent again. Slack: at once, after a minute, after five
    /// (<https://docs.slack.dev/apis/events-api/#retries>).
    pub event_retries: Vec<Duration>,
    /// The port on the loopback interface; 0 for any that is free.
    pub port: u16,
    /// Further routes. Those of Slack itself are `/api/…`, `/response/…`, `/oauth/…` and `/link/`.
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
