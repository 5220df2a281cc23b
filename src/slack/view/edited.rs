//! What a person changed before approving: on the decided prompt which arguments, in the details their old and new
//! values.

use std::collections::HashSet;

use slack_morphism::prelude::{SlackRichTextElement, SlackRichTextInlineElement};

use super::editing::names;
use super::fields::{Field, fields};
use crate::{
    domain::{approvals::Request, arguments::Arguments, editing::EditedArguments, field_hints::Presentation},
    slack::view::{
        blocks::{coded, paragraph, words},
        sanitize::{cut_short, runs_right_to_left, safe_text::SafeText},
    },
};

/// Most names on the prompt, and their longest.
const NAMES: usize = 5;
const NAME: usize = 60;

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
