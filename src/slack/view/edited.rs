//! What a person changed before approving: in the history which arguments, on the decided prompt and in the details their
//! old and new values.

use std::collections::HashSet;

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement, SlackRichTextInlineElement};

use super::editing::names;
use super::fields::{Field, fields};
use crate::{
    domain::{approvals::Request, arguments::Arguments, editing::EditedArguments, field_hints::Presentation},
    slack::view::{
        arguments::{framed, said},
        blocks::{bold, coded, paragraph, rich, words},
        fields::{Content, FieldValue, Frame},
        sanitize::{
            cut_short, fit, in_mrkdwn, in_quotes, one_line, runs_right_to_left, safe_text::SafeText, size,
        },
        summary,
    },
};

/// Most names on the prompt, and their longest.
const NAMES: usize = 5;
const NAME: usize = 60;
/// Longest value beside its name. A longer one stands below it, cut to so much and to so many lines.
const BESIDE: usize = 60;
const VALUE: usize = 200;
const LINES: usize = 3;
/// Most changes in a message's `text`.
const IN_TEXT: usize = 3;

/// *Changed: `Subject`, `To`.* Nothing if the arguments were deleted.
pub(super) fn changed(request: &Request, edited: &EditedArguments) -> Vec<SlackRichTextElement> {
    let keys: HashSet<&str> = edited.changed_keys(&request.arguments).into_iter().collect();
    let names: Vec<SafeText> = names(&request.arguments, &request.action.presentation)
        .into_iter()
        .filter(|(key, _)| keys.contains(key))
        .map(|(_, name)| cut_short(name, NAME))
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let more = names.len().saturating_sub(NAMES);
    let more = (more > 0).then(|| words(SafeText::own(format!(" and {more} more"))));
    // Within a line, such a name could move the others.
    if names.iter().any(|name| runs_right_to_left(name.as_str())) {
        let lines = names.into_iter().take(NAMES).map(|name| paragraph(vec![coded(name)]));
        let more = more.map(|more| paragraph(vec![more]));
        return std::iter::once(paragraph(vec![words("Changed:")])).chain(lines).chain(more).collect();
    }
    let mut parts: Vec<SlackRichTextInlineElement> = vec![words("Changed: ")];
    for (at, name) in names.into_iter().take(NAMES).enumerate() {
        parts.extend((at > 0).then(|| words(", ")));
        parts.push(coded(name));
    }
    parts.extend(more);
    parts.push(words("."));
    vec![paragraph(parts)]
}

/// *Subject: `Call` → `Call with Acme`*: the first changes, each on a line of its own. Nothing if the arguments were
/// deleted.
pub(super) fn values(request: &Request, edited: &EditedArguments) -> Vec<SlackRichTextElement> {
    let changes = changes(request, edited);
    let more = changes.len().saturating_sub(NAMES);
    let more = (more > 0)
        .then(|| paragraph(vec![words(SafeText::own(format!("… and {more} more changes: see Details")))]));
    changes.into_iter().take(NAMES).flat_map(line).chain(more).collect()
}

/// The same as a block; `None` if there is nothing to show.
pub(super) fn block(request: &Request, edited: &EditedArguments) -> Option<SlackBlock> {
    let values = values(request, edited);
    (!values.is_empty()).then(|| rich(values))
}

/// What one side of a change shows.
enum SideValue {
    NotGiven,
    One(FieldValue),
    /// A value with a structure.
    Several,
}

impl SideValue {
    fn new(side: Option<Vec<Field>>) -> Self {
        let Some(fields) = side else { return Self::NotGiven };
        match <[Field; 1]>::try_from(fields) {
            Ok([Field { content: Content::Value(value), .. }]) => Self::One(value),
            Ok(_) | Err(_) => Self::Several,
        }
    }

    /// Whether it can stand within a line.
    fn is_short(&self) -> bool {
        let Self::One(FieldValue { text, frame }) = self else { return true };
        let text = text.as_str();
        matches!(frame, Frame::Bar)
            && !text.contains('\n')
            && size(text) <= BESIDE
            && !runs_right_to_left(text)
    }

    fn beside(self) -> SlackRichTextInlineElement {
        match self {
            Self::NotGiven => words("(not given)"),
            Self::One(value) => coded(value.text),
            Self::Several => words("(several values: see Details)"),
        }
    }

    fn below(self, label: &'static str) -> Vec<SlackRichTextElement> {
        match self {
            Self::One(FieldValue { text, frame }) => {
                let (text, missing) = fit(&text, LINES, VALUE);
                let labelled = [paragraph(vec![words(label)]), framed(text, frame)];
                labelled.into_iter().chain(said(missing)).collect()
            }
            other => vec![paragraph(vec![words(label), words(": "), other.beside()])],
        }
    }
}

fn line(Change { name, asked, approved }: Change) -> Vec<SlackRichTextElement> {
    let name = cut_short(name, NAME);
    let (asked, approved) = (SideValue::new(asked), SideValue::new(approved));
    if asked.is_short() && approved.is_short() && !runs_right_to_left(name.as_str()) {
        let parts = vec![bold(name), words(": "), asked.beside(), words(" → "), approved.beside()];
        return vec![paragraph(parts)];
    }
    let name = paragraph(vec![bold(name)]);
    std::iter::once(name).chain(asked.below("Asked")).chain(approved.below("Approved")).collect()
}

/// *Changed: Subject: “Call” → “Call with Acme”.* for a message's `text`. `None` if it would reorder the text, or if
/// the arguments were deleted.
pub(super) fn in_text(request: &Request, edited: &EditedArguments) -> Option<String> {
    let one = |change: Change| {
        let field = |side| match SideValue::new(side) {
            SideValue::One(value) => Some(value),
            SideValue::NotGiven | SideValue::Several => None,
        };
        let (asked, approved) = (field(change.asked)?, field(change.approved)?);
        let approved = cut_short(one_line(&approved.text), BESIDE);
        let named =
            Field { name: change.name, path: None, content: Content::Value(asked), is_described: false };
        let asked = summary::in_text(&named)?;
        (!runs_right_to_left(approved.as_str()))
            .then(|| format!("{asked} → {}", in_mrkdwn(&in_quotes(&approved))))
    };
    let changes: Vec<String> = changes(request, edited).into_iter().filter_map(one).take(IN_TEXT).collect();
    (!changes.is_empty()).then(|| format!("Changed: {}.", changes.join("; ")))
}

/// A changed argument: its name, what was asked, and what was approved; `None` if it was left out.
pub(super) struct Change {
    pub(super) name: SafeText,
    pub(super) asked: Option<Vec<Field>>,
    pub(super) approved: Option<Vec<Field>>,
}

/// The changed arguments, in the order in which they are shown.
pub(super) fn changes(request: &Request, edited: &EditedArguments) -> Vec<Change> {
    let keys: HashSet<&str> = edited.changed_keys(&request.arguments).into_iter().collect();
    let presentation = &request.action.presentation;
    let names = names(&request.arguments, presentation).into_iter().filter(|(key, _)| keys.contains(key));
    names
        .map(|(key, name)| Change {
            name,
            asked: alone(&request.arguments, key, presentation),
            approved: alone(&edited.arguments, key, presentation),
        })
        .collect()
}

/// The fields of one argument, each under its label.
fn alone(arguments: &Arguments, key: &str, presentation: &Presentation) -> Option<Vec<Field>> {
    let one = arguments.members().get_key_value(key).map(|(key, value)| (key.clone(), value.clone()))?;
    Some(fields(&Arguments::from_stored([one].into_iter().collect()), presentation))
}
