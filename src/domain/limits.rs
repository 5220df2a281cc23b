//! What a grant is limited to in addition to its scope: values of arguments, an agent, a time, a number of uses.

use std::num::NonZeroU16;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

use super::{agent::Agent, local_time::Zone, text::Text};

/// How many requests a grant with a limited number of uses approves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uses(NonZeroU16);

impl Uses {
    /// The most.
    pub const MOST: u16 = 1000;

    /// From 1 to [`Uses::MOST`].
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        NonZeroU16::new(number).filter(|number| number.get() <= Self::MOST).map(Self)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0.get()
    }
}

/// For how long a grant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// For an hour.
    Hour,
    /// Until midnight where the user is.
    Today,
    /// For a week.
    Week,
    /// Until it is turned off.
    NoEnd,
}

impl Period {
    /// Every period, the shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Today, Self::Week, Self::NoEnd];

    /// The name in a modal's values.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Today => "today",
            Self::Week => "week",
            Self::NoEnd => "no_end",
        }
    }

    /// Parses what [`Period::as_str`] returns.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == name)
    }

    /// The moment from which a grant that is given now no longer covers anything. `None`: there is no such moment.
    #[must_use]
    pub fn until(self, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
        match self {
            Self::Hour => Some(now + TimeDelta::hours(1)),
            Self::Today => {
                let tomorrow = zone.local(now).date().checked_add_days(Days::new(1))?;
                Some(zone.instant_after(tomorrow.and_time(NaiveTime::MIN), now))
            }
            Self::Week => Some(now + TimeDelta::weeks(1)),
            Self::NoEnd => None,
        }
    }
}

/// The most that a grant may be limited to under a rule. By default there is no such rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The longest time that it holds.
    pub duration: Option<TimeDelta>,
    /// The most requests that it approves.
    pub uses: Option<Uses>,
}

impl Bounds {
    /// Whether there are none.
    #[must_use]
    pub const fn are_none(self) -> bool {
        self.duration.is_none() && self.uses.is_none()
    }

    /// The moment at which a grant that is given now has to end.
    #[must_use]
    pub fn until(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.duration.and_then(|duration| now.checked_add_signed(duration))
    }
}

/// What a grant is limited to in addition to its scope, as decisions and the audit name it: without the values of arguments,
/// which a request that it approves has itself. There is at least one limit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Limits {
    fixed: Vec<String>,
    agent: Option<Agent>,
    until: Option<DateTime<Utc>>,
    uses: Option<Uses>,
}

impl Limits {
    /// `None`: without a limit.
    #[must_use]
    pub fn new(
        mut fixed: Vec<String>,
        agent: Option<Agent>,
        until: Option<DateTime<Utc>>,
        uses: Option<Uses>,
    ) -> Option<Self> {
        let is_limited = !fixed.is_empty() || agent.is_some() || until.is_some() || uses.is_some();
        fixed.sort_unstable();
        is_limited.then_some(Self { fixed, agent, until, uses })
    }

    /// The names of the top-level arguments whose values are fixed.
    #[must_use]
    pub fn fixed(&self) -> &[String] {
        &self.fixed
    }

    /// The only agent.
    #[must_use]
    pub const fn agent(&self) -> Option<&Agent> {
        self.agent.as_ref()
    }

    /// The moment from which it no longer covers anything.
    #[must_use]
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        self.until
    }

    /// How many requests it approves.
    #[must_use]
    pub const fn uses(&self) -> Option<Uses> {
        self.uses
    }

    /// Whether a person who chose both chose the same: a time is counted from the click.
    #[must_use]
    pub fn is_same_choice(&self, other: &Self) -> bool {
        let timeless =
            |limits: &Self| Self { until: limits.until.map(|_| DateTime::UNIX_EPOCH), ..limits.clone() };
        timeless(self) == timeless(other)
    }
}

