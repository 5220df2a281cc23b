//! The modal with everything: all arguments as fields and as raw JSON, the agent's complete reason, the complete digest.

use std::ops::Range;

use serde_json::Value;
use slack_morphism::prelude::{SlackBlock, SlackModalView, SlackRichTextElement};

use super::approvers;
use super::arguments::{follows, framed};
use super::controls::Callback;
use super::controls::Control;
use super::deny::view;
use super::edited::{Change, changes};
use super::fields::{Content, Field, FieldValue, Frame, fields};
use crate::{
    domain::{
        approvals::{Approval, Request},
        arguments::Arguments,
        decision::{Decision, Verdict},
        grants::Scope,
        precedent::Precedent,
        text::Prose,
    },
    slack::view::{
        blocks::{self, Style, bold, coded, paragraph, plain_only, quote, rich, say, words},
        limits, precedent, result,
        sanitize::{self, cut_short, safe_text::SafeText, size, split},
        sentences, summary,
    },
};

/// Longest text of a block, by Slack's count. Slack documents no limit for `rich_text`, so this is a section's.
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
const BLOCK: usize = 3000;
/// Longest text of a page. In the worst case each unit is three bytes of JSON, and the first page also has the reason
/// and the names. Together they stay well below the 250 KB that a view may have.
const PAGE: usize = 40_000;
/// What an element's JSON counts in addition to its text.
const ELEMENT: usize = 60;
/// Most elements in a block.
const ELEMENTS: usize = 40;
/// Longest name above a value's further boxes, and the note after it.
const NAME_AGAIN: usize = 100;
const CONTINUED: &str = " (continued)";

/// Renders the modal for `views.open` and `views.update`. Pages are counted from 0; a page beyond the last is the last.
/// `private_metadata` is the approval's id, `callback_id` [`Callback::Details`].
#[must_use]
pub fn details(approval: &Approval, precedent: Option<&Precedent>, page: usize) -> Value {
    let request = &*approval.as_approved();
    let contents = Contents::new(approval);
    let pages = contents.pages();
    let count = pages.len();
    let page = page.min(count - 1);
    let mut blocks = vec![match approval.decision {
        None => summary::title(&approval.request),
        Some(_) => summary::ended_title(&approval.request),
    }];
    if page == 0 {
        blocks.extend(reasons_and_result(approval));
        blocks.extend(precedent.into_iter().flat_map(|precedent| precedent::details(approval, precedent)));
    }
    let is_deleted = request.contents_deleted_at.is_some();
    let edited = approval.decision.as_ref().and_then(Decision::edited);
    let mut title = SafeText::from(match (pages[page].kind, edited) {
        (_, _) if is_deleted => "Arguments deleted",
        (Kind::Changes, _) => "Changed arguments",
        (_, _) if request.arguments.members().is_empty() => "No arguments",
        (Kind::Raw, None) => "Arguments as raw JSON",
        (Kind::Raw, Some(_)) => "Approved arguments as raw JSON",
        (Kind::Readable, None) => "Arguments",
        (Kind::Readable, Some(_)) => "Approved arguments",
    });
    let (at, of) = place(page, &pages);
    if of > 1 {
        title = title.then(SafeText::own(format!(", page {at} of {of}")));
    }
    blocks.push(blocks::heading(title));
    if is_deleted {
        blocks.push(say(sentences::CONTENTS_DELETED));
    }
    blocks.extend(turning(approval, page, &pages));
    blocks.extend(in_blocks(pages[page].parts.iter().map(Part::piece)));
    if page == 0 {
        blocks.extend([blocks::heading("About the request"), facts(request)]);
    }
    let small = |text| blocks::small(SafeText::own(text));
    let mut ids = match edited {
        None => vec![small(format!("Digest of the arguments: {}", request.digest))],
        Some(_) => vec![
            small(format!("Digest of the approved arguments: {}", request.digest)),
            small(format!("Digest of the arguments as asked: {}", approval.request.digest)),
        ],
    };
    ids.push(small(format!("Request: {}", request.id)));
    blocks.push(blocks::context(ids));
    let modal = SlackModalView::new(plain_only("Details"), blocks)
        .with_close(plain_only("Close"))
        .with_callback_id(Callback::Details.as_str().into())
        .with_private_metadata(approval.id().to_string());
    view(modal)
}

