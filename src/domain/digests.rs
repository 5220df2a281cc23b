//! When a user gets a digest, and of which time.
//!
//! A digest belongs to a day of the user's calendar. It counts what ran until 17:00 of that day, from where the previous
//! one ended.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::{ids::UserId, notifications::Preferences};

/// The hour of the day, by the user's wall clock.
pub const HOUR: u32 = 17;
/// How long after that the calls are counted, so that those in open transactions are among them.
const SETTLING: TimeDelta = TimeDelta::minutes(1);
/// The longest time that a digest counts: a day, and what a user gains by travelling west. After an outage, what ran
/// earlier is only in the history.
const LONGEST: TimeDelta = TimeDelta::hours(50);
/// The digests of a time zone are sent over this long, so that they don't use up Slack's rate limit all at once.
const SPREAD: TimeDelta = TimeDelta::minutes(30);
/// How far back a call makes an action or a target familiar.
pub const FAMILIAR: TimeDelta = TimeDelta::days(30);

/// The time that a digest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The day of the user's calendar that the digest belongs to.
    pub day: NaiveDate,
    /// The beginning.
    pub from: DateTime<Utc>,
    /// The end, which is not in it.
    pub until: DateTime<Utc>,
}

/// What is due for a user, and when to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The window that is over now. `None`: none has ended since the last one.
    pub window: Option<Window>,
    /// Whether the window is to be shown. A user's first is not: it began before they allowed anything.
    pub is_shown: bool,
    /// When the next one is due.
    pub next: DateTime<Utc>,
}

/// Plans a user's digest after their `last` window.
#[must_use]
pub fn plan(preferences: &Preferences, last: Option<Window>, now: DateTime<Utc>) -> Plan {
    let zone = preferences.zone();
    let time = NaiveTime::from_hms_opt(HOUR, 0, 0).unwrap_or_default();
    let end = |day: NaiveDate| zone.instant(day.and_time(time));
    let due = |day: NaiveDate| end(day) + SETTLING;
    let today = zone.local(now).date();
    let day = if now >= due(today) { today } else { today - Days::new(1) };
    let next = due(day + Days::new(1));
    let Some(last) = last else {
        let window = Window { day, from: end(day - Days::new(1)), until: end(day) };
        return Plan { window: Some(window), is_shown: false, next };
    };
    if last.day >= day {
        // A user who travelled west may have had today's already.
        return Plan { window: None, is_shown: false, next: next.max(due(last.day + Days::new(1))) };
    }
    if let Some(quiet_until) = preferences.quiet_until(now) {
        return Plan { window: None, is_shown: false, next: quiet_until };
    }
    let until = end(day).max(last.until);
    let from = if until - last.until <= LONGEST { last.until } else { end(day - Days::new(1)) };
    Plan { window: Some(Window { day, from, until }), is_shown: preferences.digest && from < until, next }
}

