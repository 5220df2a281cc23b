//! Which version of a policy, and which of its rules, a request was judged by.

use std::fmt;

/// A rule's place in its policy, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleNumber(u16);

impl RuleNumber {
    /// The number of the rule at this index.
    #[must_use]
    pub fn at(index: usize) -> Option<Self> {
        u16::try_from(index + 1).ok().map(Self)
    }

    /// The number as the database stores it.
    #[must_use]
    pub fn from_stored(number: i32) -> Option<Self> {
        u16::try_from(number).ok().filter(|number| *number > 0).map(Self)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The rule's index.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0) - 1
    }
}

impl fmt::Display for RuleNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A version of a workspace's policy, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyVersion(i32);

impl PolicyVersion {
    /// The version as the database stores it. `None`: there is no policy.
    #[must_use]
    pub const fn from_stored(version: i32) -> Option<Self> {
        if version > 0 { Some(Self(version)) } else { None }
    }

    /// The version.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The version after `before`.
    #[must_use]
    pub fn after(before: Option<Self>) -> Self {
        Self(before.map_or(1, |before| before.0.saturating_add(1)))
    }
}

/// The rules that a request was judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleRef {
    /// The version of the policy.
    pub version: PolicyVersion,
    /// The rule that decided. `None`: none matched, so whether the action is unlocked decided.
    pub rule: Option<RuleNumber>,
}
