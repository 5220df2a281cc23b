//! Local time: a person's time zone, and the instants that their wall clock shows.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// A wall clock skips whole quarters of an hour.
const STEP: TimeDelta = TimeDelta::minutes(15);
/// A wall clock skips a day at most: Samoa did, on 30 December 2011.
const STEPS: usize = 4 * 26;

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// For people whose time zone Slack does not say.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone of this name, such as `Europe/Berlin`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// The zone's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the wall clock shows at an instant.
    #[must_use]
    pub fn local(self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// The first instant at which the wall clock shows this time. If the clock skips it, the instant after the gap.
    #[must_use]
    pub fn instant(self, local: NaiveDateTime) -> DateTime<Utc> {
        self.instant_after(local, DateTime::<Utc>::MIN_UTC)
    }

    /// The same, but after an instant: a time that the clock shows twice may have passed only once.
    pub(super) fn instant_after(self, local: NaiveDateTime, after: DateTime<Utc>) -> DateTime<Utc> {
        let mut shown = local;
        for _ in 0..STEPS {
            match self.0.from_local_datetime(&shown) {
                LocalResult::Single(at) => return at.to_utc(),
                LocalResult::Ambiguous(first, _) if first > after => return first.to_utc(),
                LocalResult::Ambiguous(_, second) => return second.to_utc(),
                LocalResult::None => shown += STEP,
            }
        }
        local.and_utc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(zone: &str, local: &str) -> String {
        Zone::parse(zone).unwrap().instant(local.parse().unwrap()).to_rfc3339()
    }

    #[test]
    fn a_wall_clock_that_is_turned_has_each_time() {
        assert_eq!(instant("Europe/Berlin", "2026-07-01T17:00:00"), "2026-07-01T15:00:00+00:00");
        // Skipped on 29 March, shown twice on 25 October.
        assert_eq!(instant("Europe/Berlin", "2026-03-29T02:30:00"), "2026-03-29T01:00:00+00:00");
        assert_eq!(instant("Europe/Berlin", "2026-10-25T02:30:00"), "2026-10-25T00:30:00+00:00");
        assert_eq!(instant("Australia/Lord_Howe", "2026-10-04T02:15:00"), "2026-10-03T15:30:00+00:00");
        assert_eq!(instant("Pacific/Apia", "2011-12-30T17:00:00"), "2011-12-30T10:00:00+00:00");
    }

    #[test]
    fn only_names_of_zones_are_zones() {
        for name in ["", "Europe", "Europe/Atlantis", "europe/berlin", "UTC+1", "../etc/passwd"] {
            assert_eq!(Zone::parse(name), None, "{name}");
        }
        assert_eq!(Zone::parse("America/New_York").map(Zone::name), Some("America/New_York"));
    }
}
