//! What a user is told without having asked: reminders and the daily digest, and the hours in which neither comes.

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, Timelike as _, Utc};

use super::local_time::Zone;

/// An hour of the day, 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour(u8);

impl Hour {
    /// When quiet hours end unless the user says otherwise.
    const MORNING: Self = Self(8);

    /// The hour of this number.
    #[must_use]
    pub const fn new(hour: u8) -> Option<Self> {
        if hour < 24 { Some(Self(hour)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// All hours.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..24).map(Self)
    }

    const fn next(self) -> Self {
        Self((self.0 + 1) % 24)
    }

    fn time(self) -> NaiveTime {
        NaiveTime::from_hms_opt(self.0.into(), 0, 0).unwrap_or_default()
    }
}

/// Hours in which no reminder and no digest comes, by the user's wall clock. They may contain midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: Hour,
    until: Hour,
}

impl QuietHours {
    /// Quiet hours with this beginning and end; `None` if they are the same hour.
    #[must_use]
    pub fn new(from: Hour, until: Hour) -> Option<Self> {
        (from != until).then_some(Self { from, until })
    }

    /// When they begin.
    #[must_use]
    pub const fn from(self) -> Hour {
        self.from
    }

    /// When they end.
    #[must_use]
    pub const fn until(self) -> Hour {
        self.until
    }

    fn cover(self, local: NaiveDateTime) -> bool {
        let hour = Hour(u8::try_from(local.hour()).unwrap_or(0));
        if self.from < self.until {
            (self.from..self.until).contains(&hour)
        } else {
            hour >= self.from || hour < self.until
        }
    }

    /// When the quiet hours end that `now` lies in. `None` outside of quiet hours.
    #[must_use]
    pub fn end(self, zone: Zone, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = zone.local(now);
        if !self.cover(local) {
            return None;
        }
        let today = local.date();
        let day = if local.time() < self.until.time() { today } else { today + Days::new(1) };
        Some(zone.instant_after(day.and_time(self.until.time()), now))
    }
}

/// A user's choices. The default holds for users who chose nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preferences {
    /// Whether they are reminded of requests that wait.
    pub reminders: bool,
    /// Whether they get the daily digest.
    pub digest: bool,
    /// When neither comes.
    pub quiet: Option<QuietHours>,
    /// Their time zone, as Slack said last.
    pub zone: Option<Zone>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { reminders: true, digest: true, quiet: None, zone: None }
    }
}

/// A change of one choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Reminders on or off.
    Reminders(bool),
    /// The digest on or off.
    Digest(bool),
    /// When quiet hours begin. `None`: there are none.
    QuietFrom(Option<Hour>),
    /// When quiet hours end.
    QuietUntil(Hour),
}

impl Preferences {
    /// The time zone, or UTC until Slack says one.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone.unwrap_or(Zone::UTC)
    }

    /// When the quiet hours end that `now` lies in. `None` outside of quiet hours.
    #[must_use]
    pub fn quiet_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.quiet?.end(self.zone(), now)
    }

    /// The choices after a change. Quiet hours that would begin and end at the same hour are none.
    #[must_use]
    pub fn changed(self, change: Change) -> Self {
        match change {
            Change::Reminders(reminders) => Self { reminders, ..self },
            Change::Digest(digest) => Self { digest, ..self },
            Change::QuietFrom(None) => Self { quiet: None, ..self },
            Change::QuietFrom(Some(from)) => {
                let until = self.quiet.map_or(Hour::MORNING, QuietHours::until);
                let until = if until == from { from.next() } else { until };
                Self { quiet: QuietHours::new(from, until), ..self }
            }
            // Without a beginning, there is nothing to end: the screen was out of date.
            Change::QuietUntil(until) => {
                Self { quiet: self.quiet.and_then(|quiet| QuietHours::new(quiet.from, until)), ..self }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;

    fn hour(number: u8) -> Hour {
        Hour::new(number).unwrap()
    }

    proptest! {
        #[test]
        fn quiet_hours_end_when_the_wall_clock_says(
            zone in 0..TZ_VARIANTS.len(),
            from in 0..24_u8,
            length in 1..24_u8,
            now in 0..4_102_444_800_i64,
        ) {
            let zone = Zone::parse(TZ_VARIANTS[zone].name()).unwrap();
            let quiet = QuietHours::new(hour(from), hour((from + length) % 24)).unwrap();
            let now = DateTime::from_timestamp(now, 0).unwrap();
            match quiet.end(zone, now) {
                None => prop_assert!(!quiet.cover(zone.local(now))),
                Some(end) => {
                    prop_assert!(end > now && end <= now + TimeDelta::hours(49), "{now} {end}");
                    prop_assert!(!quiet.cover(zone.local(end)), "{} is quiet", zone.local(end));
                    let quarters = (0..).map(|n| now + TimeDelta::minutes(15 * n));
                    for at in quarters.take_while(|at| *at < end) {
                        prop_assert!(quiet.cover(zone.local(at)), "{} is not quiet", zone.local(at));
                    }
                }
            }
        }
    }

    #[test]
    fn quiet_hours_may_contain_midnight_and_a_turned_clock() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let quiet = QuietHours::new(hour(20), hour(8)).unwrap();
        let end = |at: &str| quiet.end(berlin, at.parse().unwrap()).map(|end| end.to_rfc3339());
        assert_eq!(end("2026-07-01T17:59:59Z"), None);
        assert_eq!(end("2026-07-01T18:00:00Z").as_deref(), Some("2026-07-02T06:00:00+00:00"));
        assert_eq!(end("2026-07-02T06:00:00Z"), None);
        // The night in which clocks are set forward is an hour shorter, the other one an hour longer.
        assert_eq!(end("2026-03-28T19:00:00Z").as_deref(), Some("2026-03-29T06:00:00+00:00"));
        assert_eq!(end("2026-10-24T18:00:00Z").as_deref(), Some("2026-10-25T07:00:00+00:00"));
    }

    #[test]
    fn changes_never_leave_quiet_hours_without_length() {
        let chosen = |changes: &[Change]| {
            let changed = |is: Preferences, change: &Change| is.changed(*change);
            let quiet = changes.iter().fold(Preferences::default(), changed).quiet;
            quiet.map(|quiet| (quiet.from().number(), quiet.until().number()))
        };
        assert_eq!(chosen(&[Change::QuietFrom(Some(hour(20)))]), Some((20, 8)));
        assert_eq!(chosen(&[Change::QuietFrom(Some(hour(8)))]), Some((8, 9)));
        assert_eq!(chosen(&[Change::QuietFrom(Some(hour(23))), Change::QuietUntil(hour(7))]), Some((23, 7)));
        assert_eq!(chosen(&[Change::QuietFrom(Some(hour(23))), Change::QuietUntil(hour(23))]), None);
        assert_eq!(chosen(&[Change::QuietFrom(Some(hour(23))), Change::QuietFrom(None)]), None);
        assert_eq!(chosen(&[Change::QuietUntil(hour(7))]), None);
    }
}
