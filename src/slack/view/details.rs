//! The modal that shows everything: all arguments letter by letter, the agent's whole reason, the whole digest.

use std::ops::Range;

use serde_json::Value;
use slack_morphism::prelude::{SlackBlock, SlackModalView};

use super::{
    controls::{Callback, Control},
    deny::view,
    harmless::{self, Shown, size, split},
    head,
    kit::{self, Style, bold, boxed, paragraph, plain_only, quote, rich, say},
};
use crate::domain::{approvals::Approval, arguments::Arguments, decisions::Verdict, text::Prose};

/// Longest text of a block, as Slack counts: that of a section, as nothing is said about `rich_text`.
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
const BLOCK: usize = 3000;
/// Longest text of a page. In the worst case each unit is three bytes of JSON, and the first page has the reason and
/// the names besides: together well under the 250 KB that a view may have.
const PAGE: usize = 40_000;
/// A layout that makes the arguments more than this many times as long isn't worth it: depth, not content.
const SPREAD: usize = 3;

/// Draws the modal, as `views.open` and `views.update` take it. Pages are counted from 0; one that doesn't exist is
/// the last. `private_metadata` is the approval's id, `callback_id` [`Callback::Details`].
#[must_use]
pub fn details(approval: &Approval, page: usize) -> Value {
    let request = &approval.request;
    let whole = arguments(&request.arguments);
    let pages = pages(&whole);
    let page = page.min(pages.len().saturating_sub(1));
    let mut blocks = vec![head::line(request)];
    if page == 0 {
        blocks.extend(first(approval));
    }
    let chunks = chunks(&pages.get(page).map(|range| whole.part(range.clone())).unwrap_or_default());
    let mut title = Shown::from("Arguments, as JSON");
    if pages.len() > 1 {
        title = title.then(Shown::own(format!(". Page {} of {}", page + 1, pages.len())));
    }
    blocks.push(rich(vec![paragraph(vec![bold(title)])]));
    if chunks.len() > 1 {
        blocks.push(say("A line that is too long for a box goes on in the next one."));
    }
    blocks.extend(chunks.into_iter().map(|chunk| rich(vec![boxed(chunk)])));
    blocks.extend(turning(approval, page, pages.len()));
    blocks.push(kit::context(vec![
        kit::small(Shown::own(format!("Digest of the arguments: {}", request.digest))),
        kit::small(Shown::own(format!("Request: {}", request.id))),
    ]));
    let modal = SlackModalView::new(plain_only("Details"), blocks)
        .with_close(plain_only("Close"))
        .with_callback_id(Callback::Details.as_str().into())
        .with_private_metadata(approval.id().to_string());
    view(modal)
}

/// The arguments as the modal shows them: indented JSON with everything hidden written out.
#[must_use]
pub fn arguments(arguments: &Arguments) -> Shown {
    let members = Value::Object(arguments.members().clone());
    let compact = members.to_string();
    // `{:#}` is JSON indented by two spaces.
    let indented = format!("{members:#}");
    let spread = indented.len() > SPREAD * compact.len() && indented.len() > BLOCK;
    harmless::lines(if spread { &compact } else { &indented })
}

/// What only the first page shows: names, reason and conversation, none of them cut.
fn first(approval: &Approval) -> Vec<SlackBlock> {
    let request = &approval.request;
    let mut facts = vec![
        ("Agent", head::agent(request)),
        ("Integration", head::integration(request)),
        ("Action", head::action(request)),
        ("Name in the API", harmless::line(&request.action.path())),
        ("Conversation", head::conversation(request)),
    ];
    if request.conversation.title.is_some() {
        facts.push(("Conversation id", harmless::line(request.conversation.id.as_str())));
    }
    let mut blocks = vec![rich(
        facts
            .into_iter()
            // A name that runs from right to left would move the word before it.
            .flat_map(|(label, fact)| [paragraph(vec![bold(label)]), quote(fact)])
            .collect(),
    )];
    if let Some(reason) = &request.reason {
        blocks.extend(whole(head::SAID, reason));
    }
    if let Some(Verdict::Denied { reason: Some(reason), .. }) =
        approval.decision.as_ref().map(|made| &made.verdict)
    {
        blocks.extend(whole("The reason for denying it:", reason));
    }
    blocks
}

/// Somebody's words, not cut, under what says whose they are.
fn whole(whose: &'static str, text: &Prose) -> Vec<SlackBlock> {
    let text = harmless::lines(text.as_str());
    let quotes = chunks(&text).into_iter().map(|chunk| rich(vec![quote(chunk)]));
    std::iter::once(say(whose)).chain(quotes).collect()
}

fn turning(approval: &Approval, page: usize, pages: usize) -> Option<SlackBlock> {
    let approval = approval.id();
    let mut row = Vec::new();
    if page > 0 {
        let control = Control::DetailsPrevious { approval, page: page - 1 };
        let alone = Shown::own(format!("Previous page of the arguments, {page} of {pages}"));
        row.push(kit::button(control, "Previous page", alone, Style::Plain));
    }
    if page + 1 < pages {
        let control = Control::DetailsNext { approval, page: page + 1 };
        let alone = Shown::own(format!("Next page of the arguments, {} of {pages}", page + 2));
        row.push(kit::button(control, "Next page", alone, Style::Plain));
    }
    (!row.is_empty()).then(|| kit::actions(row))
}

/// How many pages the details have.
#[must_use]
pub fn page_count(approval: &Approval) -> usize {
    pages(&arguments(&approval.request.arguments)).len()
}

fn pages(text: &Shown) -> Vec<Range<usize>> {
    pieces(text.as_str(), PAGE)
}

fn chunks(text: &Shown) -> Vec<Shown> {
    pieces(text.as_str(), BLOCK).into_iter().map(|range| text.part(range)).collect()
}

/// Cuts a text into pieces of at most `max`, at line ends where that doesn't make them shorter than half of it.
fn pieces(text: &str, max: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let fits = split(rest, max);
        let line = rest[..fits].rfind('\n').map(|at| at + 1).filter(|&at| size(&rest[..at]) > max / 2);
        let length = if fits == rest.len() { fits } else { line.unwrap_or(fits) };
        // A piece is never empty, so that this ends whatever the text.
        let length =
            if length == 0 { rest.chars().next().map_or(rest.len(), char::len_utf8) } else { length };
        pieces.push(start..start + length);
        start += length;
    }
    pieces
}