/// What was said of the request, before the arguments of the first page: reasons and the result, none of them cut.
fn reasons_and_result(approval: &Approval) -> Vec<SlackBlock> {
    let mut blocks = Vec::new();
    // Who decided in whose place. Who decides for themself is said where the details were opened.
    let decision = approval.decision.as_ref();
    if let Some(together) = decision.and_then(Decision::approvers) {
        let mut said = vec![words("Approved by ")];
        said.extend(approvers::answered(together.iter()));
        blocks.push(rich(vec![paragraph(said)]));
    } else if let Some((user, absent)) =
        decision.and_then(|decision| decision.user().zip(decision.on_behalf_of()))
    {
        let said = vec![words("Decided by "), blocks::person(user), words(" for "), blocks::person(absent)];
        blocks.push(rich(vec![paragraph(said)]));
    }
    if let Some(reason) = &approval.request.reason {
        blocks.extend(whole(summary::SAID, reason));
    }
    if let Some(Verdict::Denied { reason: Some(reason), .. }) =
        approval.decision.as_ref().map(|made| &made.verdict)
    {
        blocks.extend(whole("The reason given to the agent:", reason));
    }
    blocks.extend(approval.decision.as_ref().and_then(|decision| grant(approval, decision)));
    blocks.extend(approval.result.as_ref().map(result::result));
    blocks
}

/// The grant that the decision left or used, if it has limits.
fn grant(approval: &Approval, decision: &Decision) -> Option<SlackBlock> {
    let limits = decision.limits()?;
    let place = match decision.scope() {
        Some(Scope::Conversation) => "The auto-approval is for this conversation",
        _ => "The auto-approval is for every conversation",
    };
    let mut parts = vec![words(place)];
    parts.extend(limits::of_decision(limits, &approval.request.arguments));
    parts.push(words("."));
    Some(rich(vec![paragraph(parts)]))
}

/// The names of the request, after the arguments of the first page, none of them cut.
fn facts(request: &Request) -> SlackBlock {
    let mut facts = vec![
        ("Agent", summary::agent(request)),
        ("Integration", summary::integration(request)),
        ("Action", summary::action(request)),
        ("Name in the API", sanitize::line(&request.action.path())),
        ("Conversation", summary::conversation(request)),
    ];
    if request.conversation.title.is_some() {
        facts.push(("Conversation id", sanitize::line(request.conversation.id.as_str())));
    }
    if let Some(description) = &request.action.description {
        facts.push(("Description", sanitize::lines(description)));
    }
    rich(
        facts
            .into_iter()
            // A right-to-left name in the same line would move the label before it.
            .flat_map(|(label, fact)| [paragraph(vec![bold(label)]), quote(fact)])
            .collect(),
    )
}

/// An untrusted text in full, under a label that says whose words it is.
fn whole(whose: &'static str, text: &Prose) -> Vec<SlackBlock> {
    let text = sanitize::lines(text.as_str());
    let quotes = chunks(&text).into_iter().map(|chunk| rich(vec![quote(text.part(chunk))]));
    std::iter::once(say(whose)).chain(quotes).collect()
}

/// Which page of its form this is, counted from 1, and how many the form has. The raw JSON is a form of its own.
fn place(page: usize, pages: &[Page<'_>]) -> (usize, usize) {
    let is_raw = pages[page].kind == Kind::Raw;
    let has_form = |page: &&Page<'_>| (page.kind == Kind::Raw) == is_raw;
    (pages[..=page].iter().filter(has_form).count(), pages.iter().filter(has_form).count())
}

/// The buttons that turn the pages of a form, and the one that shows the other form.
fn turning(approval: &Approval, page: usize, pages: &[Page<'_>]) -> Option<SlackBlock> {
    let approval = approval.id();
    let (at, count) = place(page, pages);
    let mut row = Vec::new();
    if at > 1 {
        let control = Control::DetailsPrevious { approval, page: page - 1 };
        let alone = SafeText::own(format!("Previous page of the arguments, {} of {count}", at - 1));
        row.push(blocks::button(control, "Previous page", alone, Style::Plain));
    }
    if at < count {
        let control = Control::DetailsNext { approval, page: page + 1 };
        let alone = SafeText::own(format!("Next page of the arguments, {} of {count}", at + 1));
        row.push(blocks::button(control, "Next page", alone, Style::Plain));
    }
    let is_raw = pages[page].kind == Kind::Raw;
    if let Some(other) = pages.iter().position(|other| (other.kind == Kind::Raw) != is_raw) {
        let (text, alone) = if is_raw {
            ("Readable", "The arguments in readable form")
        } else {
            ("Raw JSON", "The arguments as raw JSON")
        };
        let control = Control::DetailsJump { approval, page: other };
        row.push(blocks::button(control, text, alone, Style::Plain));
    }
    (!row.is_empty()).then(|| blocks::actions(row))
}

/// How many pages the details have.
#[must_use]
pub fn page_count(approval: &Approval) -> usize {
    Contents::new(approval).pages().len()
}

/// An element and the length of its text.
type Piece = (SlackRichTextElement, usize);

/// What a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Old and new values of the arguments that were changed before they were approved.
    Changes,
    /// Arguments as fields.
    Readable,
    /// Arguments as JSON.
    Raw,
}

/// A page of arguments. Its elements are made only if it is shown.
struct Page<'a> {
    kind: Kind,
    parts: Vec<Part<'a>>,
}

