//! Slack's rate limits (<https://docs.slack.dev/apis/web-api/rate-limits>), computed from the log of calls. Slack does
//! not publish how it counts; these windows always accept calls that are spaced at the documented rate.

use chrono::{DateTime, TimeDelta, Utc};

use super::call_log::{Call, CallOutcome};

/// At most this many calls within this many seconds.
#[derive(Clone, Copy)]
struct Window {
    calls: usize,
    seconds: i64,
}

/// One per second in each channel, with room for one call of jitter.
const PER_CHANNEL: Window = Window { calls: 6, seconds: 5 };

fn per_workspace(method: &str) -> Option<Window> {
    let a_minute = match method {
        "auth.teams.list" | "users.list" => 20,
        "chat.postMessage" => 300,
        "apps.connections.open" | "chat.update" | "users.lookupByEmail" => 50,
        "chat.postEphemeral" | "users.info" => 100,
        _ if method.starts_with("views.") => 100,
        _ => return None,
    };
    Some(Window { calls: a_minute, seconds: 60 })
}

/// How many seconds too soon a call of the method would come now. `None` if it is within the limits. `team_id` is the
/// workspace of the token, if known. `channel` lists all names of the channel in the call.
pub(crate) fn too_soon(
    calls: &[Call],
    method: &str,
    team_id: Option<&str>,
    channel: &[&str],
    now: DateTime<Utc>,
) -> Option<u64> {
    let counted = |call: &&Call| {
        call.method == method
            && call.team_id.as_deref() == team_id
            && !matches!(call.outcome, CallOutcome::RateLimited(_))
    };
    let over = |window: Window, within: &dyn Fn(&Call) -> bool| {
        let start = now - TimeDelta::seconds(window.seconds);
        let recent = calls.iter().rev().take_while(|call| call.at > start);
        let first = recent.filter(counted).filter(|call| within(call)).nth(window.calls - 1)?;
        let wait = first.at + TimeDelta::seconds(window.seconds) - now;
        u64::try_from(wait.num_seconds() + 1).ok()
    };
    let there = |call: &Call| call.channel.as_deref().is_some_and(|named| channel.contains(&named));
    let in_channel = if method == "chat.postMessage" { over(PER_CHANNEL, &there) } else { None };
    in_channel.or_else(|| over(per_workspace(method)?, &|_| true))
}
