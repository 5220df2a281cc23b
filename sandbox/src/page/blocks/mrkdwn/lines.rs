//! Preformatted blocks, quotes and line breaks.

use maud::{Markup, html};

use super::inline;
use super::tokens::Token;

/// Renders a whole text.
pub(super) fn render(tokens: &[Token], verbatim: bool) -> Markup {
    let mut out = Vec::new();
    let mut rest = tokens;
    while let Some((before, code, after)) = preformatted(rest) {
        out.push(paragraphs(before, verbatim));
        out.push(html! { pre.pre { (inline::literal(code)) } });
        rest = after.strip_prefix_break();
    }
    out.push(paragraphs(rest, verbatim));
    html! { @for part in out { (part) } }
}

/// The first ``` … ``` with what stands before, in and after it.
fn preformatted(tokens: &[Token]) -> Option<(&[Token], &[Token], &[Token])> {
    let start = fence(tokens, 0)?;
    let end = fence(tokens, start + 3)?;
    if end == start + 3 {
        return None;
    }
    let code = tokens.get(start + 3..end)?.strip_prefix_break();
    Some((tokens.get(..start)?, code.strip_suffix_break(), tokens.get(end + 3..)?))
}

fn fence(tokens: &[Token], from: usize) -> Option<usize> {
    let at = tokens.get(from..)?.windows(3).position(|three| three.iter().all(|t| t.char() == Some('`')))?;
    Some(from + at)
}

/// Lines, of which those that start with `>` are gathered to quotes; `>>>` quotes all that follows.
fn paragraphs(tokens: &[Token], verbatim: bool) -> Markup {
    let mut groups: Vec<(bool, Vec<&[Token]>)> = Vec::new();
    let mut rest = Some(tokens);
    while let Some(tokens) = rest {
        let (line, after) = split_line(tokens);
        let marks = line.iter().take_while(|token| token.char() == Some('>')).take(3).count();
        if marks == 3 {
            let all = tokens.get(3..).unwrap_or_default();
            groups.push((true, all.split(|token| token.char() == Some('\n')).map(trim_space).collect()));
            break;
        }
        let quoted = marks > 0;
        let line = if quoted { trim_space(line.get(1..).unwrap_or_default()) } else { line };
        match groups.last_mut() {
            Some((last, lines)) if *last == quoted => lines.push(line),
            _ => groups.push((quoted, vec![line])),
        }
        rest = after;
    }
    if let [(false, lines)] = groups.as_slice()
        && lines.iter().all(|line| line.is_empty())
    {
        return html! {};
    }
    html! {
        @for (quoted, lines) in &groups {
            @if *quoted { blockquote.quote { (joined(lines, verbatim)) } } @else { (joined(lines, verbatim)) }
        }
    }
}

fn joined(lines: &[&[Token]], verbatim: bool) -> Markup {
    html! {
        @for (index, line) in lines.iter().enumerate() {
            @if index > 0 { br; }
            (inline::render(line, verbatim))
        }
    }
}

fn split_line(tokens: &[Token]) -> (&[Token], Option<&[Token]>) {
    match tokens.iter().position(|token| token.char() == Some('\n')) {
        Some(at) => (tokens.get(..at).unwrap_or_default(), tokens.get(at + 1..)),
        None => (tokens, None),
    }
}

fn trim_space(line: &[Token]) -> &[Token] {
    match line.split_first() {
        Some((Token::Char(' '), rest)) => rest,
        _ => line,
    }
}

/// A preformatted block swallows the line breaks next to its fences.
trait Breaks {
    fn strip_prefix_break(&self) -> &Self;
    fn strip_suffix_break(&self) -> &Self;
}

impl Breaks for [Token] {
    fn strip_prefix_break(&self) -> &Self {
        match self.split_first() {
            Some((Token::Char('\n'), rest)) => rest,
            _ => self,
        }
    }

    fn strip_suffix_break(&self) -> &Self {
        match self.split_last() {
            Some((Token::Char('\n'), rest)) => rest,
            _ => self,
        }
    }
}
