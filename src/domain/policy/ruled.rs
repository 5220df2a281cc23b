//! What the rules in force say of a request, and what that changes.

use std::collections::BTreeSet;

use super::{
    ConditionFault, Facts, Policy, Ruling,
    model::{Effect, EffectKind, Limits, Rule},
};
use crate::domain::{
    approvals::Request,
    catalog::{Eligibility, Lock, UnlockedFor},
    ids::UserId,
    limits::Bounds,
    panel::ApproverSpec,
    rejection::Rejection,
    rule_ref::{PolicyVersion, RuleRef},
    text::Prose,
};

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
    /// Who decides instead of the user, if a person is asked.
    pub approvers: Option<ApproverSpec>,
}

impl Policy {
    /// Judges a request by this policy, which has this version.
    #[must_use]
    pub fn judge(&self, version: PolicyVersion, facts: &Facts<'_>) -> Ruled {
        let (rule, treatment, approvers) = match self.rule_on(facts) {
            Ruling::NoRule => (None, Treatment::Default, None),
            Ruling::Failed { rule, fault, approvers } => (Some(rule), Treatment::Failed(fault), approvers),
            Ruling::Rule(rule) => (Some(rule), Treatment::for_rule(rule), rule.effect.approvers()),
        };
        let by = RuleRef { version, rule: rule.map(|rule| rule.number) };
        Ruled { by, treatment, approvers: approvers.cloned() }
    }

    /// Everyone whom a rule names as an approver, each once.
    #[must_use]
    pub fn people(&self) -> BTreeSet<&UserId> {
        let specs = self.rules().iter().filter_map(|rule| rule.effect.approvers());
        let named = specs.flat_map(|spec| {
            spec.people().iter().chain(spec.escalation().into_iter().flat_map(|escalation| &escalation.to))
        });
        named.collect()
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

    /// Who decides instead of the user, if a person is asked.
    #[must_use]
    pub const fn who_decides(&self) -> Option<&ApproverSpec> {
        match self.treatment {
            Treatment::Ask | Treatment::Failed(_) | Treatment::UserChoice(_) => self.approvers.as_ref(),
            Treatment::Default | Treatment::Block(_) | Treatment::Allow => None,
        }
    }

    /// Whether a person may still approve the request: not if a rule blocks it now, or has others decide it who were not
    /// asked. Those whom a rule named when it was made stay the ones who decide.
    pub fn may_be_approved(&self, request: &Request) -> Result<(), Rejection> {
        if matches!(self.treatment, Treatment::Block(_)) {
            return Err(Rejection::BlockedByRule);
        }
        if self.who_decides().is_some() && request.approvers.is_none() {
            return Err(Rejection::OthersDecide);
        }
        Ok(())
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
    use crate::domain::rule_ref::RuleNumber;

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
            let judge = |treatment| Ruled { by, treatment, approvers: None }.eligibility(before);
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
