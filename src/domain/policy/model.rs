//! What a rule says.

use std::fmt;

use chrono::TimeDelta;

use super::{cel::Condition, pattern::ActionPattern};
use crate::domain::{grants::Scope, ids::UserId, limits::Uses, text::Prose};

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

/// A rule: what happens to some actions, under a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The rule's place in its policy.
    pub number: RuleNumber,
    /// The line on which it begins.
    pub line: u64,
    /// The actions.
    pub action: ActionPattern,
    /// When the rule applies. `None`: always.
    pub when: Option<Condition>,
    /// What happens.
    pub effect: Effect,
    /// Why, in the admin's words. Agents and people read it.
    pub reason: Option<Prose>,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It is denied at once.
    Block,
    /// A person is asked each time. Auto-approvals don't count.
    Ask(Option<Approvers>),
    /// A person is asked, and may auto-approve the next ones.
    UserChoice(Limits, Option<Approvers>),
    /// It is approved at once.
    Allow,
}

impl Effect {
    /// Its name, without limits and approvers.
    #[must_use]
    pub const fn kind(&self) -> EffectKind {
        match self {
            Self::Block => EffectKind::Block,
            Self::Ask(_) => EffectKind::Ask,
            Self::UserChoice(..) => EffectKind::UserChoice,
            Self::Allow => EffectKind::Allow,
        }
    }

    /// Who decides instead of the user.
    #[must_use]
    pub const fn approvers(&self) -> Option<&Approvers> {
        match self {
            Self::Ask(approvers) | Self::UserChoice(_, approvers) => approvers.as_ref(),
            Self::Block | Self::Allow => None,
        }
    }
}

/// The kinds of effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EffectKind {
    /// Denied at once.
    Block,
    /// A person is asked each time.
    Ask,
    /// A person is asked, and may auto-approve the next ones.
    UserChoice,
    /// Approved at once.
    Allow,
}

impl EffectKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Block, Self::Ask, Self::UserChoice, Self::Allow];

    /// The name as written in policies, in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Ask => "ask",
            Self::UserChoice => "user_choice",
            Self::Allow => "allow",
        }
    }

    /// Parses what [`EffectKind::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What people may auto-approve under a rule. By default everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// The scopes beside `once`. `None`: every scope.
    pub scopes: Option<Scopes>,
    /// The longest time that an auto-approval holds.
    pub max_duration: Option<TimeDelta>,
    /// The most calls that an auto-approval permits.
    pub max_uses: Option<Uses>,
}

/// Which scopes people may pick beside `once`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes {
    /// For one conversation.
    pub conversation: bool,
    /// For every conversation.
    pub always: bool,
}

impl Limits {
    /// Whether people may pick this scope.
    #[must_use]
    pub fn allow(&self, scope: Scope) -> bool {
        let Some(scopes) = self.scopes else { return true };
        match scope {
            Scope::Once => true,
            Scope::Conversation => scopes.conversation,
            Scope::Always => scopes.always,
        }
    }
}

/// Who decides instead of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvers {
    /// The people who may decide.
    pub users: Vec<UserId>,
    /// How many of them must approve.
    pub required: u32,
    /// Whether the user for whom the agent acts doesn't count.
    pub not_the_user: bool,
    /// The people to ask as well if no decision comes.
    pub escalation: Option<Escalation>,
}

/// The people to ask as well if no decision comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// After this time.
    pub after: TimeDelta,
    /// These people.
    pub to: Vec<UserId>,
}
