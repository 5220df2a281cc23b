//! Why a text is not a condition, or a condition can't be evaluated, and how much a condition may be.

use std::fmt;

/// The most characters of a condition.
pub(super) const MOST_CHARACTERS: usize = 4000;
/// The most parts of a condition: values, names, operators and calls.
pub(super) const MOST_NODES: u32 = 200;
/// The most elements of a list or map that a condition goes through one by one.
pub(super) const MOST_ELEMENTS: usize = 1000;
/// The steps for all conditions of one request.
pub(super) const STEPS: u32 = 100_000;

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::domain::policy) struct SyntaxFault {
    /// The character at which it was found, counted from 1.
    pub(in crate::domain::policy) character: usize,
    /// What is wrong, and what to write instead.
    pub(in crate::domain::policy) message: String,
}

impl fmt::Display for SyntaxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (character {})", self.message, self.character)
    }
}

/// Why a condition can't be evaluated. It never contains a value of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionFault {
    /// The request lacks a field.
    #[error("the request has no field {0}; test for it with has()")]
    NoField(String),
    /// A list has no element of this number, or a map no such key.
    #[error("a list or map has no such element")]
    NoElement,
    /// A value has another type than the condition expects.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: &'static str,
    },
    /// A result is larger than an integer can be, or a time is out of range.
    #[error("a number is too large")]
    Overflow,
    /// A division by zero.
    #[error("a division by zero")]
    DivisionByZero,
    /// A text can't be read as a number, a timestamp, a duration or a time zone.
    #[error("a string can't be read as {0}")]
    Unreadable(&'static str),
    /// A list or map is too long.
    #[error("a list or map has more than {MOST_ELEMENTS} elements")]
    TooManyElements,
    /// The steps are used up.
    #[error("the conditions take more than {STEPS} steps")]
    TooManySteps,
}
