//! Dates in the reader's own time zone.
//!
//! Tokens as in <https://docs.slack.dev/messaging/formatting-message-text#date-formatting>.

use chrono::{DateTime, Datelike, FixedOffset, Utc};

use super::Moment;

/// Writes `format` with its `{tokens}` replaced by parts of `timestamp` (Unix seconds).
///
/// `None` when the timestamp is out of range or the format holds no known token, as Slack then shows the
/// fallback text.
pub(super) fn format(moment: Moment, timestamp: i64, format: &str) -> Option<String> {
    let time = DateTime::<Utc>::from_timestamp(timestamp, 0)?.with_timezone(&moment.zone);
    let (mut out, mut rest, mut known) = (String::new(), format, false);
    while let Some((before, after)) = rest.split_once('{') {
        let (token, tail) = after.split_once('}')?;
        out.push_str(before);
        out.push_str(&part(moment, time, token)?);
        known = true;
        rest = tail;
    }
    out.push_str(rest);
    known.then_some(out)
}

fn part(moment: Moment, time: DateTime<FixedOffset>, token: &str) -> Option<String> {
    let day = format!("{}{}", time.day(), ordinal(time.day()));
    let plain = match token.trim_end_matches("_pretty") {
        "date_num" => time.format("%Y-%m-%d").to_string(),
        "date_slash" => time.format("%m/%d/%Y").to_string(),
        "date" | "day_divider" => time.format(&format!("%B {day}, %Y")).to_string(),
        "date_short" => time.format("%b %-d, %Y").to_string(),
        "date_long" => time.format(&format!("%A, %B {day}, %Y")).to_string(),
        "time" => time.format("%-I:%M %p").to_string(),
        "time_secs" => time.format("%-I:%M:%S %p").to_string(),
        "ago" => ago((moment.now - time.with_timezone(&Utc)).num_seconds()),
        _ => return None,
    };
    let pretty = if token.ends_with("_pretty") { near(moment, time) } else { None };
    Some(pretty.map_or(plain, str::to_owned))
}

/// "today", "yesterday" or "tomorrow", where it is one.
pub(super) fn near(moment: Moment, time: DateTime<FixedOffset>) -> Option<&'static str> {
    let today = moment.now.with_timezone(&moment.zone).date_naive();
    match (time.date_naive() - today).num_days() {
        0 => Some("today"),
        -1 => Some("yesterday"),
        1 => Some("tomorrow"),
        _ => None,
    }
}

fn ago(seconds: i64) -> String {
    let (amount, unit) = match seconds.unsigned_abs() {
        s @ 0..60 => (s, "second"),
        s @ 60..3600 => (s / 60, "minute"),
        s @ 3600..86400 => (s / 3600, "hour"),
        s => (s / 86400, "day"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    if seconds < 0 { format!("in {amount} {unit}{plural}") } else { format!("{amount} {unit}{plural} ago") }
}

fn ordinal(day: u32) -> &'static str {
    match (day % 10, day % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}
