//! Users ask admins to unlock an action; one admin answers for all who asked.

use chrono::{DateTime, Utc};

use super::{Rejection, decisions::Clicker, ids::UserId, settings::may_change};

/// What became of a request to unlock an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The action was unlocked, by this request's button or otherwise.
    Unlocked,
    /// An admin declined: the action stays locked.
    Declined,
    /// The integration no longer has the action.
    Retired,
}

impl Answer {
    /// As the database writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            Self::Declined => "declined",
            Self::Retired => "retired",
        }
    }

    /// Reads what [`Answer::as_str`] wrote.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Unlocked, Self::Declined, Self::Retired].into_iter().find(|answer| answer.as_str() == text)
    }
}

/// An answer, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What.
    pub answer: Answer,
    /// Who, if it was a person in Slack.
    pub by: Option<UserId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Whether this person may ask for the action. An action that is unlocked needs no asking.
pub fn may_ask(clicker: &Clicker, unlocked: bool) -> Result<(), Rejection> {
    match may_change(clicker) {
        Ok(()) if unlocked => Err(Rejection::AlreadyUnlocked),
        judged => judged,
    }
}

/// Whether an answer only repeats the one that was given: the same admin gave the same.
#[must_use]
pub fn repeats(answered: &Answered, answer: Answer, admin: &UserId) -> bool {
    answered.answer == answer && answered.by.as_ref() == Some(admin)
}

/// Whether the request can still be answered: the first admin answers for all.
pub fn still_open(answered: Option<&Answered>) -> Result<(), Rejection> {
    match answered {
        Some(answered) => Err(Rejection::AlreadyAnswered(answered.clone())),
        None => Ok(()),
    }
}
