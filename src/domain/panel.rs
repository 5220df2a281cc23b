//! Who decides approvals instead of their user, as a rule says, and what they answered. Who they are is frozen when an
//! approval is asked.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
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

/// One person's answer to an approval that several may decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// For whom it counts.
    pub person: UserId,
    /// Who clicked.
    pub clicked_by: UserId,
    /// Whether they approve.
    pub approves: bool,
    /// When they clicked.
    pub answered_at: DateTime<Utc>,
}

impl Answer {
    /// In whose place the person clicked. `None`: in their own.
    #[must_use]
    pub fn on_behalf_of(&self) -> Option<&UserId> {
        (self.person != self.clicked_by).then_some(&self.person)
    }
}

/// The answers that approved an approval together: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvers {
    /// Those after which others had to answer, the oldest first.
    pub earlier: Vec<Answer>,
    /// The one that was missing.
    pub last: Answer,
}

impl Approvers {
    /// All of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Answer> {
        self.earlier.iter().chain([&self.last])
    }

    /// What [`Approvers::from_stored`] reads.
    #[must_use]
    pub fn to_stored(&self) -> Value {
        self.iter()
            .map(|answer| {
                json!({
                    "person": answer.person,
                    "clicked_by": answer.clicked_by,
                    "answered_at": answer.answered_at.to_rfc3339_opts(SecondsFormat::Micros, true),
                })
            })
            .collect()
    }

    /// Parses what [`Approvers::to_stored`] wrote. `None`: it is something else.
    #[must_use]
    pub fn from_stored(stored: &Value) -> Option<Self> {
        let user = |stored: &Value| UserId::parse(stored.as_str()?);
        let answer = |stored: &Value| {
            let answered_at = DateTime::parse_from_rfc3339(stored["answered_at"].as_str()?).ok()?;
            Some(Answer {
                person: user(&stored["person"])?,
                clicked_by: user(&stored["clicked_by"])?,
                approves: true,
                answered_at: answered_at.to_utc(),
            })
        };
        let mut earlier: Vec<Answer> = stored.as_array()?.iter().map(answer).collect::<Option<_>>()?;
        let last = earlier.pop()?;
        Some(Self { earlier, last })
    }
}

/// How far the people are who decide an approval instead of its user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Panel {
    /// Whether those may decide, too, whom the rule names for when no one answers in time.
    pub escalated: bool,
    /// What was answered, the oldest first.
    pub answers: Vec<Answer>,
}

impl Panel {
    /// How many approvals are missing.
    #[must_use]
    pub fn missing(&self, spec: &ApproverSpec) -> usize {
        spec.required().saturating_sub(self.answers.iter().filter(|answer| answer.approves).count())
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
