//! How a request compares with what its user approved before: a line on the prompt, and old and new values in the details.

use std::collections::HashMap;

use serde_json::Value;
use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use super::{
    arguments::{framed, said},
    editing, fields,
};
use crate::{
    domain::{
        approvals::{Approval, Request},
        arguments::Arguments,
        precedent::{ChangedValue, Changes, LOOKING_BACK_DAYS, Precedent},
    },
    slack::view::{
        blocks::{self, bold, coded, paragraph, rich, say, words},
        names,
        sanitize::{cut_short, fit, runs_right_to_left, safe_text::SafeText},
    },
};

/// Most names on the prompt, and the longest.
const NAMES: usize = 5;
const NAME: usize = 40;
/// Longest name and value in the details, and most lines of a value.
const LONG_NAME: usize = 200;
const VALUE: usize = 250;
const LINES: usize = 6;
/// Most changes in a block, which may have 3000 characters of text.
const CHANGES: usize = 4;

/// The line on the prompt. `None` if nothing is known that helps to decide.
pub(super) fn line(precedent: &Precedent, request: &Request) -> Option<SlackBlock> {
    match precedent {
        Precedent::Same { count } => Some(say(same(*count))),
        Precedent::Changed(changes) => Some(rich(changed(changes, request))),
        Precedent::Edited => Some(say(EDITED)),
        Precedent::Deleted => None,
    }
}

fn same(count: u64) -> SafeText {
    let calls = names::count(usize::try_from(count).unwrap_or(usize::MAX), "approved call", "approved calls");
    SafeText::own(format!("Same as {calls} in the last {LOOKING_BACK_DAYS} days"))
}

/// The names that stand above the values, also of arguments that only the earlier call had.
struct Labels(HashMap<String, SafeText>);

impl Labels {
    fn new(changes: &Changes, request: &Request) -> Self {
        let mut all = request.arguments.members().clone();
        for name in &changes.names {
            all.entry(name.as_str()).or_insert(Value::Null);
        }
        let all = Arguments::from_stored(all);
        let names = editing::names(&all, &request.action.presentation).into_iter();
        Self(names.map(|(key, name)| (key.to_owned(), name)).collect())
    }

    fn of_argument(&self, name: &str) -> SafeText {
        self.0.get(name).cloned().unwrap_or_else(|| fields::segment(name))
    }

    /// *Meta › urgent*: the argument's label, and the steps to a value within it.
    fn of_value(&self, steps: &[String]) -> SafeText {
        let Some((argument, within)) = steps.split_first() else { return SafeText::default() };
        within
            .iter()
            .fold(self.of_argument(argument), |name, step| name.then(" › ").then(fields::segment(step)))
    }
}

fn changed(changes: &Changes, request: &Request) -> Vec<SlackRichTextElement> {
    let labels = Labels::new(changes, request);
    let shown: Vec<SafeText> =
        changes.names.iter().take(NAMES).map(|name| cut_short(labels.of_argument(name), NAME)).collect();
    let missing = changes.names.len() - shown.len();
    let more = (missing > 0).then(|| words(SafeText::own(format!(" and {missing} more"))));
    let mut parts = vec![words(SINCE)];
    // A right-to-left name could reorder the line.
    if shown.iter().any(|name| runs_right_to_left(name.as_str())) {
        let names = shown.into_iter().map(|name| paragraph(vec![coded(name)]));
        return std::iter::once(paragraph(parts))
            .chain(names)
            .chain(more.map(|more| paragraph(vec![more])))
            .collect();
    }
    for (at, name) in shown.into_iter().enumerate() {
        parts.push(words(if at == 0 { " " } else { ", " }));
        parts.push(coded(name));
    }
    parts.extend(more);
    vec![paragraph(parts)]
}

const EDITED: &str = "Same as the last request that you approved, which you changed before approving";
const SINCE: &str = "Changed since you last approved this:";

/// The part of the details: nothing, a sentence, or each value that differs, old and new in elements of their own.
pub(super) fn details(approval: &Approval, precedent: &Precedent) -> Vec<SlackBlock> {
    let changes = match precedent {
        Precedent::Same { count } => return vec![say(same(*count))],
        Precedent::Edited => return vec![say(EDITED)],
        Precedent::Deleted => {
            return vec![say("The arguments of the call that you last approved were deleted.")];
        }
        Precedent::Changed(changes) => changes,
    };
    let mut all = vec![blocks::heading(if approval.decision.is_none() {
        "Changed since you last approved this"
    } else {
        "Changed since the call that you approved before"
    })];
    let labels = Labels::new(changes, &approval.request);
    let in_blocks = changes.values.chunks(CHANGES);
    all.extend(in_blocks.map(|values| rich(values.iter().flat_map(|change| one(change, &labels)).collect())));
    if changes.more > 0 {
        all.push(say(SafeText::own(format!("… and {} more changes", changes.more))));
    }
    all
}

fn one(change: &ChangedValue, labels: &Labels) -> Vec<SlackRichTextElement> {
    let name = labels.of_value(&change.steps);
    let mut elements = vec![paragraph(vec![bold(cut_short(name, LONG_NAME))])];
    elements.extend(value("Before", change.before.as_ref()));
    elements.extend(value("Now", change.now.as_ref()));
    elements
}

fn value(label: &'static str, value: Option<&Value>) -> Vec<SlackRichTextElement> {
    let Some(value) = value else {
        return vec![paragraph(vec![words(label), words(": not given")])];
    };
    let mut elements = vec![paragraph(vec![words(label)])];
    let shown = fields::value(value);
    let (text, missing) = fit(&shown.text, LINES, VALUE);
    elements.push(framed(text, shown.frame));
    elements.extend(said(missing));
    elements
}
