//! What other rules would have said of past requests.

use std::{collections::BTreeMap, fmt};

use super::{Facts, Policy, PolicyVersion, Ruled, Treatment, model::EffectKind};
use crate::domain::{action_ref::ActionRef, approvals::Request};

/// The most differences that are shown one by one.
const SHOWN: usize = 10;

/// What would have happened to past requests. Each is judged as at the time when it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simulation {
    /// How many requests were judged.
    pub judged: usize,
    /// How many could not be, because their arguments were deleted after the retention time.
    pub deleted: usize,
    /// How many would have been treated differently, by what changes for them.
    pub different: BTreeMap<Difference, usize>,
    /// Some of these.
    pub examples: Vec<Example>,
}

/// What changes for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// What the rules in force say. `None`: no rule matches.
    pub before: Option<EffectKind>,
    /// What the other rules say.
    pub after: Option<EffectKind>,
}

/// A request that would have been treated differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The approval's id.
    pub approval: String,
    /// The action.
    pub action: String,
    /// What changes.
    pub difference: Difference,
    /// The rule that says so, counted from 1.
    pub rule: Option<u16>,
}

/// The policies that are compared.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'p> {
    /// The rules in force. `None`: there are none.
    pub before: Option<&'p Policy>,
    /// The other rules.
    pub after: &'p Policy,
}

impl Simulation {
    /// Judges a past request by both policies.
    pub fn add(&mut self, request: &Request, compared: Compared<'_>) {
        if request.contents_deleted_at.is_some() {
            self.deleted += 1;
            return;
        }
        self.judged += 1;
        let facts = Facts::new(request, request.created_at);
        let judge = |policy: &Policy| policy.judge(PolicyVersion::after(None), &facts);
        let before = compared.before.map(judge);
        let after = judge(compared.after);
        let before = before.map_or((Treatment::Default, None), |ruled| {
            (ruled.treatment.clone(), ruled.who_decides().cloned())
        });
        if before.0 == after.treatment && before.1.as_ref() == after.who_decides() {
            return;
        }
        let difference = Difference { before: before.0.kind(), after: after.treatment.kind() };
        *self.different.entry(difference).or_default() += 1;
        if self.examples.len() < SHOWN {
            self.examples.push(example(request, difference, &after));
        }
    }

    /// How many requests would have been treated differently.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.different.values().sum()
    }
}

fn example(request: &Request, difference: Difference, after: &Ruled) -> Example {
    Example {
        approval: request.id.to_string(),
        action: ActionRef::path(&request.action),
        difference,
        rule: after.by.rule.map(super::RuleNumber::get),
    }
}

const fn name(kind: Option<EffectKind>) -> &'static str {
    match kind {
        Some(kind) => kind.as_str(),
        None => "no rule",
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.before == self.after {
            return write!(f, "{}, with other limits, approvers or another reason", name(self.after));
        }
        write!(f, "{} instead of {}", name(self.after), name(self.before))
    }
}

impl fmt::Display for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.changes();
        write!(f, "{changes} of {} past requests would have been treated differently", self.judged)?;
        if self.deleted > 0 {
            write!(f, " ({} more can't be judged: their arguments were deleted)", self.deleted)?;
        }
        for (difference, number) in &self.different {
            write!(f, "\n  {number:>5}  {difference}")?;
        }
        for Example { approval, action, difference, rule } in &self.examples {
            let rule = rule.map(|rule| format!(" (rule {rule})")).unwrap_or_default();
            write!(f, "\n  {approval}  {action}: {difference}{rule}")?;
        }
        if changes > self.examples.len() && !self.examples.is_empty() {
            write!(f, "\n  … and {} more", changes - self.examples.len())?;
        }
        Ok(())
    }
}