/// A part of a page: one element, or what it is made from.
#[derive(Clone)]
enum Part<'a> {
    /// A part of a name.
    Name(&'a SafeText, Range<usize>),
    /// A part of a name in the arguments.
    Path(&'a SafeText, Range<usize>),
    /// A part of a value.
    Value(&'a SafeText, Range<usize>, Frame),
    /// The name above a further part of its value.
    Continued(SafeText),
    /// A short name.
    Label(SafeText),
    /// Our own words.
    Words(SafeText),
}

impl Part<'_> {
    /// The length of its text, by Slack's count.
    fn length(&self) -> usize {
        match self {
            Self::Name(text, range) | Self::Path(text, range) | Self::Value(text, range, _) => {
                size(text.as_str().get(range.clone()).unwrap_or_default())
            }
            Self::Continued(name) => size(name.as_str()) + CONTINUED.len(),
            Self::Label(text) | Self::Words(text) => size(text.as_str()),
        }
    }

    fn piece(&self) -> Piece {
        #[cfg(test)]
        MADE.with(|made| made.set(made.get() + 1));
        let element = match self {
            Self::Name(text, range) => paragraph(vec![bold(text.part(range.clone()))]),
            Self::Path(text, range) => paragraph(vec![coded(text.part(range.clone()))]),
            Self::Value(text, range, frame) => framed(text.part(range.clone()), *frame),
            Self::Continued(name) => paragraph(vec![bold(name.clone()), words(CONTINUED)]),
            Self::Label(text) => paragraph(vec![bold(text.clone())]),
            Self::Words(text) => paragraph(vec![words(text.clone())]),
        };
        (element, self.length())
    }
}

#[cfg(test)]
thread_local! {
    /// How many elements of arguments were made.
    pub(super) static MADE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// What the pages show: first what was changed, then all arguments as fields, then as raw JSON.
struct Contents {
    changes: Vec<Side>,
    fields: Vec<Field>,
    /// `None` if there are no arguments.
    raw: Option<SafeText>,
}

/// A changed argument as it was asked, or as it was approved.
enum Side {
    Field(Field),
    LeftOut(SafeText),
}

impl Contents {
    fn new(approval: &Approval) -> Self {
        let request = &*approval.as_approved();
        let edited = approval.decision.as_ref().and_then(Decision::edited);
        let changes = edited.map(|edited| changes(&approval.request, edited)).unwrap_or_default();
        let arguments = &request.arguments;
        Self {
            changes: changes.into_iter().flat_map(sides).collect(),
            fields: fields(arguments, &request.action.presentation),
            raw: (!arguments.members().is_empty()).then(|| raw(arguments)),
        }
    }

    /// The pages, at least one.
    fn pages(&self) -> Vec<Page<'_>> {
        let changes = self.changes.iter().flat_map(|side| match side {
            Side::Field(field) => groups(field),
            Side::LeftOut(label) => {
                vec![vec![Part::Label(label.clone()), Part::Words("Left out.".into())]]
            }
        });
        let mut pages = if self.changes.is_empty() { Vec::new() } else { paged(changes, Kind::Changes) };
        pages.extend(paged(self.fields.iter().flat_map(groups), Kind::Readable));
        if let Some(raw) = &self.raw {
            let boxes = chunks(raw).into_iter().map(|part| vec![Part::Value(raw, part, Frame::Box)]);
            pages.extend(paged(boxes, Kind::Raw));
        }
        pages
    }
}

/// A changed argument: its name with what was asked, then its name with what was approved.
fn sides(change: Change) -> Vec<Side> {
    let Change { name, asked, approved } = change;
    let side = |fields: Option<Vec<Field>>, which: &'static str| match fields {
        None => vec![Side::LeftOut(cut_short(name.clone(), NAME_AGAIN).then(which))],
        Some(fields) => {
            let labelled = |field: Field| Side::Field(Field { name: field.name.then(which), ..field });
            fields.into_iter().map(labelled).collect()
        }
    };
    let mut sides = side(asked, ", as asked");
    sides.extend(side(approved, ", as approved"));
    sides
}

