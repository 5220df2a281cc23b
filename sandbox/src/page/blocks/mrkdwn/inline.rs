//! Bold, italic, strike, code, emoji and bare addresses within one line.

use maud::{Markup, html};

use super::super::{emoji, link};
use super::tokens::Token;

/// The marks and what they do, in the order of [`Line::open`].
const STYLES: [char; 3] = ['*', '_', '~'];

/// Renders one line (no line breaks in it).
pub(super) fn render(line: &[Token], verbatim: bool) -> Markup {
    Line { verbatim, open: [false; 3] }.render(line)
}

/// Renders tokens as they are: the inside of code.
pub(super) fn literal(tokens: &[Token]) -> Markup {
    let mut out = Out::default();
    for token in tokens {
        match token {
            Token::Char(c) => out.run.push(*c),
            Token::Drawn(drawn) => out.push(drawn.clone()),
        }
    }
    out.finish()
}

#[derive(Clone, Copy)]
struct Line {
    verbatim: bool,
    /// Which styles surround this part: a style does not nest in itself.
    open: [bool; 3],
}

impl Line {
    fn render(self, line: &[Token]) -> Markup {
        let mut out = Out::default();
        let (mut at, mut closeless) = (0, [false; 3]);
        while let Some(token) = line.get(at) {
            let rest = line.get(at..).unwrap_or_default();
            let drawn = match token {
                Token::Drawn(drawn) => Some((drawn.clone(), 1)),
                Token::Char('`') => code(rest),
                Token::Char(':') => shortcode(rest),
                Token::Char('h') if !self.verbatim && starts_word(line, at) => address(rest),
                Token::Char(c) => {
                    let style = STYLES.iter().position(|style| style == c);
                    style.and_then(|style| self.styled(line, at, style, &mut closeless))
                }
            };
            if let Some((drawn, taken)) = drawn {
                out.push(drawn);
                at += taken;
            } else {
                out.run.extend(token.char());
                at += 1;
            }
        }
        out.finish()
    }

    /// A styled stretch that starts at `at`. `closeless` remembers the styles for which a search to the end
    /// of the line found no end, so that a line of marks is searched once and not once for each mark.
    fn styled(
        self,
        line: &[Token],
        at: usize,
        style: usize,
        closeless: &mut [bool; 3],
    ) -> Option<(Markup, usize)> {
        let mark = *STYLES.get(style)?;
        if *self.open.get(style)? || *closeless.get(style)? || !starts_word(line, at) {
            return None;
        }
        if line.get(at + 1).is_none_or(|next| next.char().is_some_and(|c| c.is_whitespace() || c == mark)) {
            return None;
        }
        let ends = |end: &usize| {
            let before = line.get(end - 1).and_then(Token::char);
            let after = line.get(end + 1).and_then(Token::char);
            line.get(*end).and_then(Token::char) == Some(mark)
                && before.is_none_or(|c| !c.is_whitespace())
                && after.is_none_or(|c| !c.is_alphanumeric() && c != mark)
        };
        let Some(end) = (at + 2..line.len()).find(ends) else {
            *closeless.get_mut(style)? = true;
            return None;
        };
        let mut open = self.open;
        *open.get_mut(style)? = true;
        let inside = Self { open, ..self }.render(line.get(at + 1..end)?);
        let drawn = match mark {
            '*' => html! { strong { (inside) } },
            '_' => html! { em { (inside) } },
            _ => html! { s { (inside) } },
        };
        Some((drawn, end + 1 - at))
    }
}

/// Whether a mark at `at` may open a stretch: nothing, space or punctuation stands before it.
fn starts_word(line: &[Token], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| line.get(before)?.char()).is_none_or(|c| !c.is_alphanumeric())
}

fn code(rest: &[Token]) -> Option<(Markup, usize)> {
    let end = rest.iter().skip(1).position(|token| token.char() == Some('`'))? + 1;
    let inside = rest.get(1..end)?;
    (!inside.is_empty()).then(|| (html! { code.code { (literal(inside)) } }, end + 1))
}

fn shortcode(rest: &[Token]) -> Option<(Markup, usize)> {
    let chars: Vec<char> = rest.iter().take(120).map_while(Token::char).collect();
    let (name, emoji, taken) = emoji::at_start(&chars)?;
    Some((emoji::render(&name, emoji), taken))
}

/// An address that was written without angle brackets.
fn address(rest: &[Token]) -> Option<(Markup, usize)> {
    let scheme = "http".chars().map(Some);
    if !scheme.eq(rest.iter().take(4).map(Token::char)) {
        return None;
    }
    let chars = rest.iter().take(2000).map_while(Token::char);
    let text: String = chars.take_while(|c| !c.is_whitespace() && !"<>|`".contains(*c)).collect();
    let text = text.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '*', '_', '~', '"', '\'']);
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return None;
    }
    link::href(text)?;
    Some((link::anchor(text, &html! { (text) }), text.chars().count()))
}

/// Collects drawn parts, and characters between them.
#[derive(Default)]
struct Out {
    parts: Vec<Markup>,
    run: String,
}

impl Out {
    fn push(&mut self, part: Markup) {
        let run = std::mem::take(&mut self.run);
        if !run.is_empty() {
            self.parts.push(html! { (run) });
        }
        self.parts.push(part);
    }

    fn finish(self) -> Markup {
        html! { @for part in &self.parts { (part) } (self.run) }
    }
}