/// [`Limits`] as the database, the audit and the API write them.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    fixed_arguments: Vec<String>,
    agent_id: Option<String>,
    agent_name: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    max_uses: Option<u16>,
}

impl From<Limits> for Written {
    fn from(limits: Limits) -> Self {
        let Limits { fixed, agent, until, uses } = limits;
        let (id, name) = agent.map(|agent| (agent.id, agent.name)).unzip();
        Self {
            fixed_arguments: fixed,
            agent_id: id.map(|id| id.as_str().to_owned()),
            agent_name: name.flatten().map(|name| name.as_str().to_owned()),
            expires_at: until,
            max_uses: uses.map(Uses::number),
        }
    }
}

impl TryFrom<Written> for Limits {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, &'static str> {
        let Written { fixed_arguments, agent_id, agent_name, expires_at, max_uses } = written;
        let uses = max_uses.map(|uses| Uses::new(uses).ok_or("max_uses is out of range")).transpose()?;
        let agent = match (agent_id, agent_name) {
            (Some(id), name) => Some(Agent { id: Text::from_stored(id), name: name.map(Text::from_stored) }),
            (None, None) => None,
            (None, Some(_)) => return Err("agent_name has no agent_id"),
        };
        Self::new(fixed_arguments, agent, expires_at, uses).ok_or("no limit is named")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().unwrap()
    }

    #[test]
    fn today_ends_at_midnight_where_the_user_is() {
        let until = |zone: &str, now: &str| {
            let until = Period::Today.until(at(now), Zone::parse(zone).unwrap()).unwrap();
            until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        };
        assert_eq!(until("Europe/Berlin", "2026-09-21T08:00:00Z"), "2026-09-21T22:00:00Z");
        assert_eq!(until("America/New_York", "2026-09-21T02:00:00Z"), "2026-09-21T04:00:00Z");
        assert_eq!(until("Pacific/Kiritimati", "2026-09-21T12:00:00Z"), "2026-09-22T10:00:00Z");
        // A clock that skips midnight, and one that shows it twice: after the second there is no Friday left.
        assert_eq!(until("America/Santiago", "2026-09-05T20:00:00Z"), "2026-09-06T04:00:00Z");
        assert_eq!(until("America/Havana", "2026-11-01T04:30:00Z"), "2026-11-02T05:00:00Z");
        assert_eq!(Period::NoEnd.until(at("2026-09-21T08:00:00Z"), Zone::UTC), None);
    }

    #[test]
    fn limits_read_back_as_they_were_written() {
        let agent = |name: Option<&str>| Agent {
            id: Text::from_stored("atlas".to_owned()),
            name: name.map(|name| Text::from_stored(name.to_owned())),
        };
        for limits in [
            Limits::new(vec!["to".into(), "a\"b".into()], None, None, None),
            Limits::new(Vec::new(), Some(agent(None)), None, Uses::new(1000)),
            Limits::new(Vec::new(), Some(agent(Some("Atlas"))), Some(at("2026-09-21T08:00:00Z")), None),
        ] {
            let limits = limits.unwrap();
            let json = serde_json::to_string(&limits).unwrap();
            assert_eq!(serde_json::from_str::<Limits>(&json).unwrap(), limits, "{json}");
        }
    }

    #[test]
    fn unknown_limits_are_an_error() {
        for json in [
            r#"{"fixed_arguments":[]}"#,
            r#"{"fixed_arguments":[],"max_uses":0}"#,
            r#"{"fixed_arguments":[],"max_uses":1001}"#,
            r#"{"fixed_arguments":[],"agent_name":"Atlas","max_uses":3}"#,
            r#"{"fixed_arguments":["to"],"weekdays":["monday"]}"#,
            r#"{"max_uses":3}"#,
        ] {
            assert!(serde_json::from_str::<Limits>(json).is_err(), "{json}");
        }
        assert_eq!(Limits::new(Vec::new(), None, None, None), None);
    }
}
