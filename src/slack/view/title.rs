//! The title of a request: the action's template, filled with arguments.
//!
//! Values stand in the style of code, or in quotation marks where there are no styles, so that no value can pass for a
//! word of the template or of ours.

use slack_morphism::prelude::{SlackRichTextElement, SlackRichTextInlineElement};

use crate::{
    domain::{
        approvals::Request,
        templates::{Part, PlaceValue},
    },
    slack::view::{
        blocks::{bold, coded, paragraph, words},
        fields,
        sanitize::{
            self, cut, cut_short, in_mrkdwn, in_quotes, runs_right_to_left, safe_text::SafeText, size,
        },
    },
};

/// Longest value in a title.
const VALUE: usize = 60;
/// Longest name of an integration or an action.
const NAME: usize = 160;
/// Longest agent's name in a title.
const AGENT: usize = 40;

/// The names of integration and action.
pub(super) fn names(request: &Request) -> [SafeText; 2] {
    let action = &request.action;
    [&action.integration_name, &action.action_name].map(|name| cut(sanitize::line(name), NAME).text)
}

/// Whether a title is about a request that waits, or one that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tense {
    Waits,
    Ended,
}

impl Tense {
    /// What stands between the agent and the title.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Waits => "wants to",
            Self::Ended => "asked to",
        }
    }
}

/// A piece of a title.
#[derive(Debug, Clone)]
enum Piece {
    /// Words of the template.
    Words(SafeText),
    /// Our own words, in place of a value.
    Own(SafeText),
    /// A value.
    Value(SafeText),
}

/// The pieces of the filled template; `None` if the action has none.
fn pieces(request: &Request) -> Option<Vec<Piece>> {
    let template = request.action.presentation.title.as_ref()?;
    if request.contents_deleted_at.is_some() && template.places().next().is_some() {
        return None;
    }
    let mut pieces = Vec::new();
    let mut places = template.places();
    for part in template.fill(request.arguments.members()) {
        let place = if matches!(part, Part::Value(_)) { places.next() } else { None };
        if let Some(amount) = place.and_then(|place| fields::money(request, place)) {
            pieces.push(Piece::Value(amount));
            continue;
        }
        match part {
            Part::Words(text) => pieces.push(Piece::Words(sanitize::line(&text))),
            Part::Value(PlaceValue::One(text)) => pieces.push(value(&text)),
            Part::Value(PlaceValue::First(text, more)) => {
                pieces.push(value(&text));
                pieces.push(Piece::Own(SafeText::own(format!(" and {more} more"))));
            }
            Part::Value(PlaceValue::Nested) => pieces.push(Piece::Own("(several values)".into())),
            Part::Value(PlaceValue::Missing) => pieces.push(Piece::Own("(no value)".into())),
        }
    }
    Some(pieces)
}

/// The arguments whose values the title shows whole.
pub(super) fn named(request: &Request) -> Vec<&str> {
    let Some(template) = &request.action.presentation.title else { return Vec::new() };
    let values = template.fill(request.arguments.members()).into_iter().filter_map(|part| match part {
        Part::Words(_) => None,
        Part::Value(value) => Some(value),
    });
    let is_whole = |value: PlaceValue| match value {
        PlaceValue::One(text) => {
            let shown = sanitize::line(&text.chars().take(4 * VALUE).collect::<String>());
            !runs_right_to_left(&text) && !text.contains('\n') && size(shown.as_str()) <= VALUE
        }
        PlaceValue::First(..) | PlaceValue::Nested | PlaceValue::Missing => false,
    };
    let places = template.places().zip(values);
    let places = places.filter_map(|(place, value)| {
        (fields::money(request, place).is_some() || is_whole(value)).then_some(place)
    });
    places.collect()
}

fn value(text: &str) -> Piece {
    // Within a line, the bidirectional algorithm could move our words to its other side.
    if runs_right_to_left(text) {
        return Piece::Own("(see below)".into());
    }
    // So much is enough to be cut: the rest of 200 KB needn't be looked at.
    let beginning: String = text.chars().take(4 * VALUE).collect();
    let shown = if beginning.contains('\n') {
        sanitize::joined(&beginning, " ↵ ")
    } else {
        sanitize::line(&beginning)
    };
    Piece::Value(cut_short(shown, VALUE))
}

