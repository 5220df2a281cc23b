//! Narrowed grants: what they hold, and which requests they cover. Every rule about that is in this file.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{
    agent::Agent,
    approvals::Request,
    arguments::Arguments,
    ids::{BackendId, GrantId},
    limits::{Bounds, Limits, Period, Uses},
    local_time::Zone,
    scopes::{Scope, StandingScope},
};

/// How many narrowed grants of one action that cover anything a user may have. An ask reads and locks all of them.
pub const MOST_NARROWED: u32 = 10;
/// The longest value that can be held fixed, and all of a grant together, in bytes of canonical JSON.
const LONGEST_VALUE: usize = 1000;
const LONGEST_VALUES: usize = 4000;
/// The most arguments that can be held fixed.
pub const MOST_FIXED: usize = 50;

/// Values that top-level arguments must have. They are compared as canonical JSON (RFC 8785), as digests are.
#[derive(Clone, PartialEq, Eq)]
pub struct FixedValues {
    members: Map<String, Value>,
    canonical: String,
}

/// Without the values, which are never logged.
impl fmt::Debug for FixedValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FixedValues").field(&self.names()).finish()
    }
}

impl FixedValues {
    /// The values that these arguments have now. `None` if there is no such argument, or none is named.
    #[must_use]
    pub fn new<'a>(arguments: &Arguments, names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let member = |name: &str| Some((name.to_owned(), arguments.members().get(name)?.clone()));
        let members: Map<String, Value> = names.into_iter().map(member).collect::<Option<_>>()?;
        Self::from_members(members)
    }

    /// Reads what [`FixedValues::as_canonical`] wrote. `None`: this is something else.
    #[must_use]
    pub fn from_stored(canonical: &str) -> Option<Self> {
        Self::from_members(serde_json::from_str(canonical).ok()?)
            .filter(|values| values.canonical == canonical)
    }

    fn from_members(members: Map<String, Value>) -> Option<Self> {
        let canonical = canonical(&members)?;
        (!members.is_empty()).then_some(Self { members, canonical })
    }

    /// The values as they are stored: one JSON object.
    #[must_use]
    pub fn as_canonical(&self) -> &str {
        &self.canonical
    }

    /// The names and their values.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }

    /// Whether all of these arguments have these values.
    #[must_use]
    pub fn are_in(&self, arguments: &Arguments) -> bool {
        Self::new(arguments, self.members.keys().map(String::as_str))
            .is_some_and(|now| now.canonical == self.canonical)
    }
}

fn canonical(value: &impl serde::Serialize) -> Option<String> {
    serde_json_canonicalizer::to_string(value).ok()
}

/// The values that a grant holds fixed, as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fixed {
    /// None.
    Nothing,
    /// These.
    Values(FixedValues),
    /// Some, but they could not be decrypted or read, or were deleted. The grant covers nothing.
    Unreadable,
}

impl Fixed {
    /// The values, if there are some and they can be read.
    #[must_use]
    pub const fn values(&self) -> Option<&FixedValues> {
        match self {
            Self::Values(values) => Some(values),
            Self::Nothing | Self::Unreadable => None,
        }
    }

    /// Whether a request with these arguments may be covered.
    #[must_use]
    pub fn admits(&self, arguments: &Arguments) -> bool {
        match self {
            Self::Nothing => true,
            Self::Values(values) => values.are_in(arguments),
            Self::Unreadable => false,
        }
    }
}

/// How many requests a grant approves, and how many of them are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsesLeft {
    /// In all.
    pub max: Uses,
    /// Still to come.
    pub left: u16,
}

/// What a grant is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing {
    /// The values that arguments must have.
    pub fixed: Fixed,
    /// The only agent. Agents are known by their backends' ids.
    pub agent: Option<(BackendId, Agent)>,
    /// The moment from which it no longer covers anything.
    pub until: Option<DateTime<Utc>>,
    /// How many requests it approves.
    pub uses: Option<UsesLeft>,
}

