//! The rules of a policy: the first one that applies to a request decides.

use std::collections::HashMap;

use super::{
    cel::{ConditionFault, Fuel},
    facts::Facts,
    fault::Faults,
    model::Rule,
    pattern::{self, ActionPattern},
};
use crate::domain::{
    panel::ApproverSpec,
    text::{ActionKey, IntegrationKey},
};

/// The most rules that speak of one action.
pub const MOST_FOR_ONE_ACTION: usize = 50;

/// Rules in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    index: Index,
}

/// Which rules speak of an action, so that a request looks only at these.
#[derive(Debug, Clone, Default)]
struct Index {
    /// By the action's name.
    paths: HashMap<String, Vec<usize>>,
    /// By what the name begins with, up to a dot.
    prefixes: HashMap<String, Vec<usize>>,
    /// Every action.
    all: Vec<usize>,
}

/// What the rules say of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Ruling<'p> {
    /// No rule applies.
    NoRule,
    /// This rule decides.
    Rule(&'p Rule),
    /// This rule's condition can't be evaluated. A person has to be asked.
    Failed {
        /// The rule.
        rule: &'p Rule,
        /// Why.
        fault: ConditionFault,
        /// Who is asked: the rule's approvers, or else those of the rule that would decide if it did not apply. What a
        /// second person has to decide can't be had without them by an argument that can't be read.
        approvers: Option<&'p ApproverSpec>,
    },
}

impl Rules {
    /// The rules in this order. A fault is noted if too many of them speak of one action.
    pub(super) fn new(rules: Vec<Rule>, faults: &mut Faults) -> Self {
        let rules = Self { index: Index::new(&rules), rules };
        rules.check_numbers(faults);
        rules
    }

    /// The rules, in their order.
    pub(super) fn as_slice(&self) -> &[Rule] {
        &self.rules
    }

    /// What the rules say of a request: the first one that applies, in a bounded number of steps.
    #[must_use]
    pub(super) fn rule_on(&self, facts: &Facts<'_>) -> Ruling<'_> {
        let mut fuel = Fuel::default();
        let mut failed = None;
        for rule in self.rules_for(facts.integration, facts.action) {
            let holds = rule.when.as_ref().map_or(Ok(true), |when| when.holds(facts, &mut fuel));
            let approvers = rule.effect.approvers();
            match (holds, failed.take()) {
                (Ok(false), before) => failed = before,
                (Ok(true), None) => return Ruling::Rule(rule),
                (Ok(true), Some((rule, fault))) => return Ruling::Failed { rule, fault, approvers },
                (Err(fault), None) if approvers.is_some() => {
                    return Ruling::Failed { rule, fault, approvers };
                }
                (Err(fault), None) => failed = Some((rule, fault)),
                (Err(_), Some((rule, fault))) if approvers.is_some() => {
                    return Ruling::Failed { rule, fault, approvers };
                }
                (Err(_), before) => failed = before,
            }
        }
        match failed {
            Some((rule, fault)) => Ruling::Failed { rule, fault, approvers: None },
            None => Ruling::NoRule,
        }
    }

    /// The rules that speak of an action, in their order.
    pub(super) fn rules_for(
        &self,
        integration: &IntegrationKey,
        action: &ActionKey,
    ) -> impl Iterator<Item = &Rule> + use<'_> {
        let mut candidates = self.index.candidates(&pattern::path(integration, action));
        candidates.retain(|index| {
            self.rules.get(*index).is_some_and(|rule| rule.action.matches(integration, action))
        });
        candidates.into_iter().filter_map(|index| self.rules.get(index))
    }

    /// Notes the actions that too many rules speak of.
    fn check_numbers(&self, faults: &mut Faults) {
        let names = self.index.paths.keys().chain(self.index.prefixes.keys()).map(String::as_str);
        for name in names.chain([""]) {
            let candidates = self.index.candidates(name);
            if candidates.len() > MOST_FOR_ONE_ACTION {
                let rule = candidates.get(MOST_FOR_ONE_ACTION).and_then(|index| self.rules.get(*index));
                let Some(rule) = rule else { continue };
                let message = format!(
                    "{} rules speak of one action, at most {MOST_FOR_ONE_ACTION} may; join their conditions with ||",
                    candidates.len()
                );
                faults.add(rule.line, format!("rules[{}]", rule.number.index()), message);
                return;
            }
        }
    }
}

impl Index {
    fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (place, rule) in rules.iter().enumerate() {
            let places = match &rule.action {
                ActionPattern::All => &mut index.all,
                ActionPattern::Prefix(prefix) => index.prefixes.entry(prefix.clone()).or_default(),
                ActionPattern::Integration(key) => index.prefixes.entry(format!("{key}.")).or_default(),
                ActionPattern::Path(path) => index.paths.entry(path.clone()).or_default(),
                ActionPattern::Action(integration, action) => {
                    index.paths.entry(pattern::path(integration, action)).or_default()
                }
            };
            places.push(place);
        }
        index
    }

    /// The places of the rules that may speak of an action with this name, in their order.
    fn candidates(&self, path: &str) -> Vec<usize> {
        let mut places = self.all.clone();
        places.extend(self.paths.get(path).into_iter().flatten());
        if !self.prefixes.is_empty() {
            let prefixes = path.match_indices('.').map(|(at, dot)| &path[..at + dot.len()]);
            places.extend(prefixes.filter_map(|prefix| self.prefixes.get(prefix)).flatten());
        }
        places.sort_unstable();
        places
    }
}
