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
mod rules;
mod simulate;
mod source;
#[cfg(test)]
mod tests;

pub use asking::ask;
pub use cases::{Case, FailedCase};
pub use cel::{Condition, ConditionFault};
pub use change::{NewPolicy, PolicyReason, change};
pub use facts::Facts;
use fault::Faults;
pub use fault::{PolicyFault, PolicyFaults};
use fields::{Field, Fields};
pub use model::{Effect, EffectKind, Limits, Rule, Scopes};
pub use pattern::ActionPattern;
pub use ruled::{Ruled, Treatment};
use rules::Rules;
pub use rules::{MOST_FOR_ONE_ACTION, Ruling};
pub use simulate::{Compared, Difference, Simulation};
pub use source::MOST_BYTES;

pub use super::rule_ref::{PolicyVersion, RuleNumber, RuleRef};
use crate::domain::text::{ActionKey, IntegrationKey};

/// The most rules of a policy.
pub const MOST_RULES: usize = 1000;

/// The JSON Schema of policies, for editors.
pub const SCHEMA: &str = include_str!("policy.schema.json");

/// A policy that was read and checked.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: Rules,
    cases: Vec<Case>,
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
            let mut rules = Vec::new();
            for (index, rule) in listed.iter().enumerate() {
                rules.extend(read::rule(rule, index, &mut faults));
            }
            policy.rules = Rules::new(rules, &mut faults);
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
        self.rules.as_slice()
    }

    /// The tests beside them.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The tests that fail.
    #[must_use]
    pub fn failures(&self) -> Vec<FailedCase> {
        self.cases.iter().filter_map(|case| case.run(&self.rules)).collect()
    }

    /// What the rules say of a request: the first one that applies, in a bounded number of steps.
    #[must_use]
    pub fn rule_on(&self, facts: &Facts<'_>) -> Ruling<'_> {
        self.rules.rule_on(facts)
    }

    /// The rules that speak of an action, in their order.
    pub fn rules_for(
        &self,
        integration: &IntegrationKey,
        action: &ActionKey,
    ) -> impl Iterator<Item = &Rule> + use<'_> {
        self.rules.rules_for(integration, action)
    }
}
