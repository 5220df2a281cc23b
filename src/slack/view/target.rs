//! What a call acts on, where only its name is shown.

use serde_json::Value;

use crate::{
    domain::approvals::Request,
    slack::view::sanitize::{self, cut_short, safe_text::SafeText},
};

/// Longest target in a list.
const TARGET: usize = 120;
/// Names of arguments that say what a call acts on, the first of which counts.
const TARGETS: [&str; 15] = [
    "to",
    "recipient",
    "email",
    "channel",
    "channel_id",
    "customer",
    "title",
    "subject",
    "path",
    "url",
    "name",
    "repo",
    "object",
    "objectName",
    "query",
];

/// What the call acted on, as far as its arguments say: the text under a name that agents commonly use, else the first
/// text of all. Of a list the first, and how many more there are.
pub(super) fn target(request: &Request) -> Option<SafeText> {
    let members = request.arguments.members();
    let known = TARGETS.iter().find_map(|name| members.get(*name).and_then(text));
    let (text, more) = known.or_else(|| members.values().find_map(text))?;
    let target = cut_short(sanitize::line(text), TARGET);
    Some(if more > 0 { target.then(SafeText::own(format!(" and {more} more"))) } else { target })
}

fn text(value: &Value) -> Option<(&str, usize)> {
    let (text, more) = match value {
        Value::Array(items) => (items.first()?.as_str()?, items.len() - 1),
        one => (one.as_str()?, 0),
    };
    (!text.is_empty()).then_some((text, more))
}