/// How long after it was planned a user's digest is sent: the same for each of theirs, and different between users.
#[must_use]
pub fn delay(user: &UserId) -> TimeDelta {
    // FNV-1a, which is the same on every machine.
    let hash = user.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let spread = SPREAD.num_seconds().unsigned_abs();
    TimeDelta::seconds(i64::try_from((hash >> 16) % spread).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        local_time::Zone,
        notifications::{Hour, QuietHours},
    };

    fn preferences(zone: &str) -> Preferences {
        Preferences { zone: Zone::parse(zone), ..Preferences::default() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The windows that are shown while a clock runs from one time to another, looking when told to.
    fn shown(preferences: impl Fn(DateTime<Utc>) -> Preferences, from: &str, until: &str) -> Vec<Window> {
        let (mut now, mut last, mut shown) = (at(from), None, Vec::new());
        while now < at(until) {
            let plan = plan(&preferences(now), last, now);
            assert!(plan.next > now, "{now}");
            shown.extend(plan.window.filter(|_| plan.is_shown));
            last = plan.window.or(last);
            now = plan.next;
        }
        shown
    }

    #[test]
    fn a_day_lasts_as_long_as_the_wall_clock_says() {
        let spring = shown(|_| preferences("Europe/Berlin"), "2026-03-26T12:00:00Z", "2026-03-31T00:00:00Z");
        let hours: Vec<_> = spring.iter().map(|window| (window.until - window.from).num_hours()).collect();
        assert_eq!(hours, [24, 24, 24, 23, 24]);
        assert_eq!(spring[3].until, at("2026-03-29T15:00:00Z"));
        let autumn = shown(|_| preferences("Europe/Berlin"), "2026-10-24T00:00:00Z", "2026-10-26T23:00:00Z");
        let hours: Vec<_> = autumn.iter().map(|window| (window.until - window.from).num_hours()).collect();
        assert_eq!(hours, [24, 25, 24]);
    }

    #[test]
    fn quiet_hours_hold_a_digest_back_and_change_nothing_in_it() {
        let quiet = QuietHours::new(Hour::new(16).unwrap(), Hour::new(9).unwrap());
        let held = Preferences { quiet, ..preferences("Europe/Berlin") };
        let first = plan(&held, None, at("2026-07-01T12:00:00Z"));
        assert!(!first.is_shown);
        let evening = plan(&held, first.window, at("2026-07-01T15:01:00Z"));
        assert_eq!((evening.window, evening.next), (None, at("2026-07-02T07:00:00Z")));
        let morning = plan(&held, first.window, evening.next);
        let window = morning.window.unwrap();
        assert!(morning.is_shown);
        assert_eq!((window.from, window.until), (at("2026-06-30T15:00:00Z"), at("2026-07-01T15:00:00Z")));
        assert_eq!(morning.next, at("2026-07-02T15:01:00Z"));
    }

    #[test]
    fn a_traveller_gets_one_a_day_and_misses_nothing() {
        let zones =
            ["America/Los_Angeles", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Tokyo"];
        let travels = |now: DateTime<Utc>| {
            let days = (now - at("2026-07-01T00:00:00Z")).num_days();
            preferences(zones[usize::try_from(days).unwrap() / 2 % zones.len()])
        };
        let shown = shown(travels, "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z");
        assert!(shown.len() > 25, "{}", shown.len());
        for pair in shown.windows(2) {
            assert!(pair[0].day < pair[1].day, "{pair:?}");
            assert_eq!(pair[0].until, pair[1].from);
        }
    }

    #[test]
    fn after_an_outage_only_the_last_day_is_told() {
        let berlin = preferences("Europe/Berlin");
        let last = plan(&berlin, None, at("2026-07-01T16:00:00Z")).window;
        let late = plan(&berlin, last, at("2026-07-05T20:00:00Z"));
        let window = late.window.unwrap();
        assert_eq!((window.from, window.until), (at("2026-07-04T15:00:00Z"), at("2026-07-05T15:00:00Z")));
    }

    proptest! {
        #[test]
        fn in_every_zone_there_is_one_a_day(
            zone in 0..TZ_VARIANTS.len(),
            start in 0..4_000_000_000_i64,
            looks in proptest::collection::vec(1..100_000_i64, 1..30),
        ) {
            let preferences = preferences(TZ_VARIANTS[zone].name());
            let mut now = DateTime::from_timestamp(start, 0).unwrap();
            let mut last = plan(&preferences, None, now).window;
            for pause in looks {
                now += TimeDelta::seconds(pause);
                let plan = plan(&preferences, last, now);
                prop_assert!(plan.next > now && plan.next <= now + TimeDelta::hours(50), "{now} {}", plan.next);
                if let Some(window) = plan.window {
                    let last = last.unwrap();
                    prop_assert!(window.day > last.day && window.until <= now);
                    prop_assert!(window.from >= last.until && window.from < window.until);
                    prop_assert!(window.until - window.from <= LONGEST);
                }
                last = plan.window.or(last);
            }
        }

        #[test]
        fn digests_are_spread_over_half_an_hour(number in 0..1_000_000_u32) {
            let delay = delay(&UserId::parse(&format!("U{number:09}")).unwrap());
            prop_assert!(delay >= TimeDelta::zero() && delay < SPREAD);
        }
    }

    #[test]
    fn ten_thousand_users_are_spread_evenly() {
        let mut minutes = [0; 30];
        for number in 0..10_000 {
            let delay = delay(&UserId::parse(&format!("U0{number:05}")).unwrap());
            minutes[usize::try_from(delay.num_minutes()).unwrap()] += 1;
        }
        assert!(minutes.iter().all(|count| (233..433).contains(count)), "{minutes:?}");
    }
}
