//! Tests that stand beside the rules in a policy's file.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{
    RuleNumber,
    facts::Facts,
    fault::Faults,
    fields::{Field, Fields},
    model::EffectKind,
    pattern::ActionPattern,
    rules::{Rules, Ruling},
    source::Yaml,
};
use crate::domain::{
    approvals::{Agent, Conversation},
    ids::UserId,
    text::{ActionKey, ForeignId, IntegrationKey, Name},
};

/// The most tests of a policy.
pub(super) const MOST_CASES: usize = 500;

const CASE: [&str; 3] = ["name", "given", "expect"];
const GIVEN: [&str; 6] = ["action", "arguments", "agent", "user", "conversation", "now"];
const EXPECT: [&str; 3] = ["effect", "rule", "approvers"];

/// A test: a request, and what must happen to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The line on which it begins.
    pub line: u64,
    /// Its name.
    pub name: String,
    given: CaseRequest,
    expect: Expected,
}

#[derive(Debug, Clone, PartialEq)]
struct CaseRequest {
    integration: IntegrationKey,
    action: ActionKey,
    arguments: Map<String, Value>,
    agent: Agent,
    user: UserId,
    conversation: Conversation,
    now: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    outcome: CaseOutcome,
    rule: Option<u32>,
    /// The people who decide, in any order; none of them: the user does.
    approvers: Option<Vec<UserId>>,
}

/// What a policy says of a test's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CaseOutcome {
    /// A rule applies.
    Effect(EffectKind),
    /// No rule applies: whether the action is unlocked decides.
    NoRule,
    /// A condition can't be evaluated, so a person is asked.
    Error,
}

impl CaseOutcome {
    const ALL: [Self; 6] = [
        Self::Effect(EffectKind::Block),
        Self::Effect(EffectKind::Ask),
        Self::Effect(EffectKind::UserChoice),
        Self::Effect(EffectKind::Allow),
        Self::NoRule,
        Self::Error,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Effect(kind) => kind.as_str(),
            Self::NoRule => "no_rule",
            Self::Error => "error",
        }
    }
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCase {
    /// The line on which the test begins.
    pub line: u64,
    /// The test's name.
    pub name: String,
    /// What was expected, and what happened.
    pub message: String,
}

impl fmt::Display for FailedCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, {:?}: {}", self.line, self.name, self.message)
    }
}

impl Case {
    /// Runs the test. `None`: it passes.
    #[must_use]
    pub(super) fn run(&self, rules: &Rules) -> Option<FailedCase> {
        let (outcome, rule, why) = match rules.rule_on(&self.facts()) {
            Ruling::NoRule => (CaseOutcome::NoRule, None, String::new()),
            Ruling::Rule(rule) => (CaseOutcome::Effect(rule.effect.kind()), Some(rule.number), String::new()),
            Ruling::Failed { rule, fault, .. } => {
                (CaseOutcome::Error, Some(rule.number), format!(" ({fault})"))
            }
        };
        let named =
            self.expect.rule.is_none_or(|number| Some(number) == rule.map(|rule| u32::from(rule.get())));
        let approvers = self.approvers(rules);
        let asked = self.expect.approvers.as_ref().is_none_or(|expected| same_people(expected, &approvers));
        if outcome == self.expect.outcome && named && asked {
            return None;
        }
        let by = |rule: Option<u32>| rule.map(|rule| format!(" by rule {rule}")).unwrap_or_default();
        let message = format!(
            "expected {}{}{}, got {}{}{}{why}",
            self.expect.outcome.as_str(),
            by(self.expect.rule),
            self.expect.approvers.as_deref().map(asking).unwrap_or_default(),
            outcome.as_str(),
            by(rule.map(RuleNumber::get).map(u32::from)),
            self.expect.approvers.as_ref().map(|_| asking(&approvers)).unwrap_or_default(),
        );
        Some(FailedCase { line: self.line, name: self.name.clone(), message })
    }

    /// Who decides the test's request instead of its user.
    fn approvers(&self, rules: &Rules) -> Vec<UserId> {
        let approvers = match rules.rule_on(&self.facts()) {
            Ruling::Rule(rule) => rule.effect.approvers(),
            Ruling::Failed { approvers, .. } => approvers,
            Ruling::NoRule => None,
        };
        approvers.map(|spec| spec.people().to_vec()).unwrap_or_default()
    }

    const fn facts(&self) -> Facts<'_> {
        let CaseRequest { integration, action, arguments, agent, user, conversation, now } = &self.given;
        Facts { arguments, agent, user, conversation, integration, action, now: *now }
    }

    #[cfg(test)]
    pub(super) fn decided_by(&self, rules: &Rules) -> Option<RuleNumber> {
        match rules.rule_on(&self.facts()) {
            Ruling::Rule(rule) => Some(rule.number),
            Ruling::NoRule | Ruling::Failed { .. } => None,
        }
    }
}

/// Whether these are the same people, in any order. Neither list names anyone twice.
fn same_people(some: &[UserId], others: &[UserId]) -> bool {
    some.len() == others.len() && some.iter().all(|person| others.contains(person))
}

