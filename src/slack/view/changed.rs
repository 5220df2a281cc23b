//! Unlocked actions whose description has changed. An admin compares the versions, and confirms or locks.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use super::controls::Control;
use super::names;
use super::sections::pager;
use super::sections::title;
use super::sentences;
use crate::{
    domain::{
        catalog::Description,
        overview::{ChangedLine, Page, Section},
        templates::Template,
    },
    slack::view::{
        blocks::{self, Style, bold, paragraph, quote, words},
        sanitize::{self, cut_short, safe_text::SafeText},
    },
};

/// Longest part of a description that is shown.
const DESCRIPTION: usize = 1_500;
/// How much common text is shown before two descriptions differ.
const IN_COMMON: usize = 40;

/// Renders the section; nothing if no description has changed.
pub(super) fn changed(blocks: &mut Vec<SlackBlock>, page: &Page<ChangedLine>) {
    if page.items.is_empty() {
        return;
    }
    blocks.push(title("Changed since unlocked", page));
    for line in &page.items {
        blocks.extend(one(line));
    }
    blocks.extend(pager(Section::Changed, "the changed actions", page));
}

fn one(line: &ChangedLine) -> [SlackBlock; 2] {
    let paused = match line.paused {
        0 => "No auto-approval is paused.".to_owned(),
        1 => "1 auto-approval is paused until you confirm.".to_owned(),
        count => format!("{count} auto-approvals are paused until you confirm."),
    };
    let mut lines = vec![
        paragraph(vec![bold(names::pair(&line.after.integration_name, &line.after.name))]),
        paragraph(vec![words(names::path(&line.path))]),
    ];
    lines.extend(differences(line.before.as_ref(), &line.after));
    lines.push(paragraph(vec![words(SafeText::own(paused))]));
    let about = names::brief(&line.after.integration_name, &line.after.name);
    let confirm = Control::Confirm { action: line.action, version: line.version };
    let row = vec![
        blocks::button(
            confirm,
            "Confirm",
            SafeText::from("Confirm the change to ").then(about.clone()),
            Style::Primary,
        ),
        blocks::button_after_confirming(
            Control::Lock(line.action),
            "Lock",
            SafeText::from("Lock ").then(about),
            ("Lock this action?", SafeText::own(sentences::locking(line.paused))),
        ),
    ];
    [blocks::rich(lines), blocks::actions(row)]
}

/// The differences: name, old value, new value. Every value has an element of its own, so that none can pass for
/// another.
fn differences(before: Option<&Description>, after: &Description) -> Vec<SlackRichTextElement> {
    let Some(before) = before else {
        let mut lines = vec![paragraph(vec![words(
            "The description that was unlocked was not recorded. Current description:",
        )])];
        lines.extend(value("Description", after.description.as_deref().unwrap_or(NONE)));
        lines.extend(ours("Effect", effect(after)));
        lines.extend(ours("Connection", connection(after)));
        return lines;
    };
    let mut lines = Vec::new();
    if before.integration_name != after.integration_name {
        lines.extend(value("Integration before", &before.integration_name));
        lines.extend(value("Integration now", &after.integration_name));
    }
    if before.name != after.name {
        lines.extend(value("Name before", &before.name));
        lines.extend(value("Name now", &after.name));
    }
    if before.description != after.description {
        let was = before.description.as_deref().unwrap_or_default();
        let is = after.description.as_deref().unwrap_or_default();
        let same = in_common(was, is);
        lines.extend(value("Description before", &from(was, same)));
        lines.extend(value("Description now", &from(is, same)));
    }
    if effect(before) != effect(after) {
        lines.extend(ours("Effect before", effect(before)));
        lines.extend(ours("Effect now", effect(after)));
    }
    let titles = [before, after].map(|shown| shown.presentation.title.as_ref().map_or("", Template::as_str));
    if titles[0] != titles[1] {
        lines.extend(value("Title before", titles[0]));
        lines.extend(value("Title now", titles[1]));
    }
    if before.presentation.fields != after.presentation.fields {
        lines.push(paragraph(vec![bold("The fields that a request shows first have changed.")]));
    }
    if before.input_schema != after.input_schema {
        lines.push(paragraph(vec![bold("The schema of the arguments has changed.")]));
    }
    if before.requires_connection != after.requires_connection {
        lines.extend(ours("Connection before", connection(before)));
        lines.extend(ours("Connection now", connection(after)));
    }
    lines
}

const NONE: &str = "(none)";

fn value(label: &'static str, text: &str) -> [SlackRichTextElement; 2] {
    let text = if text.is_empty() { NONE } else { text };
    [paragraph(vec![bold(label)]), quote(cut_short(sanitize::line(text), DESCRIPTION))]
}

fn ours(label: &'static str, text: impl Into<SafeText>) -> [SlackRichTextElement; 2] {
    [paragraph(vec![bold(label)]), quote(text.into())]
}

/// How many characters two texts have in common at their beginning.
fn in_common(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count()
}

/// The text from shortly before the first difference, if it is too long to be shown from its beginning.
fn from(text: &str, same: usize) -> String {
    if text.chars().count() <= DESCRIPTION || same <= IN_COMMON {
        return text.to_owned();
    }
    let rest: String = text.chars().skip(same - IN_COMMON).collect();
    format!("… {rest}")
}

fn effect(description: &Description) -> SafeText {
    names::effect(description.impact)
}

const fn connection(description: &Description) -> &'static str {
    if description.requires_connection {
        "Users must connect the integration."
    } else {
        "Users do not have to connect the integration."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_description_is_shown_from_where_it_differs() {
        let (was, is) = (format!("{}one", "x".repeat(2_000)), format!("{}two", "x".repeat(2_000)));
        let same = in_common(&was, &is);
        assert_eq!(from(&is, same), format!("… {}two", "x".repeat(IN_COMMON)));
        assert_eq!(from("short", 3), "short");
    }
}