/// The same with a small letter at the beginning, for the middle of a sentence: only if the first word is no name or
/// abbreviation.
fn uncapitalised(mut pieces: Vec<Piece>) -> Vec<Piece> {
    if let Some(Piece::Words(text)) = pieces.first_mut() {
        // `Commit: {message}` begins with a word as well.
        let word = text.as_str().split([' ', ':']).next().unwrap_or_default();
        let mut letters = word.chars();
        let capital = letters.next().filter(char::is_ascii_uppercase);
        if let Some(capital) = capital
            && letters.clone().next().is_some()
            && letters.all(|letter| letter.is_ascii_lowercase())
        {
            let rest = text.part(1..text.as_str().len());
            *text = SafeText::own(capital.to_ascii_lowercase().to_string()).then(rest);
        }
    }
    pieces
}

fn styled(piece: Piece) -> SlackRichTextInlineElement {
    match piece {
        Piece::Words(text) => bold(text),
        Piece::Own(text) => words(text),
        Piece::Value(text) => coded(text),
    }
}

/// *Atlas wants to send mail to kim@example.com*: the first paragraph of a request. Names that run from right to left
/// have paragraphs of their own.
pub(super) fn paragraphs(request: &Request) -> Vec<SlackRichTextElement> {
    paragraphs_in(request, Tense::Waits)
}

/// The same in the tense that fits: *Atlas asked to send mail to kim@example.com*.
pub(super) fn paragraphs_in(request: &Request, tense: Tense) -> Vec<SlackRichTextElement> {
    let verb = SafeText::from(tense.verb());
    let agent = cut_short(sanitize::line(request.agent.label()), AGENT);
    let Some(pieces) = pieces(request) else {
        let names = names(request);
        let apart = names.iter().chain([&agent]).any(|name| runs_right_to_left(name.as_str()));
        let [integration, action] = names;
        if apart {
            return vec![
                paragraph(vec![coded(agent)]),
                paragraph(vec![words(verb.then(" use"))]),
                paragraph(vec![bold(integration)]),
                paragraph(vec![bold(action)]),
            ];
        }
        let used = bold(integration.then(": ").then(action));
        return vec![paragraph(vec![
            coded(agent),
            words(SafeText::from(" ").then(verb).then(" use ")),
            used,
        ])];
    };
    let apart = runs_right_to_left(agent.as_str())
        || pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Words(text) if runs_right_to_left(text.as_str())));
    let pieces = if apart { pieces } else { uncapitalised(pieces) };
    let shown = pieces.into_iter().map(styled);
    if apart {
        return vec![
            paragraph(vec![coded(agent)]),
            paragraph(vec![words(verb.then(":"))]),
            paragraph(shown.collect()),
        ];
    }
    let verb = words(SafeText::from(" ").then(verb).then(" "));
    vec![paragraph([coded(agent), verb].into_iter().chain(shown).collect())]
}

/// *Send mail to kim@example.com*: a paragraph with only the title, for a call that was approved. `None` if the action has
/// no template.
pub(super) fn alone(request: &Request) -> Option<SlackRichTextElement> {
    Some(paragraph(pieces(request)?.into_iter().map(styled).collect()))
}

/// *Send mail to “kim@example.com”*: the title without the agent, for places without styles. `None` if the action has
/// no template, or one that would reorder what stands around it.
pub(super) fn plain(request: &Request) -> Option<SafeText> {
    let pieces = pieces(request)?;
    joined(pieces)
}

fn joined(pieces: Vec<Piece>) -> Option<SafeText> {
    let mut title = SafeText::default();
    for piece in pieces {
        title = match piece {
            Piece::Words(text) if runs_right_to_left(text.as_str()) => return None,
            // Words can't open or close the quotation marks of a value.
            Piece::Words(text) => title.then(sanitize::without_quotes(&text)),
            Piece::Own(text) => title.then(text),
            Piece::Value(text) => title.then(in_quotes(&text)),
        };
    }
    Some(title)
}

/// The same within a sentence of mrkdwn: *send mail to “kim@example.com”*.
pub(super) fn in_sentence(request: &Request) -> Option<String> {
    joined(uncapitalised(pieces(request)?)).map(|title| in_mrkdwn(&title))
}
