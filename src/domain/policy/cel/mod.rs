//! Conditions of rules, in CEL (the Common Expression Language).
//!
//! The language is a part of CEL, read and evaluated here: an evaluation has a fixed number of steps, so it always ends,
//! and it reads nothing but the facts of the request, so it is deterministic. Names, functions and types are checked when
//! a policy is saved. docs/decisions/0040-own-evaluator-for-conditions.md says why.

mod calls;
mod clock;
mod evaluate;
mod fault;
mod fuel;
mod functions;
mod parse;
mod syntax;
#[cfg(test)]
mod tests;
mod token;
mod value;

pub use fault::ConditionFault;
use fault::SyntaxFault;
pub(super) use fuel::Fuel;
use syntax::Expr;

use super::facts::Facts;

/// A condition that was read and checked.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    expr: Expr,
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
