//! What reaches the outside. A worker claims rows that transactions left, reads the state as it is now, and draws or
//! sends that: repeats are harmless, and late ones right.

pub mod draw;
pub mod guard;
pub mod home;
pub mod listener;
pub mod schedule;
pub mod signing;
pub mod unlocking;
pub mod webhook;
pub mod worker;

use chrono::TimeDelta;

/// How an attempt went, as the handlers say; the schedule turns it into what is done with the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It reached the outside.
    Done {
        /// The HTTP status that came back.
        status: Option<u16>,
        /// The beginning of the answer.
        detail: Option<String>,
    },
    /// It did not, and may later.
    Failed {
        /// What went wrong.
        why: String,
        /// The HTTP status that came back.
        status: Option<u16>,
        /// Not before this long from now, as the other side asked.
        after: Option<TimeDelta>,
    },
    /// It must wait, through nobody's fault: it does not count as a try.
    Wait(TimeDelta),
    /// It never will.
    Hopeless {
        /// Why.
        why: String,
        /// The HTTP status that came back.
        status: Option<u16>,
    },
}

impl Outcome {
    /// A success about which there is nothing to note.
    #[must_use]
    pub const fn done() -> Self {
        Self::Done { status: None, detail: None }
    }
}
