//! Takes an action's arguments apart, so that each value can have an element of its own under its name.
//!
//! Fields that the backend describes come first, in its order and with its labels. The others follow in the order of the
//! arguments; their names are made from their keys, unless another field has that name.
//!
//! Objects are flattened: `{"to": {"name": "Kim"}}` is one field, *To › Name*. So are arrays, except those of plain words
//! and numbers, which are one value. An element then never contains both a name and a value, or two texts, and wrapped
//! text can't pass for the next field.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::{
    domain::{
        approvals::Request,
        arguments::{Arguments, is_one_value},
        field_hints::{FieldHint, Format, Presentation},
        labels,
    },
    slack::view::sanitize::{self, safe_text::SafeText, size},
};

/// Longest path, by Slack's count, that the names below it repeat. A longer one gets an alias: otherwise 200 KB of
/// arguments could become gigabytes of names.
const PATH: usize = 60;
/// Longest label that is repeated in the same way.
const LABEL: usize = 90;
/// Longest key that is shown without quotes.
const BARE_NAME: usize = 32;
/// Longest JSON that stands behind a bar.
const JSON: usize = 80;

/// A part of the arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What people read above the value, such as *To › Name*.
    pub name: SafeText,
    /// The path of the field, such as `to.name`, `lines[0].amount` or `"a name with spaces"`. `None` if it is the name.
    pub path: Option<SafeText>,
    /// The field's value, or the alias for its own fields.
    pub content: Content,
    /// Whether the backend describes the field.
    pub is_described: bool,
}

/// The content of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// One value.
    Value(FieldValue),
    /// Further fields, which follow. Their names begin with this alias, such as `(1)`, instead of this field's long
    /// name.
    Alias(SafeText),
}

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    /// A text as it is, a list with an item a line, or JSON.
    pub text: SafeText,
    /// What keeps the value apart from everything else.
    pub frame: Frame,
}

/// What Slack draws along every line of a value, however narrow the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// A bar, for text that is read.
    Bar,
    /// A box with letters of equal width, for text in which every space counts.
    Box,
}

/// Takes arguments apart.
#[must_use]
pub fn fields(arguments: &Arguments, presentation: &Presentation) -> Vec<Field> {
    let members = arguments.members();
    let mut fields = Fields::default();
    for hint in &presentation.fields {
        fields.add_described(members, hint);
    }
    fields.is_described = false;
    for (key, value) in members {
        let at = format!("/{}", escaped(key));
        fields.add(Place { name: Name::for_key(key), key, value, format: None, siblings: Some(members), at });
    }
    told_apart(fields.found, &fields.labelled)
}

/// The label and the path of a field.
#[derive(Debug, Clone)]
struct Name {
    label: SafeText,
    path: SafeText,
    /// The label is the backend's, not made from a key.
    is_labelled: bool,
}

impl Name {
    fn for_key(key: &str) -> Self {
        Self { label: label(key), path: segment(key), is_labelled: false }
    }

    fn member(&self, key: &str) -> Self {
        Self {
            label: self.label.clone().then(" › ").then(label(key)),
            path: self.path.clone().then(".").then(segment(key)),
            is_labelled: false,
        }
    }

    fn item(&self, at: usize) -> Self {
        Self {
            label: self.label.clone().then(SafeText::own(format!(" #{}", at + 1))),
            path: self.path.clone().then(SafeText::own(format!("[{at}]"))),
            is_labelled: self.is_labelled,
        }
    }
}

/// A value, and where it is.
struct Place<'a> {
    name: Name,
    key: &'a str,
    value: &'a Value,
    format: Option<Format>,
    /// The object that the value is a member of.
    siblings: Option<&'a Map<String, Value>>,
    /// The JSON pointer, or nothing if no described field is further down.
    at: String,
}

struct Fields {
    found: Vec<Field>,
    /// Whether the label of each is the backend's.
    labelled: Vec<bool>,
    aliases: usize,
    is_described: bool,
    /// The pointers of described fields, which are not shown again.
    described: HashSet<String>,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            found: Vec::new(),
            labelled: Vec::new(),
            aliases: 0,
            is_described: true,
            described: HashSet::new(),
        }
    }
}

