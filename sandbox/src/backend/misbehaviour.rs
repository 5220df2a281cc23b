//! How the webhook receiver answers: as it should, or as receivers out there do.

use std::collections::VecDeque;
use std::time::Duration;

/// One way to answer a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Answer {
    /// Takes it: 204, or 401 if it isn't believed.
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
    /// Takes it, but answers only after this long.
    Hang(Duration),
    /// Closes the connection without an answer, having seen nothing.
    DropBeforeTaking,
    /// Takes it, and closes the connection without an answer: the sender can't know.
    DropAfterTaking,
    /// Takes it, and answers 200 with a body of so many bytes.
    LargeBody(usize),
}

impl Answer {
    /// Whether a backend that answers so has acted on the delivery.
    #[must_use]
    pub fn takes(&self) -> bool {
        match self {
            Self::Take | Self::Hang(_) | Self::DropAfterTaking | Self::LargeBody(_) => true,
            Self::Status(status, _) => (200..300).contains(status),
            Self::Redirect(_) | Self::RetryAfter(_) | Self::Gone | Self::DropBeforeTaking => false,
        }
    }
}

/// What to answer next, and when nothing is said.
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
