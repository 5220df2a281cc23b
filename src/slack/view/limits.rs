//! What a grant is limited to, as people read it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use slack_morphism::prelude::SlackRichTextInlineElement;

use crate::{
    domain::{
        approvals::Agent,
        arguments::Arguments,
        limits::{Bounds, Limits},
        narrowing::{Fixed, Narrowing, UsesLeft},
    },
    slack::view::{
        blocks::{self, words},
        fields,
        sanitize::{self, cut_short, in_quotes, one_line, runs_right_to_left, safe_text::SafeText},
    },
};

/// Longest name and value in a sentence.
const NAME: usize = 40;
const VALUE: usize = 80;
/// The most arguments that a sentence names.
const NAMED: usize = 5;

/// What a list says where a grant's fixed values can't be read.
const UNREADABLE: &str = "its fixed values can’t be read, so every request asks you";

/// *repository “acme/checkout”*.
pub(super) fn argument(name: &str, value: &Value) -> SafeText {
    let shown = cut_short(one_line(&fields::value(value).text), VALUE);
    cut_short(sanitize::line(name), NAME).then(" ").then(in_quotes(&shown))
}

fn agent(agent: &Agent) -> SafeText {
    SafeText::from("only for the agent ").then(in_quotes(&cut_short(sanitize::line(agent.label()), NAME)))
}

/// Each argument and its value. Those beyond the first [`NAMED`] are counted.
fn arguments<'a>(members: impl ExactSizeIterator<Item = (&'a str, Option<&'a Value>)>) -> Vec<SafeText> {
    let more = members.len().saturating_sub(NAMED);
    let named = members.take(NAMED).map(|(name, value)| match value {
        Some(value) => argument(name, value),
        None => cut_short(sanitize::line(name), NAME),
    });
    let more = (more > 0).then(|| {
        SafeText::own(if more == 1 { "1 more argument".to_owned() } else { format!("{more} more arguments") })
    });
    named.chain(more).collect()
}

/// Joins the parts of a sentence. A right-to-left one gets a line, so that it can't reorder the others.
fn joined(parts: Vec<SafeText>) -> Option<SafeText> {
    let apart = parts.iter().any(|part| runs_right_to_left(part.as_str()));
    parts.into_iter().reduce(|all, part| all.then(if apart { ",\n" } else { ", " }).then(part))
}

/// What a rule limits auto-approvals to, where one is offered. `None`: no rule does.
pub(super) fn of_rule(bounds: Bounds) -> Option<SafeText> {
    let duration = bounds.duration.map(|duration| format!("after {}", span(duration)));
    let uses = bounds.uses.map(|uses| match uses.number() {
        1 => "after 1 request".to_owned(),
        uses => format!("after {uses} requests"),
    });
    let ends = [duration, uses].into_iter().flatten().reduce(|one, other| format!("{one} or {other}"))?;
    Some(SafeText::own(format!(
        "Auto-approvals of this action end {ends}: a rule of your admins limits them."
    )))
}

/// A time span in its largest whole unit.
fn span(span: TimeDelta) -> String {
    let minutes = span.num_minutes();
    let (number, unit) = match minutes {
        _ if minutes % (24 * 60) == 0 => (minutes / (24 * 60), "day"),
        _ if minutes % 60 == 0 => (minutes / 60, "hour"),
        _ => (minutes, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// *only with repository “acme/checkout”, only for the agent “Atlas”*. `None`: it is not limited to either.
pub(super) fn conditions(narrowing: &Narrowing) -> Option<SafeText> {
    let fixed = match &narrowing.fixed {
        Fixed::Nothing => Vec::new(),
        Fixed::Unreadable => vec![UNREADABLE.into()],
        Fixed::Values(values) => only_with(arguments(
            values
                .members()
                .iter()
                .map(|(name, value)| (name.as_str(), Some(value)))
                .collect::<Vec<_>>()
                .into_iter(),
        )),
    };
    let agent = narrowing.agent.as_ref().map(|(_, one)| agent(one));
    joined(fixed.into_iter().chain(agent).collect())
}

fn only_with(mut arguments: Vec<SafeText>) -> Vec<SafeText> {
    if let Some(first) = arguments.first_mut() {
        *first = SafeText::from("only with ").then(first.clone());
    }
    arguments
}

/// *3 of 10 uses left*.
fn uses(uses: UsesLeft) -> String {
    let (left, max) = (uses.left, uses.max.number());
    format!("{left} of {max} {} left", if max == 1 { "use" } else { "uses" })
}

/// When it ends, for mrkdwn: *Until today at 18:00, 3 of 10 uses left.* `None`: it has no end.
pub(super) fn end_in_mrkdwn(narrowing: &Narrowing) -> Option<String> {
    end(narrowing.until, narrowing.uses, blocks::moment_in_mrkdwn)
}

fn end(
    until: Option<DateTime<Utc>>,
    left: Option<UsesLeft>,
    moment: impl Fn(DateTime<Utc>) -> String,
) -> Option<String> {
    match (until.map(moment), left.map(uses)) {
        (None, None) => None,
        (Some(until), None) => Some(format!("Until {until}.")),
        (None, Some(uses)) => Some(format!("{uses}.")),
        (Some(until), Some(uses)) => Some(format!("Until {until}, {uses}.")),
    }
}

/// The limits in one line for a terminal, with times in UTC.
#[must_use]
pub fn in_words(narrowing: &Narrowing) -> String {
    let end = end(narrowing.until, narrowing.uses, blocks::in_utc);
    let end = end.map(|end| end.trim_end_matches('.').replacen("Until", "until", 1));
    let conditions = conditions(narrowing).map(|text| text.as_str().replace('\n', " "));
    conditions.into_iter().chain(end).collect::<Vec<_>>().join(", ")
}

/// The limits of a grant that a decision left or used, as the end of a sentence: *, only with repository “acme/checkout”,
/// until today at 18:00, for 10 requests*. The values are those of the request. How many are left is not said: the message
/// isn't updated by each use.
pub(super) fn of_decision(limits: &Limits, arguments_of: &Arguments) -> Vec<SlackRichTextInlineElement> {
    let members: &Map<String, Value> = arguments_of.members();
    let named = limits.fixed().iter().map(|name| (name.as_str(), members.get(name)));
    let fixed = only_with(arguments(named.collect::<Vec<_>>().into_iter()));
    let agent = limits.agent().map(agent);
    let mut parts = Vec::new();
    if let Some(conditions) = joined(fixed.into_iter().chain(agent).collect()) {
        parts.extend([words(", "), words(conditions)]);
    }
    if let Some(until) = limits.until() {
        parts.extend([words(", until "), blocks::moment(until)]);
    }
    if let Some(max) = limits.uses() {
        let uses = match max.number() {
            1 => ", for 1 request".to_owned(),
            number => format!(", for {number} requests"),
        };
        parts.push(words(SafeText::own(uses)));
    }
    parts
}