impl Fields {
    fn add_described(&mut self, members: &Map<String, Value>, hint: &FieldHint) {
        let steps: Vec<String> = hint.pointer.steps().collect();
        let Some((first, rest)) = steps.split_first() else { return };
        let mut siblings = Some(members);
        let Some(mut value) = members.get(first) else { return };
        let mut name = Name::for_key(first);
        for step in rest {
            let next = match value {
                Value::Object(inner) => {
                    siblings = Some(inner);
                    name = name.member(step);
                    inner.get(step)
                }
                Value::Array(items) => {
                    let Ok(at) = step.parse::<usize>() else { return };
                    siblings = None;
                    name = name.item(at);
                    items.get(at)
                }
                _ => None,
            };
            let Some(next) = next else { return };
            value = next;
        }
        if let Some(label) = &hint.label {
            name.label = sanitize::line(label.as_str());
            name.is_labelled = true;
        }
        self.add(Place {
            name,
            key: steps.last().map_or("", String::as_str),
            value,
            format: hint.format,
            siblings,
            at: String::new(),
        });
        self.described.insert(hint.pointer.as_str().to_owned());
    }

    fn add(&mut self, place: Place<'_>) {
        let Place { name, key, value, format, siblings, at } = place;
        if self.described.contains(&at) {
            return;
        }
        match value {
            Value::Object(members) if !members.is_empty() => {
                let base = self.base(name);
                for (key, value) in members {
                    let at = self.below(&at, key);
                    let name = base.member(key);
                    self.add(Place { name, key, value, format: None, siblings: Some(members), at });
                }
            }
            Value::Array(items) if !is_one_value(items) => {
                let base = self.base(name);
                for (index, value) in items.iter().enumerate() {
                    let at = self.below(&at, &index.to_string());
                    let name = base.item(index);
                    self.add(Place { name, key, value, format, siblings: None, at });
                }
            }
            one => {
                let format = format.or_else(|| labels::guessed(key, one));
                self.push(name, Content::Value(show(one, format, siblings.map(|all| (key, all)))));
            }
        }
    }

