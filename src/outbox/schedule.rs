//! When to try again. Pure.

use chrono::TimeDelta;

use super::Outcome;
use crate::storage::tables::outbox::Kind;

/// Pauses between attempts of a webhook, in seconds: 5 s, 1 min, 5 min, 30 min, 2 h, 5 h, 10 h.
const WEBHOOK: [i64; 7] = [5, 60, 300, 1800, 7200, 18_000, 36_000];
/// Pauses between attempts to show something in Slack, in seconds. Users wait for it, so they stay short.
const SLACK: [i64; 60] = {
    let mut pauses = [60; 60];
    (pauses[0], pauses[1], pauses[2], pauses[3], pauses[4]) = (1, 2, 5, 15, 30);
    pauses
};
/// Random variation of pauses, in both directions, so that attempts that failed together don't repeat together.
const JITTER: f64 = 0.2;
/// Longest `Retry-After` that is followed.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// What happens to a row after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is finished.
    Done,
    /// It is tried again after a pause.
    After {
        /// The pause.
        pause: TimeDelta,
        /// Whether the attempt counts.
        counts: bool,
    },
    /// It stays, until an operator or the backend asks for a redelivery.
    Dead,
}

/// Decides what follows from an outcome, after `tries` earlier attempts. `fraction` is random, from 0 to 1.
#[must_use]
pub fn next(kind: Kind, tries: i32, outcome: &Outcome, fraction: f64) -> Next {
    match outcome {
        Outcome::Done { .. } => Next::Done,
        Outcome::Hopeless { .. } | Outcome::Refused { .. } => Next::Dead,
        Outcome::Wait(pause) => Next::After { pause: (*pause).min(LONGEST), counts: false },
        Outcome::Failed { after, .. } => again(kind, tries, *after, fraction),
        Outcome::NotTaken { .. } => again(kind, tries, None, fraction),
    }
}

fn again(kind: Kind, tries: i32, after: Option<TimeDelta>, fraction: f64) -> Next {
    let seconds = usize::try_from(tries).ok().and_then(|tries| match kind {
        Kind::Webhook | Kind::Callback => WEBHOOK.get(tries).copied(),
        Kind::Prompt | Kind::SharedPrompt => prompt(tries),
        Kind::Home
        | Kind::UnlockRequest
        | Kind::UnlockAnswer
        | Kind::Revocation
        | Kind::Delegation
        | Kind::Misuse
        | Kind::Reminder
        | Kind::Digest => SLACK.get(tries).copied(),
    });
    let Some(seconds) = seconds else { return Next::Dead };
    let pause = jittered(seconds, fraction);
    Next::After { pause: after.map_or(pause, |after| pause.max(after.min(LONGEST))), counts: true }
}

/// The pause after so many attempts to show an approval. The first hour is as for everything in Slack; then it is five
/// minutes for a day, and half an hour until every approval has ended. A workspace that moves into an organisation is
/// unreachable for hours, and a request that may wait for days must not be given up after one.
fn prompt(tries: usize) -> Option<i64> {
    const FIRST_DAY: usize = SLACK.len() + 24 * 12;
    const ALL: usize = FIRST_DAY + 7 * 24 * 2;
    match tries {
        tries if tries < SLACK.len() => SLACK.get(tries).copied(),
        tries if tries < FIRST_DAY => Some(300),
        tries if tries < ALL => Some(1800),
        _ => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "seconds of at most half a day"
)]
fn jittered(seconds: i64, fraction: f64) -> TimeDelta {
    let factor = JITTER.mul_add(2.0 * fraction - 1.0, 1.0);
    TimeDelta::milliseconds((seconds as f64 * 1000.0 * factor) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(after: Option<i64>) -> Outcome {
        Outcome::Failed { why: String::new(), status: None, after: after.map(TimeDelta::seconds) }
    }

    fn pause(tries: i32, outcome: &Outcome, fraction: f64) -> Option<i64> {
        match next(Kind::Webhook, tries, outcome, fraction) {
            Next::After { pause, counts: true } => Some(pause.num_milliseconds()),
            _ => None,
        }
    }

    #[test]
    fn a_webhook_is_tried_eight_times_over_the_published_pauses() {
        let pauses: Vec<_> = (0..8).map(|tries| pause(tries, &failed(None), 0.5)).collect();
        let published = [5, 60, 300, 1800, 7200, 18_000, 36_000].map(|seconds| Some(seconds * 1000));
        assert_eq!(pauses[..7], published);
        assert_eq!(next(Kind::Webhook, 7, &failed(None), 0.5), Next::Dead);
    }

    #[test]
    fn pauses_vary_by_a_fifth_either_way() {
        assert_eq!(pause(1, &failed(None), 0.0), Some(48_000));
        assert_eq!(pause(1, &failed(None), 1.0), Some(72_000));
    }

    #[test]
    fn retry_after_lengthens_a_pause_and_never_shortens_it() {
        assert_eq!(pause(0, &failed(Some(90)), 0.5), Some(90_000));
        assert_eq!(pause(1, &failed(Some(1)), 0.5), Some(60_000));
        assert_eq!(pause(0, &failed(Some(1_000_000)), 0.5), Some(86_400_000));
    }

    #[test]
    fn a_prompt_is_tried_for_as_long_as_an_approval_can_be_pending() {
        let outcome = Outcome::NotTaken { code: "org_login_required", why: String::new() };
        let pause = |tries| match next(Kind::Prompt, tries, &outcome, 0.5) {
            Next::After { pause, counts: true } => Some(pause),
            _ => None,
        };
        let total: TimeDelta = (0..).map_while(pause).sum();
        assert!(total > TimeDelta::days(8) && total < TimeDelta::days(9), "{total}");
        let home = |tries| next(Kind::Home, i32::try_from(tries).unwrap(), &outcome, 0.5);
        assert_ne!(home(SLACK.len() - 1), Next::Dead);
        assert_eq!(home(SLACK.len()), Next::Dead);
    }

    #[test]
    fn waiting_does_not_count_as_a_try() {
        let next = next(Kind::Webhook, 99, &Outcome::Wait(TimeDelta::seconds(3)), 0.5);
        assert_eq!(next, Next::After { pause: TimeDelta::seconds(3), counts: false });
    }
}
