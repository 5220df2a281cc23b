//! What tells requests apart whose lines read the same.

use serde_json::{Value, json};

use super::samples::ordinary;
use crate::{
    domain::{
        approvals::{Approval, Request},
        arguments::Arguments,
        field_hints::{ArgumentPointer, FieldHint},
        overview::{Page, WaitingLine},
        templates::Template,
    },
    slack::view::{
        differences::differences,
        fields::{Content, Field},
        lists, shared, together,
    },
};

fn requests(arguments: &[Value]) -> Vec<Request> {
    let request = |arguments: &Value| {
        let arguments: Arguments = serde_json::from_value(arguments.clone()).unwrap();
        Request { arguments, ..ordinary().request }
    };
    arguments.iter().map(request).collect()
}

fn line(difference: &[Field]) -> String {
    let fields = difference.iter().map(|field| match &field.content {
        Content::Value(value) => format!("{}: {}", field.name.as_str(), value.text.as_str()),
        Content::Alias(alias) => panic!("{alias:?}"),
    });
    fields.collect::<Vec<_>>().join(", ")
}

/// A line a request; `lines` says which read the same.
fn show_with(requests: &[Request], lines: &[usize]) -> String {
    let lines: Vec<_> = requests.iter().zip(lines).collect();
    differences(&lines).iter().map(|told| line(told)).collect::<Vec<_>>().join("\n")
}

fn show(arguments: &[Value]) -> String {
    show_with(&requests(arguments), &vec![0; arguments.len()])
}