impl Narrowing {
    /// What decisions and the audit name. `None`: it has no limit that can be read, and no such grant is ever given or
    /// used.
    #[must_use]
    pub fn limits(&self) -> Option<Limits> {
        let fixed = self.fixed.values().map(FixedValues::names).unwrap_or_default();
        let agent = self.agent.as_ref().map(|(_, agent)| agent.clone());
        Limits::new(fixed, agent, self.until, self.uses.map(|uses| uses.max))
    }

    /// What a grant is narrowed to that is given under these bounds. `chosen`: what its user narrowed it to. `None`: it is
    /// not narrowed.
    #[must_use]
    pub fn within(chosen: Option<Self>, bounds: Bounds, now: DateTime<Utc>) -> Option<Self> {
        if bounds.are_none() {
            return chosen;
        }
        let Self { fixed, agent, until, uses } =
            chosen.unwrap_or(Self { fixed: Fixed::Nothing, agent: None, until: None, uses: None });
        let max = [bounds.uses, uses.map(|uses| uses.max)].into_iter().flatten().min();
        Some(Self {
            fixed,
            agent,
            until: [bounds.until(now), until].into_iter().flatten().min(),
            uses: max.map(|max| UsesLeft { max, left: max.number() }),
        })
    }

    /// Whether its time is not over, and it has uses left.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until) && self.uses.is_none_or(|uses| uses.left > 0)
    }

    /// Whether it covers a request of its user, for its action and in its scope.
    #[must_use]
    pub fn covers(&self, request: &Request, now: DateTime<Utc>) -> bool {
        self.is_live(now)
            && self
                .agent
                .as_ref()
                .is_none_or(|(backend, agent)| *backend == request.backend && agent.id == request.agent.id)
            && self.fixed.admits(&request.arguments)
    }
}

/// A live grant of a request's user, for its action and in its scope, as read under lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGrant {
    /// The grant's id.
    pub id: GrantId,
    /// The grant's scope.
    pub scope: StandingScope,
    /// What it is narrowed to. `None`: it covers every request in its scope.
    pub narrowing: Option<Narrowing>,
}

impl LiveGrant {
    /// A grant that is not narrowed.
    #[must_use]
    pub const fn whole(id: GrantId, scope: StandingScope) -> Self {
        Self { id, scope, narrowing: None }
    }

    /// Whether it is as narrow as these bounds ask. One that was given before there were bounds may not be.
    #[must_use]
    pub fn is_within(&self, bounds: Bounds, now: DateTime<Utc>) -> bool {
        let narrowing = self.narrowing.as_ref();
        let ends_by =
            |most| narrowing.and_then(|narrowing| narrowing.until).is_some_and(|until| until <= most);
        let uses = narrowing.and_then(|narrowing| narrowing.uses).map(|uses| uses.max);
        (bounds.duration.is_none() || bounds.until(now).is_some_and(ends_by))
            && bounds.uses.is_none_or(|most| uses.is_some_and(|uses| uses <= most))
    }

    /// How narrow it is. Of those that cover a request the widest is used, and one with a number of uses last, so that no
    /// use is spent where another grant covers the request anyway.
    fn narrowness(&self) -> impl Ord {
        let counted = self.narrowing.as_ref().is_some_and(|narrowing| narrowing.uses.is_some());
        let timed = self.narrowing.as_ref().is_some_and(|narrowing| narrowing.until.is_some());
        let fixed = self.narrowing.as_ref().and_then(|narrowing| narrowing.fixed.values());
        let fixed = fixed.map_or(0, |values| values.members().len());
        (self.narrowing.is_some(), counted, self.scope == StandingScope::Conversation, timed, fixed, self.id)
    }
}

