//! What a rule says.

use chrono::TimeDelta;

use super::{cel::Condition, pattern::ActionPattern};
use crate::domain::{grants::Scope, limits::Uses, panel::ApproverSpec, rule_ref::RuleNumber, text::Prose};

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
    Ask(Option<ApproverSpec>),
    /// A person is asked, and may auto-approve the next ones.
    UserChoice(Limits, Option<ApproverSpec>),
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
    pub const fn approvers(&self) -> Option<&ApproverSpec> {
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
