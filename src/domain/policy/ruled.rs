//! What the rules in force say of a request, and what that changes.

use super::{
    ConditionFault, Facts, Policy, Ruling,
    model::{Effect, EffectKind, Limits, Rule, RuleNumber},
};
use crate::domain::{
    catalog::{Eligibility, Lock, UnlockedFor},
    limits::Bounds,
    rejection::Rejection,
    text::Prose,
};

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

/// What the rules say of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Treatment {
    /// No rule matches.
    Default,
    /// Deny it at once, for this reason.
    Block(Option<Prose>),
    /// Ask a person. Auto-approvals don't count.
    Ask,
    /// A condition can't be evaluated, so a person is asked.
    Failed(ConditionFault),
    /// Ask a person, who may auto-approve the next ones.
    UserChoice(Limits),
    /// Approve it at once.
    Allow,
}

/// What the rules in force say of a request, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruled {
    /// The rules.
    pub by: RuleRef,
    /// What they say.
    pub treatment: Treatment,
}

impl Policy {
    /// Judges a request by this policy, which has this version.
    #[must_use]
    pub fn judge(&self, version: PolicyVersion, facts: &Facts<'_>) -> Ruled {
        let (rule, treatment) = match self.rule_on(facts) {
            Ruling::NoRule => (None, Treatment::Default),
            Ruling::Failed { rule, fault } => (Some(rule), Treatment::Failed(fault)),
            Ruling::Rule(rule) => (Some(rule), Treatment::for_rule(rule)),
        };
        Ruled { by: RuleRef { version, rule: rule.map(|rule| rule.number) }, treatment }
    }

    /// What this version does not support yet: the line of the first rule that has it, and the part. Such a policy is
    /// never put in force, so nothing in it is silently ignored.
    #[must_use]
    pub fn unsupported(&self) -> Option<(u64, &'static str)> {
        self.rules().iter().find_map(|rule| {
            let part = match &rule.effect {
                effect if effect.approvers().is_some() => "approvers",
                _ => return None,
            };
            Some((rule.line, part))
        })
    }
}

impl Treatment {
    fn for_rule(rule: &Rule) -> Self {
        match &rule.effect {
            Effect::Block => Self::Block(rule.reason.clone()),
            Effect::Ask(_) => Self::Ask,
            Effect::UserChoice(limits, _) => Self::UserChoice(limits.clone()),
            Effect::Allow => Self::Allow,
        }
    }

    /// Its name, in the audit and where a simulation is shown. `None`: no rule matches.
    #[must_use]
    pub const fn kind(&self) -> Option<EffectKind> {
        match self {
            Self::Default => None,
            Self::Block(_) => Some(EffectKind::Block),
            Self::Ask | Self::Failed(_) => Some(EffectKind::Ask),
            Self::UserChoice(_) => Some(EffectKind::UserChoice),
            Self::Allow => Some(EffectKind::Allow),
        }
    }
}

impl Ruled {
    /// Whether a grant may be used or given, as the rules have it: a rule stands in for the action's lock. An action
    /// whose changed description no admin has confirmed stays as it is.
    #[must_use]
    pub const fn eligibility(&self, eligibility: Eligibility) -> Eligibility {
        let lock = match (&self.treatment, eligibility.lock) {
            (Treatment::Default, lock) | (_, lock @ Lock::Retired) => lock,
            (Treatment::UserChoice(limits), lock) => match (limits.unlocked_for(), lock) {
                (None, _) => Lock::Ruled,
                (Some(_), Lock::Changed(what)) => Lock::Changed(what),
                (Some(what), _) => Lock::Unlocked(what),
            },
            (Treatment::Block(_) | Treatment::Ask | Treatment::Failed(_) | Treatment::Allow, _) => {
                Lock::Ruled
            }
        };
        Eligibility { lock, bounds: self.bounds(), ..eligibility }
    }

    /// How long a grant may hold under this rule, and how often it may be used.
    const fn bounds(&self) -> Bounds {
        match &self.treatment {
            Treatment::UserChoice(limits) => limits.bounds(),
            _ => Bounds { duration: None, uses: None },
        }
    }

    /// Whether a person may still approve the request: not if a rule blocks it now.
    pub fn may_be_approved(&self) -> Result<(), Rejection> {
        if matches!(self.treatment, Treatment::Block(_)) { Err(Rejection::BlockedByRule) } else { Ok(()) }
    }
}

impl Limits {
    /// How long an auto-approval may hold, and how often it may be used.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        Bounds { duration: self.max_duration, uses: self.max_uses }
    }

    /// What people may auto-approve. `None`: nothing.
    #[must_use]
    pub const fn unlocked_for(&self) -> Option<UnlockedFor> {
        match self.scopes {
            None => Some(UnlockedFor::Always),
            Some(scopes) if scopes.always => Some(UnlockedFor::Always),
            Some(scopes) if scopes.conversation => Some(UnlockedFor::Conversations),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_choice_of_the_user_lets_grants_hold() {
        let locks = [
            Lock::Unlocked(UnlockedFor::Always),
            Lock::Unlocked(UnlockedFor::Conversations),
            Lock::Changed(UnlockedFor::Always),
            Lock::Locked,
            Lock::Retired,
        ];
        let by = RuleRef { version: PolicyVersion::after(None), rule: RuleNumber::at(0) };
        let once = Limits {
            scopes: Some(super::super::Scopes { conversation: false, always: false }),
            ..Limits::default()
        };
        let treatments = [
            Treatment::Block(None),
            Treatment::Ask,
            Treatment::Failed(ConditionFault::TooManySteps),
            Treatment::Allow,
            Treatment::UserChoice(once),
        ];
        for lock in locks {
            let before = Eligibility {
                lock,
                outdated: false,
                connected: true,
                conversation_closed: false,
                bounds: Bounds::default(),
            };
            let judge = |treatment| Ruled { by, treatment }.eligibility(before);
            for treatment in treatments.clone() {
                assert!(judge(treatment.clone()).blocker().is_some(), "{lock:?} {treatment:?}");
            }
            assert_eq!(judge(Treatment::Default), before);
            let free = judge(Treatment::UserChoice(Limits::default()));
            // What an admin has to confirm, or is gone, stays so.
            let expected = matches!(lock, Lock::Unlocked(_) | Lock::Locked);
            assert_eq!(free.blocker().is_none(), expected, "{lock:?}");
        }
    }
}