/// The grant by which a request is approved, and its limits. `may_use`: whether a grant may be used now.
#[must_use]
pub fn covering(
    grants: &[LiveGrant],
    request: &Request,
    may_use: impl Fn(&LiveGrant) -> bool,
    now: DateTime<Utc>,
) -> Option<(GrantId, Scope, Option<Limits>)> {
    let covers = |grant: &&LiveGrant| {
        may_use(grant) && grant.narrowing.as_ref().is_none_or(|narrowing| narrowing.covers(request, now))
    };
    let grant = grants.iter().filter(covers).min_by_key(|grant| grant.narrowness())?;
    let limits = match &grant.narrowing {
        None => None,
        Some(narrowing) => Some(narrowing.limits()?),
    };
    Some((grant.id, grant.scope.scope(), limits))
}

/// What a person chose in *More options…*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    /// The conversation, or every conversation.
    pub scope: StandingScope,
    /// The names of the arguments to hold fixed, at the values of the request.
    pub fixed: Vec<String>,
    /// Whether only the request's agent.
    pub this_agent: bool,
    /// For how long.
    pub period: Period,
    /// How often. `None`: as often as agents ask.
    pub uses: Option<Uses>,
}

/// Why choices make no narrowed grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChoiceFault {
    /// Nothing is narrowed: the menu has a choice for that.
    NoLimit,
    /// The values are too long together.
    TooLong,
    /// There is no such argument, or its value can't be held fixed.
    UnknownArgument,
}

/// What a grant for this request is narrowed to.
pub fn narrow(
    request: &Request,
    choices: &Choices,
    zone: Zone,
    now: DateTime<Utc>,
) -> Result<Narrowing, ChoiceFault> {
    let offered = offered(&request.arguments);
    if !choices.fixed.iter().all(|name| offered.iter().any(|(offered, _)| offered == name)) {
        return Err(ChoiceFault::UnknownArgument);
    }
    let fixed = match choices.fixed.as_slice() {
        [] => Fixed::Nothing,
        names => {
            let values = FixedValues::new(&request.arguments, names.iter().map(String::as_str));
            Fixed::Values(values.ok_or(ChoiceFault::UnknownArgument)?)
        }
    };
    if fixed.values().is_some_and(|values| values.as_canonical().len() > LONGEST_VALUES) {
        return Err(ChoiceFault::TooLong);
    }
    let narrowing = Narrowing {
        fixed,
        agent: choices.this_agent.then(|| (request.backend, request.agent.clone())),
        until: choices.period.until(now, zone),
        uses: choices.uses.map(|max| UsesLeft { max, left: max.number() }),
    };
    if narrowing.limits().is_none() { Err(ChoiceFault::NoLimit) } else { Ok(narrowing) }
}

/// Words that name what an action acts on. An argument whose name contains one is the likeliest to be held fixed.
const TARGETS: [&str; 26] = [
    "repository",
    "repo",
    "owner",
    "organization",
    "organisation",
    "org",
    "project",
    "channel",
    "recipient",
    "to",
    "account",
    "customer",
    "database",
    "schema",
    "table",
    "bucket",
    "workspace",
    "environment",
    "env",
    "region",
    "cluster",
    "namespace",
    "branch",
    "base",
    "url",
    "host",
];

/// The arguments whose values can be held fixed, the likeliest first, at most [`MOST_FIXED`].
#[must_use]
pub fn offered(arguments: &Arguments) -> Vec<(&str, &Value)> {
    let is_short = |value: &Value| canonical(value).is_some_and(|text| text.len() <= LONGEST_VALUE);
    let mut offered: Vec<(&str, &Value)> = arguments
        .members()
        .iter()
        .filter(|(name, value)| name.len() <= LONGEST_VALUE && is_short(value))
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    // Stable: those that are equally likely stay in the order of the request.
    offered.sort_by_key(|(name, _)| likelihood(name));
    offered.truncate(MOST_FIXED);
    offered
}

/// The place of an argument's name among the words that name targets, the likeliest first.
fn likelihood(name: &str) -> usize {
    let words = words(name);
    TARGETS.iter().position(|target| words.iter().any(|word| word == target)).unwrap_or(TARGETS.len())
}

/// The words of a name such as `baseBranch`, `base_branch` or `base-branch`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests;
