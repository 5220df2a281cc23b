//! The buttons that put the clock forward.

use chrono::TimeDelta;
use maud::{Markup, html};
use serde_json::json;

use super::super::acts::Fields;

/// The buttons: label, minutes, what happens.
pub(super) const LATER: [(&str, u16, &str); 2] = [
    ("20 minutes later", 20, "A message reminds you of requests that are still waiting"),
    // So that the hour of the digest passes, and the half hour over which digests are sent.
    (
        "A day later",
        25 * 60,
        "Requests expire, and a digest lists what ran without asking since the first day began",
    ),
];
/// What the person has to know afterwards: libraries refuse a webhook that is signed with a time ahead of theirs.
pub(super) const AHEAD: &str =
    "The demo's clock is ahead. Your own backend will refuse its webhooks. Restart the demo to connect it.";
/// The most minutes at once.
const MOST: u16 = 7 * 24 * 60;

pub(super) fn render() -> Markup {
    html! {
        div.tools-buttons {
            @for (words, minutes, means) in LATER {
                button.btn type="button" data-testid="later" title=(means) hx-post="/time"
                    hx-vals=(json!({ "minutes": minutes }).to_string()) hx-sync="this:drop" {
                    span.btn-words { (words) }
                }
            }
        }
    }
}

/// The time that the form asks for.
pub(super) fn read(fields: &Fields) -> Option<TimeDelta> {
    let minutes: u16 = fields.get("minutes").parse().ok()?;
    (1..=MOST).contains(&minutes).then(|| TimeDelta::minutes(minutes.into()))
}

/// The command that does the same as a button.
pub(super) fn curl(origin: &str, minutes: u16) -> String {
    format!("curl -sS -X POST '{origin}/time' -H 'hx-request: true' -d minutes={minutes}")
}