#[test]
fn each_request_gets_the_first_field_in_which_it_differs_from_all() {
    insta::assert_snapshot!(show(&[
        json!({"channel": "#sales", "text": "Hi", "thread": 1}),
        json!({"channel": "#sales", "text": "Hello", "thread": 2}),
        json!({"channel": "#sales", "text": "Good morning", "thread": 3}),
    ]), @r"
    Text: Hi
    Text: Hello
    Text: Good morning
    ");
}

#[test]
fn described_fields_come_first() {
    let mut requests = requests(&[json!({"text": "Hi", "thread": 1}), json!({"text": "Ho", "thread": 2})]);
    for request in &mut requests {
        let pointer = ArgumentPointer::to_argument("thread").unwrap();
        request.action.presentation.fields = vec![FieldHint { pointer, label: None, format: None }];
    }
    assert_eq!(show_with(&requests, &[0, 0]), "Thread: 1\nThread: 2");
}

#[test]
fn several_fields_tell_a_request_apart_if_none_does() {
    insta::assert_snapshot!(show(&[
        json!({"a": 1, "b": 1, "c": 0}),
        json!({"a": 1, "b": 2, "c": 0}),
        json!({"a": 2, "b": 1, "c": 0}),
        json!({"a": 2, "b": 2, "c": 0}),
    ]), @r"
    A: 1, B: 1
    A: 1, B: 2
    A: 2, B: 1
    A: 2, B: 2
    ");
}

#[test]
fn requests_with_the_same_arguments_and_lines_that_differ_get_none() {
    let same = json!({"text": "Hi"});
    assert_eq!(show(&[same.clone(), same.clone()]), "\n");
    assert_eq!(show(&[same.clone(), same.clone(), json!({"text": "Ho"})]), "Text: Hi\nText: Hi\nText: Ho");
    assert_eq!(show(&[json!({}), json!({"cc": "kim@example.com"})]), "\nCC: kim@example.com");
    let different = requests(&[json!({"text": "Hi"}), json!({"text": "Ho"})]);
    assert_eq!(show_with(&different, &[0, 1]), "\n");
}

#[test]
fn a_long_value_is_shown_from_where_it_differs() {
    let text = |end: &str| json!({"text": format!("{}{end}", "Dear all, please note. ".repeat(50))});
    insta::assert_snapshot!(show(&[text("Pay Kim."), text("Pay Lee.")]), @r"
    Text: …l, please note. Pay Kim.
    Text: …l, please note. Pay Lee.
    ");
    let lines = |end: &str| json!({"text": format!("1\n2\n3\n4\n5\n6\n{end}\nlast")});
    insta::assert_snapshot!(show(&[lines("x"), lines("y")]).replace('\n', "/"), @"Text: …x/last/Text: …y/last");
}

#[test]
fn hostile_values_are_cut_between_their_units() {
    for unit in ["\u{202E}", "👩‍💻", "e\u{301}", "⟨", "\u{200B}", "ש", "&", "<!channel>", "Text: x\n"]
    {
        let value = |end: &str| json!({"text": format!("{}{end}", unit.repeat(400))});
        let shown = show(&[value("one"), value("two")]);
        assert!(shown.contains("one") && shown.contains("two"), "{shown}");
        assert!(shown.chars().count() < 300, "{shown}");
        // No mark of a hidden character is torn.
        assert_eq!(shown.matches('⟨').count(), shown.matches('⟩').count(), "{shown}");
    }
    // A name that reads as another's stays in its own element.
    let shown = show(&[json!({"a": "x", "Text: y": 1}), json!({"a": "x", "Text: y": 2})]);
    assert_eq!(shown, "\"Text: y\": 1\n\"Text: y\": 2");
}

#[test]
fn many_large_requests_are_compared_quickly() {
    let arguments = |number: usize| {
        let members =
            (0..3000).map(|key| (format!("k{key}"), Value::from(if key == 400 { number } else { 0 })));
        Value::Object(members.collect())
    };
    let all: Vec<Value> = (0..40).map(arguments).collect();
    assert!(show(&all).ends_with("K400: 39"));
}

/// Two messages to a channel, which the title names.
fn messages() -> Vec<Approval> {
    let arguments =
        ["Hi", "Good morning"].map(|text| json!({"channel": "#sales", "text": text, "thread": 7}));
    let titled = |mut request: Request| {
        request.action.presentation.title = Template::new("Send a message to {channel}").ok();
        Approval { request, decision: None, result: None, pause: None }
    };
    requests(&arguments).into_iter().map(titled).collect()
}

/// The texts of all elements of rich text, one a line.
fn rich_texts(blocks: &Value) -> String {
    let rich = blocks.as_array().into_iter().flatten().filter(|block| block["type"] == "rich_text");
    let element = |element: &Value| {
        let parts = element["elements"].as_array().into_iter().flatten();
        parts.filter_map(|part| part["text"].as_str()).collect::<String>()
    };
    let elements = rich.flat_map(|block| block["elements"].as_array().into_iter().flatten());
    elements.map(element).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_shared_message_tells_equal_titles_apart() {
    let message = shared::message(&super::sharing::shown(&messages()));
    insta::assert_snapshot!(rich_texts(&message.to_json()["blocks"]), @r"
    Atlas is waiting for 2 decisions here and 2 in other messages
    Conversation
    Q3 pipeline
    Atlas wants to send a message to #sales
    Text
    Hi
    Atlas wants to send a message to #sales
    Text
    Good morning
    ");
    // The sign is another one, which Slack does not parse.
    let told =
        "send a message to “＃sales” (Text: “Hi”); send a message to “＃sales” (Text: “Good morning”). ";
    assert!(message.text.contains(told), "{}", message.text);
}

#[test]
fn approve_all_tells_equal_titles_apart_and_repeats_nothing() {
    insta::assert_snapshot!(rich_texts(&together::modal(&messages(), 2)["blocks"]), @r"
    Atlas wants to send a message to #sales
    Text
    Hi
    Thread
    7
    Atlas wants to send a message to #sales
    Text
    Good morning
    Thread
    7
    ");
    // A value that the title only begins stays.
    let mut long = messages();
    for approval in &mut long {
        let channel = json!({"channel": "#".repeat(80), "text": "Hi"});
        approval.request.arguments = serde_json::from_value(channel).unwrap();
    }
    let text = rich_texts(&together::modal(&long, 2)["blocks"]);
    assert!(text.contains(&"#".repeat(80)), "{text}");
}

#[test]
fn the_list_tells_equal_titles_apart() {
    let line = |approval| WaitingLine {
        approval,
        standing: super::samples::FREE,
        connect_url: None,
        requested: false,
        precedent: None,
        panel: crate::domain::panel::Panel::default(),
        why: None,
    };
    let lines = Page::from_list(messages().into_iter().map(line).collect(), 0, 5);
    let list = lists::waiting(&lines, &[]).to_json();
    insta::assert_snapshot!(rich_texts(&list["blocks"]), @r"
    2 requests are waiting for you.
    Send a message to #sales
    Text
    Hi
    Send a message to #sales
    Text
    Good morning
    The Home tab of this app shows them with all options.
    ");
}