    /// The pointer to a member, or nothing if no described field is there or further down.
    fn below(&self, at: &str, key: &str) -> String {
        if at.is_empty() {
            return String::new();
        }
        let pointer = format!("{at}/{}", escaped(key));
        let within = |described: &String| {
            described.strip_prefix(&pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if self.described.iter().any(within) { pointer } else { String::new() }
    }

    fn push(&mut self, name: Name, content: Content) {
        let Name { label, path, is_labelled } = name;
        self.labelled.push(is_labelled);
        let path = (path != label).then_some(path);
        self.found.push(Field { name: label, path, content, is_described: self.is_described });
    }

    /// The prefix for the names below a name: the name itself, or an alias for it.
    fn base(&mut self, name: Name) -> Name {
        if size(name.path.as_str()) <= PATH && size(name.label.as_str()) <= LABEL {
            return name;
        }
        self.aliases += 1;
        // No name looks like an alias: a name with brackets is shown in quotes.
        let alias = SafeText::own(format!("({})", self.aliases));
        self.push(name, Content::Alias(alias.clone()));
        Name { label: alias.clone(), path: alias, is_labelled: false }
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Gives fields whose names read the same their paths as names. A label of the backend stays.
fn told_apart(mut fields: Vec<Field>, labelled: &[bool]) -> Vec<Field> {
    let reads = |name: &SafeText| name.as_str().to_lowercase();
    let counted = |fields: &[Field]| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for field in fields {
            *counts.entry(reads(&field.name)).or_default() += 1;
        }
        counts
    };
    let counts = counted(&fields);
    for (field, is_labelled) in fields.iter_mut().zip(labelled) {
        if !is_labelled && counts.get(&reads(&field.name)).is_some_and(|&count| count > 1) {
            field.name = field.path.take().unwrap_or_else(|| field.name.clone());
        }
    }
    let counts = counted(&fields);
    for (field, is_labelled) in fields.iter_mut().zip(labelled) {
        if !is_labelled
            && counts.get(&reads(&field.name)).is_some_and(|&count| count > 1)
            && !field.name.as_str().starts_with('"')
        {
            field.name = field.name.between("\"", "\"");
        }
    }
    fields
}

/// What people read for a key.
fn label(key: &str) -> SafeText {
    // A label is made of ASCII words.
    labels::humanised(key).map_or_else(|| segment(key), SafeText::own)
}

/// A member's name within a path: bare, or as JSON if it could be read as several names or as a word of ASCII letters.
pub(super) fn segment(name: &str) -> SafeText {
    let ordinary = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$' | b'@');
    if !name.is_empty() && name.bytes().all(ordinary) && size(name) <= BARE_NAME {
        return sanitize::line(name);
    }
    let shown = sanitize::line(&Value::from(name).to_string());
    if name.chars().any(|letter| letter.is_ascii_alphabetic()) {
        sanitize::with_marked_doubles(&shown)
    } else {
        shown
    }
}

/// A value without its name.
pub(super) fn value(value: &Value) -> FieldValue {
    show(value, None, None)
}

/// A value as it is shown. `among`: its key, and the object that it is a member of.
fn show(value: &Value, format: Option<Format>, among: Option<(&str, &Map<String, Value>)>) -> FieldValue {
    if let (Some(Format::Money), Some(amount)) = (format, amount(value)) {
        let currency = among.and_then(|(key, members)| currency(key, members));
        let text = currency.map_or_else(|| amount.clone(), |currency| format!("{amount} {currency}"));
        return FieldValue { text: SafeText::own(text), frame: Frame::Bar };
    }
    match value {
        Value::String(text) if is_bare(text) => {
            let spaced = text.contains(['\t', '\u{a0}']) || text.contains("  ") || has_indent(text);
            let frame = if format == Some(Format::Code) || spaced { Frame::Box } else { Frame::Bar };
            FieldValue { text: sanitize::lines(text.trim_end_matches(['\r', '\n'])), frame }
        }
        Value::Array(items) if items.len() > 1 && items.iter().all(|item| !item.is_array()) => {
            let items = items.iter().map(|item| SafeText::from("• ").then(show(item, None, None).text));
            let list = items.reduce(|list, item| list.then("\n").then(item));
            FieldValue { text: list.unwrap_or_default(), frame: Frame::Bar }
        }
        Value::Array(items) => match items.as_slice() {
            [one] if !one.is_array() => show(one, None, None),
            _ => json(value),
        },
        other => json(other),
    }
}

fn json(value: &Value) -> FieldValue {
    let text = sanitize::lines(&value.to_string());
    let short = size(text.as_str()) <= JSON && !text.as_str().contains("  ");
    FieldValue { text, frame: if short { Frame::Bar } else { Frame::Box } }
}

fn has_indent(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(char::is_whitespace))
}

/// Whether a text can't be confused with another value without quotes. One of several lines can't be. One of a single
/// line must not be empty, JSON, have white space at places where it is invisible, or `\r`, which is not preserved.
fn is_bare(text: &str) -> bool {
    let whole = text.trim_end_matches(['\r', '\n']);
    if whole.contains('\n') && !whole.replace("\r\n", "").contains('\r') {
        return true;
    }
    !whole.trim().is_empty()
        && !whole.starts_with(char::is_whitespace)
        && !whole.ends_with(char::is_whitespace)
        && !whole.contains('\r')
        // A quotation mark at the start could seem to close too early; a number or `true` is not a text.
        && !whole.starts_with(['"', '{', '['])
        && serde_json::from_str::<Value>(whole).is_err()
}

/// The amount of a top-level argument that the backend describes as money, as its field shows it.
pub(super) fn money(request: &Request, key: &str) -> Option<SafeText> {
    let members = request.arguments.members();
    let mut hints = request.action.presentation.fields.iter();
    let is_money = hints.any(|hint| {
        hint.format == Some(Format::Money) && hint.pointer.steps().eq(std::iter::once(key.to_owned()))
    });
    let value = members.get(key).filter(|value| is_money && amount(value).is_some())?;
    Some(show(value, Some(Format::Money), Some((key, members))).text)
}

/// An amount with its digits in groups of three, if it is a plain number.
fn amount(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) =
        digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !fraction.is_none_or(plain) || digits.len() > 30 {
        return None;
    }
    let mut grouped = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    Some(grouped)
}

/// The currency that stands beside an amount: three letters, so that nothing else can come into the amount's element.
fn currency(key: &str, members: &Map<String, Value>) -> Option<String> {
    let own = [format!("{key}_currency"), format!("{key}Currency")];
    let keys = own.iter().map(String::as_str).chain(["currency", "currency_code", "currencyCode"]);
    let code = keys.filter_map(|key| members.get(key)).find_map(Value::as_str)?;
    let fits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    fits.then(|| code.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::field_hints::{ArgumentPointer, Label};

    fn read(json: &str) -> Arguments {
        serde_json::from_str(json).unwrap()
    }

    /// A line a field: name, path in brackets, `|` for a bar or `#` for a box, value.
    fn line(field: Field) -> String {
        let path = field.path.map(|path| format!(" [{}]", path.as_str())).unwrap_or_default();
        let mark = if field.is_described { "*" } else { "" };
        match field.content {
            Content::Value(shown) => {
                let frame = if shown.frame == Frame::Bar { '|' } else { '#' };
                format!("{mark}{}{path} {frame} {}", field.name.as_str(), shown.text.as_str())
            }
            Content::Alias(alias) => format!("{mark}{}{path} is {}", field.name.as_str(), alias.as_str()),
        }
    }

    fn show_with(json: &str, hints: &[(&str, Option<&str>, Option<Format>)]) -> String {
        let hints = hints.iter().map(|(pointer, label, format)| FieldHint {
            pointer: ArgumentPointer::new(*pointer).unwrap(),
            label: label.map(|label| Label::new(label).unwrap()),
            format: *format,
        });
        let presentation = Presentation { title: None, fields: hints.collect() };
        fields(&read(json), &presentation).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn show(json: &str) -> String {
        show_with(json, &[])
    }

    #[test]
    fn every_value_has_its_name_in_the_order_given() {
        insta::assert_snapshot!(
            show(r#"{"to":{"name":"Kim","mail":"kim@example.com"},"lines":[{"amount":1},"two words"],"tags":["call","q3"],"copy":null}"#),
            @r"
        To › Name [to.name] | Kim
        To › Mail [to.mail] | kim@example.com
        Lines #1 › Amount [lines[0].amount] | 1
        Lines #2 [lines[1]] | two words
        Tags [tags] | • call
        • q3
        Copy [copy] | null
        "
        );
    }

    #[test]
    fn described_fields_come_first_with_their_labels_and_once() {
        insta::assert_snapshot!(
            show_with(
                r#"{"extra":1,"message":{"subject":"Hi","body":"Dear Kim"},"amount":148000000,"currency":"usd","to":["kim@example.com"]}"#,
                &[
                    ("/to", Some("Recipients"), Some(Format::List)),
                    ("/message/body", None, None),
                    ("/amount", Some("Amount in cents"), Some(Format::Money)),
                    ("/absent", Some("Absent"), None),
                    ("/message/subject/x", None, None),
                ]
            ),
            @r"
        *Recipients [to] | kim@example.com
        *Message › Body [message.body] | Dear Kim
        *Amount in cents [amount] | 148,000,000 USD
        Extra [extra] | 1
        Message › Subject [message.subject] | Hi
        Currency [currency] | usd
        "
        );
    }

    #[test]
    fn a_text_keeps_its_line_breaks() {
        assert_eq!(show(r#"{"body":"Dear Kim,\n\nyes. Bye\n"}"#), "Body [body] | Dear Kim,\n\nyes. Bye");
        assert_eq!(show(r#"{"body":"[a]\r\n\"b\""}"#), "Body [body] | [a]\n\"b\"");
        assert_eq!(show(r#"{"body":"Dear Kim,\n\n\tyes."}"#), "Body [body] # Dear Kim,\n\n\tyes.");
        assert_eq!(show(r#"{"sql":"vacuum"}"#), "SQL [sql] # vacuum");
    }

    #[test]
    fn what_could_be_something_else_is_quoted() {
        insta::assert_snapshot!(
            show(r#"{"a":"","b":"true","c":true,"d":{},"e":[],"f":"1","g":"\"x","h":"{}","i":" ","j":"x ","k":"a\rb","":"x","a b":"x","a.b":"x","(1)":"x","l":["1",1]}"#),
            @r#"
        A [a] | ""
        B [b] | "true"
        C [c] | true
        D [d] | {}
        E [e] | []
        F [f] | "1"
        G [g] | "\"x"
        H [h] | "{}"
        I [i] | " "
        J [j] | "x "
        K [k] | "a\rb"
        "" | x
        "a b" | x
        "a.b" | x
        "(1)" | x
        L [l] | • "1"
        • 1
        "#
        );
    }

    #[test]
    fn names_that_read_the_same_are_told_apart() {
        assert_eq!(
            show_with(r#"{"to":"kim","To":"mallory"}"#, &[("/to", Some("To"), None)]),
            "*To [to] | kim\n\"To\" | mallory"
        );
        assert_eq!(show(r#"{"userId":1,"user_id":2}"#), "userId | 1\nuser_id | 2");
        // A Cyrillic letter among ASCII ones.
        assert_eq!(show(r#"{"tо":1,"größe":1,"имя":1}"#), "\"t⟨U+043E⟩\" | 1\n\"größe\" | 1\n\"имя\" | 1");
        // The keys of a described object are the agent's.
        assert_eq!(
            show_with(r#"{"in":{"a":1,"A":2}}"#, &[("/in", Some("Inputs"), None)]),
            "*\"in.a\" | 1\n*\"in.A\" | 2"
        );
    }

    #[test]
    fn an_array_that_could_be_misread_is_opened() {
        assert_eq!(show(r#"{"a":["x","b: y"]}"#), "A #1 [a[0]] | x\nA #2 [a[1]] | b: y");
        assert_eq!(show(r#"{"a":[[1,2],["x"]]}"#), r#"A [a] | [[1,2],["x"]]"#);
    }

    #[test]
    fn only_plain_numbers_are_amounts() {
        let money = |json: &str| show_with(json, &[("/n", Some("N"), Some(Format::Money))]);
        assert_eq!(money(r#"{"n":-1234567.5}"#), "*N [n] | -1,234,567.5");
        assert_eq!(money(r#"{"n":"1000","n_currency":"eur"}"#).lines().next(), Some("*N [n] | 1,000 EUR"));
        assert_eq!(money(r#"{"n":999,"currency":"x y"}"#).lines().next(), Some("*N [n] | 999"));
        assert_eq!(money(r#"{"n":1e30}"#), "*N [n] | 1e+30");
        assert_eq!(money(r#"{"n":"1 or 2"}"#), "*N [n] | 1 or 2");
    }

    #[test]
    fn a_long_path_gets_an_alias() {
        let long = "n".repeat(70);
        assert_eq!(
            show(&format!(r#"{{"{long}":{{"a":1,"b":{{"c":2}}}}}}"#)),
            format!("\"{long}\" is (1)\n(1) › A [(1).a] | 1\n(1) › B › C [(1).b.c] | 2")
        );
    }

    #[test]
    fn names_grow_no_faster_than_the_arguments() {
        let inner: Vec<String> = (0..1_000).map(|n| format!(r#""a {n}":"b c""#)).collect();
        let text = format!(
            r#"{{"{}":{}{{{}}}{}}}"#,
            "n".repeat(50_000),
            r#"{"x y":"#.repeat(90),
            inner.join(","),
            "}".repeat(90)
        );
        assert!(show(&text).len() < 4 * text.len());
    }
}
