//! Text cut into characters and resolved entities.

use maud::Markup;

use super::{RenderContext, entity};

/// One character to be styled, or something that is already drawn.
#[derive(Debug, Clone)]
pub(super) enum Token {
    /// A character of the text, with `&amp;`, `&lt;` and `&gt;` decoded.
    Char(char),
    /// A mention, link or date.
    Drawn(Markup),
}

impl Token {
    /// The character, if it is one.
    pub(super) fn char(&self) -> Option<char> {
        match self {
            Self::Char(c) => Some(*c),
            Self::Drawn(_) => None,
        }
    }
}

/// The three characters that Slack wants escaped, and nothing else.
const ESCAPES: [(&str, char); 3] = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')];

/// Cuts `text` into tokens.
pub(super) fn read(context: &RenderContext<'_>, text: &str) -> Vec<Token> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(c) = rest.chars().next() {
        if c == '<'
            && let Some((inside, tail)) = enclosed(rest)
            && let Some(drawn) = entity::render(context, inside)
        {
            out.push(Token::Drawn(drawn));
            rest = tail;
        } else if let Some((escape, plain)) = ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape)) {
            out.push(Token::Char(*plain));
            rest = rest.strip_prefix(escape).unwrap_or_default();
        } else {
            out.push(Token::Char(c));
            rest = rest.strip_prefix(c).unwrap_or_default();
        }
    }
    out
}

/// What stands between the `<` that `text` starts with and the next `>`, and what follows.
///
/// The search ends at a line break and after 5000 bytes, so that a hostile text costs no more than its length.
fn enclosed(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().skip(1).take(5000).position(|b| matches!(b, b'>' | b'<' | b'\n'))? + 1;
    let inside = text.get(1..end)?;
    let tail = text.get(end..)?.strip_prefix('>')?;
    (!inside.is_empty()).then_some((inside, tail))
}
