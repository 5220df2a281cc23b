//! Splitting a condition into tokens.

use super::fault::SyntaxFault;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, or a word such as `true` or `in`.
    Word(String),
    /// An integer.
    Int(i64),
    /// A number with a fraction or an exponent.
    Double(f64),
    /// A string, without its quotes.
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// The signs, longer ones before those that they begin with.
const SIGNS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")", "[", "]",
    ",", ".",
];

/// Splits a text into tokens, each with the byte at which it begins. The last one is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, SyntaxFault> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some((token, length)) = string(rest).map_err(|message| fault(text, at, message))? {
            found.push((at, token));
            at += length;
        } else if first.is_ascii_digit()
            || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
        {
            let (token, length) = number(rest).map_err(|message| fault(text, at, message))?;
            found.push((at, token));
            at += length;
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push((at, Token::Word(rest[..length].to_owned())));
            at += length;
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            found.push((at, Token::Sign(sign)));
            at += sign.len();
        } else {
            let hint = match first {
                '=' => "; equality is ==".to_owned(),
                '&' => "; \"and\" is &&".to_owned(),
                '|' => "; \"or\" is ||".to_owned(),
                '{' => "; map literals are not supported".to_owned(),
                _ => String::new(),
            };
            return Err(fault(text, at, format!("unexpected character {first:?}{hint}")));
        }
    }
    found.push((text.len(), Token::End));
    Ok(found)
}

/// A fault at this byte of the text.
pub(super) fn fault(text: &str, at: usize, message: impl Into<String>) -> SyntaxFault {
    let before = text.get(..at).unwrap_or(text);
    SyntaxFault { character: before.chars().count() + 1, message: message.into() }
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let digits = |from: usize| {
        rest[from..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |length| from + length)
    };
    if let Some(hex) = rest.strip_prefix("0x") {
        let length = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        let value =
            i64::from_str_radix(&hex[..length], 16).map_err(|_| "this number is too large".to_owned())?;
        return ended(rest, length + 2).map(|end| (Token::Int(value), end));
    }
    let mut end = digits(0);
    let mut is_double = false;
    if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        is_double = true;
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let signed = end + 1 + usize::from(rest[end + 1..].starts_with(['+', '-']));
        if rest[signed..].starts_with(|c: char| c.is_ascii_digit()) {
            is_double = true;
            end = digits(signed);
        }
    }
    let end = ended(rest, end)?;
    let token = if is_double {
        rest[..end].parse().ok().filter(|value: &f64| value.is_finite()).map(Token::Double)
    } else {
        rest[..end].parse().ok().map(Token::Int)
    };
    token.map(|token| (token, end)).ok_or_else(|| "this number is too large".to_owned())
}

/// Refuses a letter right behind a number: `5u` would otherwise be two tokens.
fn ended(rest: &str, end: usize) -> Result<usize, String> {
    if rest[end..].starts_with(['u', 'U']) {
        Err("unsigned numbers are not supported; leave out the u".to_owned())
    } else if rest[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        Err("a number must not be followed by a letter".to_owned())
    } else {
        Ok(end)
    }
}

/// The string that the text begins with, and its length with quotes.
fn string(rest: &str) -> Result<Option<(Token, usize)>, String> {
    let raw = rest.starts_with(['r', 'R']) && rest[1..].starts_with(['"', '\'']);
    let start = usize::from(raw);
    let Some(quote) = rest[start..].chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Ok(None);
    };
    let mut value = String::new();
    let mut chars = rest[start + 1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok(Some((Token::Text(value), start + 1 + at + 1))),
            '\n' => break,
            '\\' if !raw => value.push(escaped(&mut chars)?),
            _ => value.push(c),
        }
    }
    Err(format!("the string has no closing {quote}"))
}

fn escaped(chars: &mut std::str::CharIndices<'_>) -> Result<char, String> {
    let unknown = || "unknown escape; write \\\\ for a backslash, or an r before the string".to_owned();
    let digits = match chars.next().map(|(_, c)| c) {
        Some(c @ ('\\' | '"' | '\'' | '`' | '?')) => return Ok(c),
        Some('n') => return Ok('\n'),
        Some('r') => return Ok('\r'),
        Some('t') => return Ok('\t'),
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        _ => return Err(unknown()),
    };
    let code: String = chars.take(digits).map(|(_, c)| c).collect();
    let value = (code.len() == digits).then(|| u32::from_str_radix(&code, 16).ok()).flatten();
    value.and_then(char::from_u32).ok_or_else(unknown)
}
