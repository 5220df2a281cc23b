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