fn asking(approvers: &[UserId]) -> String {
    if approvers.is_empty() {
        return " of the user".to_owned();
    }
    let names: Vec<String> = approvers.iter().map(ToString::to_string).collect();
    format!(" of {}", names.join(", "))
}

pub(super) fn case(field: &Field<'_>, faults: &mut Faults) -> Option<Case> {
    let fields = Fields::read(field, &CASE, faults)?;
    let name = fields.need("name", "A large refund asks", faults).and_then(|field| field.text(faults));
    let given = fields
        .need("given", "{ action: stripe.create_refund }", faults)
        .and_then(|field| given(&field, faults));
    let expect = fields.need("expect", "ask", faults).and_then(|field| expected(&field, faults));
    Some(Case { line: field.line, name: name?.to_owned(), given: given?, expect: expect? })
}

fn expected(field: &Field<'_>, faults: &mut Faults) -> Option<Expected> {
    let names = CaseOutcome::ALL.map(|outcome| (outcome.as_str(), outcome));
    if matches!(field.value, Yaml::Text(_)) {
        return Some(Expected { outcome: field.one_of(&names, faults)?, rule: None, approvers: None });
    }
    let fields = Fields::read(field, &EXPECT, faults)?;
    let outcome = fields.need("effect", "ask", faults).and_then(|field| field.one_of(&names, faults));
    let rule = fields.get("rule").and_then(|field| field.number(1, 1000, faults));
    let approvers = fields.get("approvers").map(|field| super::read::people(&field, faults));
    Some(Expected { outcome: outcome?, rule, approvers })
}

fn given(field: &Field<'_>, faults: &mut Faults) -> Option<CaseRequest> {
    let fields = Fields::read(field, &GIVEN, faults)?;
    let action = fields.need("action", "stripe.create_refund", faults)?;
    let (integration, key) = match super::read::pattern(&action, faults)? {
        ActionPattern::Action(integration, key) => (integration, key),
        ActionPattern::Path(path) => match path.rsplit_once('.') {
            Some((integration, key)) => {
                (IntegrationKey::from_stored(integration.to_owned()), ActionKey::from_stored(key.to_owned()))
            }
            None => return None,
        },
        _ => {
            action.fault("must be one action, without *", faults);
            return None;
        }
    };
    let arguments = match fields.get("arguments") {
        None => Map::new(),
        Some(field) => {
            let Value::Object(members) = json(field.value) else {
                field.expected("a group of fields", faults);
                return None;
            };
            members
        }
    };
    let id = |name: &str, otherwise: &str, faults: &mut Faults| -> Option<ForeignId> {
        let Some(field) = fields.get(name) else { return ForeignId::new(otherwise).ok() };
        ForeignId::new(field.text(faults)?).map_err(|fault| field.fault(fault.to_string(), faults)).ok()
    };
    let agent = match fields.get("agent") {
        Some(field) if matches!(field.value, Yaml::Map(_)) => agent(&field, faults)?,
        _ => Agent { id: id("agent", "agent", faults)?, name: None },
    };
    let user = match fields.get("user") {
        None => UserId::from_stored("U0USER".to_owned()),
        Some(field) => {
            let parsed = UserId::parse(field.text(faults)?);
            if parsed.is_none() {
                field.fault("must be a Slack user id such as U0BOB", faults);
            }
            parsed?
        }
    };
    let now = match fields.get("now") {
        None => DateTime::from_timestamp(1_767_264_000, 0)?,
        Some(field) => {
            let parsed = DateTime::parse_from_rfc3339(field.text(faults)?);
            if parsed.is_err() {
                field.fault(
                    "must be a time such as 2026-01-01T12:00:00Z or 2026-01-01T12:00:00+01:00",
                    faults,
                );
            }
            parsed.ok()?.to_utc()
        }
    };
    let conversation =
        Conversation { id: id("conversation", "conversation", faults)?, title: None, url: None };
    Some(CaseRequest { integration, action: key, arguments, agent, user, conversation, now })
}

fn agent(field: &Field<'_>, faults: &mut Faults) -> Option<Agent> {
    let fields = Fields::read(field, &["id", "name"], faults)?;
    let id = fields.need("id", "atlas", faults)?;
    let read = ForeignId::new(id.text(faults)?).map_err(|fault| id.fault(fault.to_string(), faults)).ok()?;
    let name = match fields.get("name") {
        None => None,
        Some(field) => Some(
            Name::new(field.text(faults)?).map_err(|fault| field.fault(fault.to_string(), faults)).ok()?,
        ),
    };
    Some(Agent { id: read, name })
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => (*value).into(),
        Yaml::Int(number) => (*number).into(),
        Yaml::Double(number) => (*number).into(),
        Yaml::Text(text) => text.as_str().into(),
        Yaml::List(elements) => elements.iter().map(|node| json(&node.value)).collect(),
        Yaml::Map(members) => {
            let member = |(key, node): &(super::source::Node, super::source::Node)| match &key.value {
                Yaml::Text(name) => Some((name.clone(), json(&node.value))),
                _ => None,
            };
            Value::Object(members.iter().filter_map(member).collect())
        }
    }
}
