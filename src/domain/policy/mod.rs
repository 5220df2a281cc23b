//! Rules: what an admin says of actions. A policy is an ordered list of rules, of which the first that matches a request
//! decides. If none does, whether the action is unlocked decides, as without a policy.

mod asking;
mod cases;
mod cel;
mod change;
mod facts;
mod fault;
mod fields;
mod model;
mod pattern;
mod read;
mod ruled;
mod simulate;
mod source;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use asking::ask;
pub use cases::{Case, FailedCase};
pub use cel::{Condition, ConditionFault};
pub use change::{NewPolicy, PolicyReason, change};
pub use facts::Facts;
use fault::Faults;
pub use fault::{PolicyFault, PolicyFaults};
use fields::{Field, Fields};
pub use model::{Approvers, Effect, EffectKind, Escalation, Limits, Rule, RuleNumber, Scopes};
pub use pattern::ActionPattern;
pub use ruled::{PolicyVersion, RuleRef, Ruled, Treatment};
pub use simulate::{Compared, Difference, Simulation};
pub use source::MOST_BYTES;

use crate::domain::text::{ActionKey, IntegrationKey};

/// The most rules of a policy.
pub const MOST_RULES: usize = 1000;
/// The most rules that speak of one action.
pub const MOST_FOR_ONE_ACTION: usize = 50;

/// The JSON Schema of policies, for editors.
pub const SCHEMA: &str = include_str!("policy.schema.json");

/// A policy that was read and checked.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    cases: Vec<Case>,
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
    },
}

impl Policy {
    /// Reads and checks a policy. Every fault names its line and its field.
    pub fn parse(text: &str) -> Result<Self, PolicyFaults> {
        let root = source::read(text)?;
        let mut faults = Faults::default();
        let mut policy = Self::default();
        let field = Field::root(&root);
        if matches!(root.value, source::Yaml::Null) {
            return Ok(policy);
        }
        let Some(fields) = Fields::read(&field, &["rules", "tests"], &mut faults) else {
            return faults.finish(policy);
        };
        if let Some(field) = fields.get("rules") {
            let listed = field.list(&mut faults);
            if listed.len() > MOST_RULES {
                field.fault(
                    format!("has {} rules; a policy has at most {MOST_RULES}", listed.len()),
                    &mut faults,
                );
                return faults.finish(policy);
            }
            for (index, rule) in listed.iter().enumerate() {
                policy.rules.extend(read::rule(rule, index, &mut faults));
            }
            policy.index = Index::new(&policy.rules);
            policy.check_numbers(&mut faults);
        }
        if let Some(field) = fields.get("tests") {
            let listed = field.list(&mut faults);
            if listed.len() > cases::MOST_CASES {
                let message =
                    format!("has {} tests; a policy has at most {}", listed.len(), cases::MOST_CASES);
                field.fault(message, &mut faults);
            }
            policy.cases = listed.iter().filter_map(|case| cases::case(case, &mut faults)).collect();
        }
        faults.finish(policy)
    }

    /// The rules, in their order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The tests beside them.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The tests that fail.
    #[must_use]
    pub fn failures(&self) -> Vec<FailedCase> {
        self.cases.iter().filter_map(|case| case.run(self)).collect()
    }

    /// What the rules say of a request: the first one that applies, in a bounded number of steps.
    #[must_use]
    pub fn rule_on(&self, facts: &Facts<'_>) -> Ruling<'_> {
        let mut fuel = cel::Fuel::default();
        for rule in self.rules_for(facts.integration, facts.action) {
            match rule.when.as_ref().map_or(Ok(true), |when| when.holds(facts, &mut fuel)) {
                Ok(true) => return Ruling::Rule(rule),
                Ok(false) => {}
                Err(fault) => return Ruling::Failed { rule, fault },
            }
        }
        Ruling::NoRule
    }

    /// The rules that speak of an action, in their order.
    pub fn rules_for(
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