fn paged<'a>(groups: impl Iterator<Item = Vec<Part<'a>>>, kind: Kind) -> Vec<Page<'a>> {
    let (mut pages, mut used) = (vec![Page { kind, parts: Vec::new() }], 0);
    for group in groups {
        let length: usize = group.iter().map(|part| part.length() + ELEMENT).sum();
        if used > 0 && used + length > PAGE {
            pages.push(Page { kind, parts: Vec::new() });
            used = 0;
        }
        used += length;
        if let Some(page) = pages.last_mut() {
            page.parts.extend(group);
        }
    }
    pages
}

/// The arguments as JSON: with line breaks and indents, unless that would be mostly spaces.
fn raw(arguments: &Arguments) -> SafeText {
    let compact = serde_json::to_string(arguments).unwrap_or_default();
    let pretty = serde_json::to_string_pretty(arguments).unwrap_or_default();
    sanitize::lines(if pretty.len() > 2 * compact.len() + 1_000 { &compact } else { &pretty })
}

/// A field in groups that stay on one page: its name, then its value in boxes. A value that is too long for one box
/// continues in others, each under the field's name.
fn groups(field: &Field) -> Vec<Vec<Part<'_>>> {
    let mut names: Vec<Part<'_>> =
        chunks(&field.name).into_iter().map(|part| Part::Name(&field.name, part)).collect();
    // The name in the arguments, unless it is the same but for capitals and separators.
    let letters = |text: &SafeText| -> String {
        text.as_str().chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    if let Some(path) = field.path.as_ref().filter(|path| letters(path) != letters(&field.name)) {
        names.extend(chunks(path).into_iter().map(|part| Part::Path(path, part)));
    }
    let mut groups: Vec<Vec<Part<'_>>> = Vec::new();
    // What is short stays on the page of its value.
    let mut last = names.split_off(names.len().saturating_sub(2));
    if last.iter().map(Part::length).sum::<usize>() > BLOCK {
        names.append(&mut last);
    }
    groups.extend(names.into_iter().map(|name| vec![name]));
    match &field.content {
        Content::Alias(alias) => {
            last.push(Part::Words(follows(alias)));
            groups.push(last);
        }
        Content::Value(FieldValue { text, frame }) => {
            let continued = Part::Continued(cut_short(field.name.clone(), NAME_AGAIN));
            for (at, part) in chunks(text).into_iter().enumerate() {
                let mut group = if at == 0 { std::mem::take(&mut last) } else { vec![continued.clone()] };
                group.push(Part::Value(text, part, *frame));
                groups.push(group);
            }
        }
    }
    groups
}

/// Packs elements into as few blocks as possible.
fn in_blocks(pieces: impl Iterator<Item = Piece>) -> Vec<SlackBlock> {
    let (mut blocks, mut used) = (Vec::<Vec<SlackRichTextElement>>::new(), 0);
    for (element, length) in pieces {
        match blocks.last_mut() {
            Some(block) if block.len() < ELEMENTS && used + length <= BLOCK => block.push(element),
            _ => {
                blocks.push(vec![element]);
                used = 0;
            }
        }
        used += length;
    }
    blocks.into_iter().map(rich).collect()
}

fn chunks(text: &SafeText) -> Vec<Range<usize>> {
    pieces(text.as_str(), BLOCK)
}

/// Cuts a text into pieces of at most `max`: at line ends, unless a piece would be shorter than half of it.
fn pieces(text: &str, max: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let fits = split(rest, max);
        let line = rest[..fits].rfind('\n').map(|at| at + 1).filter(|&at| size(&rest[..at]) > max / 2);
        let length = if fits == rest.len() { fits } else { line.unwrap_or(fits) };
        // A piece is never empty, so this loop ends for every text.
        let length =
            if length == 0 { rest.chars().next().map_or(rest.len(), char::len_utf8) } else { length };
        pieces.push(start..start + length);
        start += length;
    }
    pieces
}
