//! Times and durations in conditions.

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDateTime, TimeDelta, Timelike as _, Utc};

use super::{fault::ConditionFault, syntax::ClockPart, value::to_int};
use crate::domain::local_time::Zone;

/// What clock and calendar of a time zone show: of one of the IANA database, of an offset such as `+02:00`, or of UTC.
/// As in CEL, months, days of the month by `getDayOfMonth`, and days of the week and the year begin with 0; Sunday is 0.
pub(super) fn part(at: DateTime<Utc>, zone: Option<&str>, part: ClockPart) -> Result<i64, ConditionFault> {
    let local = local(at, zone).ok_or(ConditionFault::Unreadable("a time zone"))?;
    Ok(match part {
        ClockPart::FullYear => i64::from(local.year()),
        ClockPart::Month => i64::from(local.month0()),
        ClockPart::Date => i64::from(local.day()),
        ClockPart::DayOfMonth => i64::from(local.day0()),
        ClockPart::DayOfWeek => i64::from(local.weekday().num_days_from_sunday()),
        ClockPart::DayOfYear => i64::from(local.ordinal0()),
        ClockPart::Hours => i64::from(local.hour()),
        ClockPart::Minutes => i64::from(local.minute()),
        ClockPart::Seconds => i64::from(local.second()),
    })
}

/// Whether this names a time zone.
pub(super) fn is_zone(zone: &str) -> bool {
    local(DateTime::UNIX_EPOCH, Some(zone)).is_some()
}

fn local(at: DateTime<Utc>, zone: Option<&str>) -> Option<NaiveDateTime> {
    let Some(zone) = zone else { return Some(at.naive_utc()) };
    if let Some(zone) = Zone::parse(zone) {
        return Some(zone.local(at));
    }
    let offset: FixedOffset = zone.parse().ok()?;
    Some(at.with_timezone(&offset).naive_local())
}

/// A duration as CEL writes it: `1h30m`, `90s`, `-2.5h`, `100ms`.
pub(super) fn duration(text: &str) -> Option<TimeDelta> {
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if rest.is_empty() {
        return None;
    }
    let mut nanoseconds = 0.0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit_end =
            rest[end..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |length| end + length);
        let unit = match &rest[end..unit_end] {
            "h" => 3.6e12,
            "m" => 6e10,
            "s" => 1e9,
            "ms" => 1e6,
            "us" => 1e3,
            "ns" => 1.0,
            _ => return None,
        };
        nanoseconds += number * unit;
        rest = &rest[unit_end..];
    }
    let signed = if negative { -nanoseconds } else { nanoseconds };
    to_int(signed.round()).map(TimeDelta::nanoseconds)
}
