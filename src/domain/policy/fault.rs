//! What is wrong with a policy, and where.

use std::fmt;

/// The most faults that are collected.
const MOST: usize = 20;

/// A fault of a policy's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The line, counted from 1.
    pub line: u64,
    /// The field, such as `rules[2].effect`. Empty for the whole file.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl PolicyFault {
    pub(super) fn new(line: u64, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { line, field: field.into(), message: message.into() }
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong with a policy: at least one fault, in the order of the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFaults(Vec<PolicyFault>);

impl PolicyFaults {
    /// The faults.
    #[must_use]
    pub fn all(&self) -> &[PolicyFault] {
        &self.0
    }
}

impl From<PolicyFault> for PolicyFaults {
    fn from(fault: PolicyFault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for PolicyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for PolicyFaults {}

/// Collects faults while a policy is read.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<PolicyFault>);

impl Faults {
    pub(super) fn add(&mut self, line: u64, field: impl Into<String>, message: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(PolicyFault::new(line, field, message));
        }
    }

    /// The value, if nothing was wrong.
    pub(super) fn finish<T>(mut self, value: T) -> Result<T, PolicyFaults> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by_key(|fault| fault.line);
        Err(PolicyFaults(self.0))
    }
}
