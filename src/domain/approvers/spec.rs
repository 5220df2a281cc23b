//! Who decides approvals instead of their user, as a rule says. It is frozen when an approval is asked.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::domain::ids::UserId;

/// The most people that a rule names, and the most that it escalates to.
pub const MOST_PEOPLE: usize = 20;
/// The shortest and the longest time before others may decide, too. An approval lasts at most seven days.
const SHORTEST: TimeDelta = TimeDelta::seconds(10);
const LONGEST: TimeDelta = TimeDelta::days(7);

/// Why a rule's approvers were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecFault {
    /// No one is named.
    #[error("must name at least one user")]
    NoPeople,
    /// Too many are named.
    #[error("must name at most {MOST_PEOPLE} users")]
    TooMany,
    /// A user is named twice.
    #[error("must not name {0} twice")]
    Twice(UserId),
    /// More approvals are required than people are named, or none.
    #[error("`required` must be at least 1, and at most the number of users, {people}")]
    Required {
        /// How many are named.
        people: usize,
    },
    /// The time before an escalation is too short or too long.
    #[error("`escalate_after` must be from 10 seconds to 7 days")]
    After,
}

/// Others who may decide, too, once a time has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// How long after the request.
    pub after: TimeDelta,
    /// Who.
    pub to: Vec<UserId>,
}

/// The people who decide an approval instead of its user. At least one of them may, and no more approvals are required
/// than there are people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproverSpec {
    people: Vec<UserId>,
    required: usize,
    not_the_user: bool,
    escalation: Option<Escalation>,
}

impl ApproverSpec {
    /// Checks what a rule says. `required`: how many of the people must approve. `not_the_user`: the user for whom an agent
    /// asks never counts, neither for themself nor for another.
    pub fn new(
        people: Vec<UserId>,
        required: usize,
        not_the_user: bool,
        escalation: Option<Escalation>,
    ) -> Result<Self, SpecFault> {
        named(&people)?;
        if !(1..=people.len()).contains(&required) {
            return Err(SpecFault::Required { people: people.len() });
        }
        if let Some(Escalation { after, to }) = &escalation {
            named(to)?;
            if !(SHORTEST..=LONGEST).contains(after) {
                return Err(SpecFault::After);
            }
        }
        Ok(Self { people, required, not_the_user, escalation })
    }

    /// The people who may decide.
    #[must_use]
    pub fn people(&self) -> &[UserId] {
        &self.people
    }

    /// How many of them must approve.
    #[must_use]
    pub const fn required(&self) -> usize {
        self.required
    }

    /// Whether the user for whom the agent asks never counts.
    #[must_use]
    pub const fn not_the_user(&self) -> bool {
        self.not_the_user
    }

    /// More people who may decide once a time has passed.
    #[must_use]
    pub const fn escalation(&self) -> Option<&Escalation> {
        self.escalation.as_ref()
    }

    /// What [`ApproverSpec::from_stored`] reads.
    #[must_use]
    pub fn to_stored(&self) -> Value {
        json!({
            "people": self.people,
            "required": self.required,
            "not_the_user": self.not_the_user,
            "escalate_after": self.escalation.as_ref().map(|escalation| escalation.after.num_seconds()),
            "escalate_to": self.escalation.as_ref().map(|escalation| &escalation.to),
        })
    }

    /// Parses what [`ApproverSpec::to_stored`] wrote. `None`: it is something else.
    #[must_use]
    pub fn from_stored(stored: &Value) -> Option<Self> {
        let users = |value: &Value| -> Option<Vec<UserId>> {
            value.as_array()?.iter().map(|user| UserId::parse(user.as_str()?)).collect()
        };
        let escalation = match (&stored["escalate_after"], &stored["escalate_to"]) {
            (Value::Null, Value::Null) => None,
            (after, to) => {
                Some(Escalation { after: TimeDelta::try_seconds(after.as_i64()?)?, to: users(to)? })
            }
        };
        let required = usize::try_from(stored["required"].as_u64()?).ok()?;
        Self::new(users(&stored["people"])?, required, stored["not_the_user"].as_bool()?, escalation).ok()
    }
}

fn named(people: &[UserId]) -> Result<(), SpecFault> {
    if people.is_empty() {
        return Err(SpecFault::NoPeople);
    }
    if people.len() > MOST_PEOPLE {
        return Err(SpecFault::TooMany);
    }
    let twice = people.iter().enumerate().find(|(at, person)| people[..*at].contains(person));
    twice.map_or(Ok(()), |(_, person)| Err(SpecFault::Twice(person.clone())))
}
