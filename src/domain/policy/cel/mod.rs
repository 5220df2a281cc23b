//! Conditions of rules, in CEL (the Common Expression Language).
//!
//! The language is a part of CEL, read and evaluated here: an evaluation has a fixed number of steps, so it always ends,
//! and it reads nothing but the facts of the request, so it is deterministic. Names, functions and types are checked when
//! a policy is saved. docs/decisions/0040-own-evaluator-for-conditions.md says why.

mod calls;
mod clock;
mod evaluate;
mod functions;
mod parse;
mod syntax;
#[cfg(test)]
mod tests;
mod token;
mod value;

use std::fmt;

pub use evaluate::ConditionFault;
pub(super) use evaluate::Fuel;
use syntax::Expr;

use super::facts::Facts;

/// The most characters of a condition.
const MOST_CHARACTERS: usize = 4000;
/// The most parts of a condition: values, names, operators and calls.
const MOST_NODES: u32 = 200;
/// The most elements of a list or map that a condition goes through one by one.
const MOST_ELEMENTS: usize = 1000;
/// The steps for all conditions of one request.
const STEPS: u32 = 100_000;

/// A condition that was read and checked.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    expr: Expr,
}

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxFault {
    /// The character at which it was found, counted from 1.
    pub(super) character: usize,
    /// What is wrong, and what to write instead.
    pub(super) message: String,
}

impl fmt::Display for SyntaxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (character {})", self.message, self.character)
    }
}

impl Condition {
    /// Reads and checks a condition.
    pub(super) fn parse(text: &str) -> Result<Self, SyntaxFault> {
        Ok(Self { text: text.to_owned(), expr: parse::parse(text)? })
    }

    /// Whether the condition holds. An error means that it can't be said for these facts.
    pub(super) fn holds(&self, facts: &Facts<'_>, fuel: &mut Fuel) -> Result<bool, ConditionFault> {
        evaluate::holds(&self.expr, facts, fuel)
    }

    /// The condition as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
