//! The answers of the webhook receiver: the correct one, and those of faulty receivers.

use std::collections::VecDeque;
use std::time::Duration;

/// One way to answer a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Answer {
    /// Accepts it: 204, or 401 if verification fails.
    #[default]
    Take,
    /// Answers this status with these headers. 2xx counts as taken.
    Status(u16, Vec<(String, String)>),
    /// 307 to this URL.
    Redirect(String),
    /// 429 with `Retry-After` of so many seconds.
    RetryAfter(u64),
    /// 410: never send anything here again.
    Gone,
    /// Accepts it, but answers only after this time.
    Hang(Duration),
    /// Closes the connection without an answer, before it reads the delivery.
    DropBeforeTaking,
    /// Accepts it, and closes the connection without an answer, so the sender can't know the result.
    DropAfterTaking,
    /// Accepts it, and answers 200 with a body of this many bytes.
    LargeBody(usize),
}

impl Answer {
    /// Whether a backend that answers like this has acted on the delivery.
    #[must_use]
    pub fn takes(&self) -> bool {
        match self {
            Self::Take | Self::Hang(_) | Self::DropAfterTaking | Self::LargeBody(_) => true,
            Self::Status(status, _) => (200..300).contains(status),
            Self::Redirect(_) | Self::RetryAfter(_) | Self::Gone | Self::DropBeforeTaking => false,
        }
    }
}

/// The queued answers, and the default one.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) next: VecDeque<Answer>,
    pub(super) otherwise: Answer,
}

impl Answers {
    pub(super) fn take(&mut self) -> Answer {
        self.next.pop_front().unwrap_or_else(|| self.otherwise.clone())
    }
}
