use serde_json::{Value, json};

use super::{are_blocks_too_long, is_view_too_large, message_blocks, view};
use crate::slack::ViewKind;

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": plain(text) })
}

fn actions(elements: &[Value]) -> Value {
    json!({ "type": "actions", "elements": elements })
}

fn button(action_id: &str) -> Value {
    json!({ "type": "button", "action_id": action_id, "text": plain("Go") })
}

fn with(mut value: Value, key: &str, field: Value) -> Value {
    value[key] = field;
    value
}

/// The faults of a message with this single block, without `[ERROR]` and the like.
fn faults(block: Value) -> Vec<String> {
    let faults = message_blocks(&[block]);
    let bare = |fault: String| fault.trim_start_matches("[ERROR] ").replace(" [json-pointer:/blocks/0", " @");
    faults.into_iter().map(bare).map(|fault| fault.trim_end_matches(']').to_owned()).collect()
}

fn refused(block: Value, fault: &str) {
    let shown = block.to_string();
    assert_eq!(faults(block), [fault], "{shown}");
}

fn accepted(block: Value) {
    let shown = block.to_string();
    assert_eq!(faults(block), Vec::<String>::new(), "{shown}");
}

#[test]
fn lengths_count_after_escaping() {
    accepted(section(&"a".repeat(3000)));
    refused(section(&"a".repeat(3001)), "must be less than 3001 characters @/text/text");
    accepted(section(&"&".repeat(600)));
    refused(section(&"&".repeat(601)), "must be less than 3001 characters @/text/text");
    refused(section(&"<".repeat(751)), "must be less than 3001 characters @/text/text");
    accepted(section(&"&amp;".repeat(600)));
    let mrkdwn = |text: String| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
    accepted(mrkdwn(format!("<https://example.com|{}>", "a".repeat(2978))));
    refused(
        mrkdwn(format!("<https://example.com|{}>", "a".repeat(2979))),
        "must be less than 3001 characters @/text/text",
    );
    accepted(section(&"é".repeat(3000)));
}

#[test]
fn every_block_type_has_its_fields_and_no_others() {
    accepted(json!({ "type": "divider" }));
    accepted(json!({ "type": "header", "text": plain(&"a".repeat(150)) }));
    refused(
        json!({ "type": "header", "text": plain(&"a".repeat(151)) }),
        "must be less than 151 characters @/text/text",
    );
    refused(
        json!({ "type": "header", "text": { "type": "mrkdwn", "text": "a" } }),
        "unsupported type: mrkdwn @/text",
    );
    refused(json!({ "type": "section" }), "missing required field: text or fields @");
    refused(section(""), "must be more than 0 characters @/text/text");
    refused(with(section("a"), "colour", json!("red")), "invalid additional property: colour @");
    refused(
        json!({ "type": "section", "fields": vec![plain("a"); 11] }),
        "no more than 10 items allowed @/fields",
    );
    refused(
        json!({ "type": "section", "fields": [plain(&"a".repeat(2001))] }),
        "must be less than 2001 characters @/fields/0/text",
    );
    refused(
        json!({ "type": "context", "elements": vec![plain("a"); 11] }),
        "no more than 10 items allowed @/elements",
    );
    refused(json!({ "type": "context", "elements": [] }), "no fewer than 1 items allowed @/elements");
    refused(json!({ "text": plain("a") }), "missing required field: type @");
    refused(json!({ "type": "video", "text": plain("a") }), "unsupported type: video @");
    refused(json!("words"), "must provide an object @");
}

#[test]
fn a_message_has_fifty_blocks_with_different_ids() {
    assert!(message_blocks(&vec![section("a"); 50]).is_empty());
    assert_eq!(
        message_blocks(&vec![section("a"); 51]),
        ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]
    );
    let named = with(section("a"), "block_id", json!("same"));
    let fault = "[ERROR] `block_id` \"same\" already exists for another block [json-pointer:/blocks/1]";
    assert_eq!(message_blocks(&[named.clone(), named]), [fault]);
    refused(
        with(section("a"), "block_id", json!("a".repeat(256))),
        "must be less than 256 characters @/block_id",
    );
}

#[test]
fn buttons_have_size_limits() {
    let one = |button: Value| actions(&[button]);
    accepted(one(with(button("a"), "value", json!("v".repeat(2000)))));
    refused(
        one(with(button("a"), "value", json!("v".repeat(2001)))),
        "must be less than 2001 characters @/elements/0/value",
    );
    refused(
        one(with(button("a"), "text", plain(&"a".repeat(76)))),
        "must be less than 76 characters @/elements/0/text/text",
    );
    refused(
        one(with(button("a"), "style", json!("default"))),
        "must be one of: primary, danger @/elements/0/style",
    );
    refused(one(button(&"a".repeat(256))), "must be less than 256 characters @/elements/0/action_id");
    refused(
        actions(&[button("a"), button("a")]),
        "`action_id` \"a\" already exists for another element @/elements/1",
    );
    let many: Vec<_> = (0..26).map(|number| button(&number.to_string())).collect();
    refused(actions(&many), "no more than 25 items allowed @/elements");
    refused(actions(&[]), "no fewer than 1 items allowed @/elements");
    refused(
        one(json!({ "type": "plain_text_input", "action_id": "a" })),
        "unsupported type: plain_text_input @/elements/0",
    );
}

#[test]
fn confirmations_need_all_their_texts() {
    let confirm = json!({ "title": plain("Sure?"), "text": plain("It is always."), "confirm": plain("Yes"), "deny": plain("No") });
    let asking = |confirm: Value| actions(&[with(button("a"), "confirm", confirm)]);
    accepted(asking(confirm.clone()));
    let place = "@/elements/0/confirm";
    for (key, longest) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
        let long = with(confirm.clone(), key, plain(&"a".repeat(longest + 1)));
        refused(asking(long), &format!("must be less than {} characters {place}/{key}/text", longest + 1));
        let missing = with(confirm.clone(), key, Value::Null);
        refused(asking(missing), &format!("missing required field: {key} {place}"));
    }
}

#[test]
fn menus_have_limits_on_their_options() {
    let option = |value: &str| json!({ "text": plain("An option"), "value": value });
    let overflow =
        |options: Vec<Value>| actions(&[json!({ "type": "overflow", "action_id": "a", "options": options })]);
    let several = |count: usize| (0..count).map(|number| option(&number.to_string())).collect::<Vec<_>>();
    accepted(overflow(several(2)));
    accepted(overflow(several(5)));
    refused(overflow(several(6)), "no more than 5 items allowed @/elements/0/options");
    refused(overflow(several(1)), "no fewer than 2 items allowed @/elements/0/options");
    refused(
        overflow(vec![option("1"), option(&"v".repeat(76))]),
        "must be less than 76 characters @/elements/0/options/1/value",
    );
    refused(
        overflow(vec![option("1"), with(option("2"), "text", plain(&"a".repeat(76)))]),
        "must be less than 76 characters @/elements/0/options/1/text/text",
    );
    refused(
        overflow(vec![option("1"), option("1")]),
        "the value 1 is already that of another option @/elements/0/options/1",
    );
    let boxes = |count: usize, initial: Value| {
        actions(&[json!({ "type": "checkboxes", "options": several(count), "initial_options": initial })])
    };
    accepted(boxes(10, json!([option("0"), option("9")])));
    refused(boxes(11, json!([option("0")])), "no more than 10 items allowed @/elements/0/options");
    refused(boxes(2, json!([])), "no fewer than 1 items allowed @/elements/0/initial_options");
    refused(
        boxes(2, json!([option("7")])),
        "must match one of the options provided @/elements/0/initial_options/0",
    );
    let select = |count: usize| {
        actions(&[
            json!({ "type": "static_select", "options": several(count), "placeholder": plain("Pick") }),
        ])
    };
    accepted(select(100));
    refused(select(101), "no more than 100 items allowed @/elements/0/options");
}

#[test]
fn rich_text_has_a_strict_structure() {
    let rich = |element: Value| json!({ "type": "rich_text", "elements": [element] });
    let text = |text: &str| json!({ "type": "text", "text": text });
    let inner = |kind: &str, elements: Value| rich(json!({ "type": kind, "elements": elements }));
    accepted(inner(
        "rich_text_section",
        json!([text("a"), { "type": "text", "text": "b", "style": { "bold": true } }]),
    ));
    accepted(inner("rich_text_preformatted", json!([text("{ <@U0ALICE> }")])));
    accepted(rich(json!({ "type": "rich_text_list", "style": "bullet", "elements": [
        { "type": "rich_text_section", "elements": [text("a")] },
    ] })));
    refused(
        inner("rich_text_section", json!([text("")])),
        "must be more than 0 characters @/elements/0/elements/0/text",
    );
    refused(
        inner("rich_text_preformatted", json!([])),
        "no fewer than 1 items allowed @/elements/0/elements",
    );
    refused(
        inner("rich_text_preformatted", json!([{ "type": "emoji", "name": "tada" }])),
        "unsupported type: emoji @/elements/0/elements/0",
    );
    refused(
        inner("rich_text_section", json!([{ "type": "text", "text": "a", "style": { "bold": "yes" } }])),
        "must provide a boolean @/elements/0/elements/0/style/bold",
    );
    refused(inner("section", json!([text("a")])), "unsupported type: section @/elements/0");
    refused(
        rich(
            json!({ "type": "rich_text_list", "elements": [{ "type": "rich_text_section", "elements": [] }] }),
        ),
        "missing required field: style @/elements/0",
    );
    refused(json!({ "type": "rich_text", "elements": [] }), "no fewer than 1 items allowed @/elements");
}

#[test]
fn all_text_of_a_message_together_is_limited() {
    let of = |length: usize| vec![section(&"a".repeat(length)); 5];
    assert!(!are_blocks_too_long(&of(2300)));
    assert!(are_blocks_too_long(&of(2400)));
}

#[test]
fn views_follow_the_rules_of_their_kind() {
    let modal = json!({ "type": "modal", "title": plain("Details"), "blocks": [section("a")] });
    let home = json!({ "type": "home", "blocks": [section("a")] });
    let judged = |given: Value, kind| view(&given, kind);
    assert!(judged(modal.clone(), ViewKind::Modal).is_empty());
    assert!(judged(home.clone(), ViewKind::Home).is_empty());
    let only =
        |given: Value, fault: &str| assert_eq!(judged(given, ViewKind::Modal), [format!("[ERROR] {fault}]")]);
    assert_eq!(
        judged(modal.clone(), ViewKind::Home),
        ["[ERROR] must be a view of type home [json-pointer:/view]"]
    );
    let titled = with(home, "title", plain("x"));
    assert_eq!(
        judged(titled, ViewKind::Home),
        ["[ERROR] invalid additional property: title [json-pointer:/view]"]
    );
    for key in ["title", "submit", "close"] {
        let long = with(modal.clone(), key, plain(&"a".repeat(25)));
        only(long, &format!("must be less than 25 characters [json-pointer:/view/{key}/text"));
    }
    for (key, longest) in [("private_metadata", 3000), ("callback_id", 255)] {
        assert!(judged(with(modal.clone(), key, json!("a".repeat(longest))), ViewKind::Modal).is_empty());
        let long = with(modal.clone(), key, json!("a".repeat(longest + 1)));
        only(long, &format!("must be less than {} characters [json-pointer:/view/{key}", longest + 1));
    }
    only(with(modal.clone(), "title", Value::Null), "missing required field: title [json-pointer:/view");
    only(
        with(modal.clone(), "blocks", json!(vec![section("a"); 101])),
        "no more than 100 items allowed [json-pointer:/view/blocks",
    );
    let input =
        json!({ "type": "input", "label": plain("Reason"), "element": { "type": "plain_text_input" } });
    let asking = with(modal.clone(), "blocks", json!([input]));
    only(
        asking.clone(),
        "`submit` is required when an input block is within the blocks array [json-pointer:/view",
    );
    assert!(judged(with(asking, "submit", plain("Send")), ViewKind::Modal).is_empty());
    let large = with(modal.clone(), "blocks", json!(vec![section(&"a".repeat(2900)); 90]));
    assert!(is_view_too_large(&large) && !is_view_too_large(&modal));
}

#[test]
fn menus_of_users_and_dates_have_their_fields_and_no_others() {
    let one = json!({ "type": "users_select", "action_id": "a", "initial_user": "U0BOB" });
    accepted(actions(std::slice::from_ref(&one)));
    refused(
        actions(&[with(one, "initial_users", json!(["U0BOB"]))]),
        "invalid additional property: initial_users @/elements/0",
    );
    let several = json!({ "type": "multi_users_select", "action_id": "a", "initial_users": [1] });
    refused(actions(std::slice::from_ref(&several)), "unsupported type: multi_users_select @/elements/0");
    let input = json!({ "type": "input", "label": plain("Approvers"), "element": several });
    refused(input, "must provide a string @/element/initial_users/0");
    let date = json!({ "type": "datepicker", "action_id": "a", "initial_date": "2026-11-30" });
    accepted(actions(std::slice::from_ref(&date)));
    refused(
        actions(&[with(date, "initial_date", json!("30.11.2026"))]),
        "must be a date in the format YYYY-MM-DD @/elements/0/initial_date",
    );
}

#[test]
fn inputs_for_numbers_want_numbers_as_texts() {
    let input = |element: Value| json!({ "type": "input", "label": plain("Count"), "element": element });
    let number = json!({
        "type": "number_input", "action_id": "a", "is_decimal_allowed": false, "initial_value": "-3", "max_value": "9",
    });
    accepted(input(number.clone()));
    accepted(input(with(
        with(number.clone(), "initial_value", json!("0.5")),
        "is_decimal_allowed",
        json!(true),
    )));
    for wrong in [json!("0.5"), json!("1e3"), json!(""), json!("."), json!("three"), json!(3)] {
        refused(
            input(with(number.clone(), "initial_value", wrong)),
            "must be a number, as a string @/element/initial_value",
        );
    }
    refused(
        input(with(number.clone(), "initial_value", json!("10"))),
        "initial_value must be between min_value and max_value @/element",
    );
    refused(
        input(with(with(number.clone(), "initial_value", Value::Null), "min_value", json!("10"))),
        "min_value must not be greater than max_value @/element",
    );
    refused(
        input(with(number, "is_decimal_allowed", Value::Null)),
        "missing required field: is_decimal_allowed @/element",
    );
}

#[test]
fn inputs_have_length_limits() {
    let input = |element: Value| json!({ "type": "input", "label": plain("Reason"), "element": element });
    let text = json!({ "type": "plain_text_input", "action_id": "a", "max_length": 10, "placeholder": plain("why") });
    accepted(input(text.clone()));
    refused(
        input(with(text.clone(), "max_length", json!(3001))),
        "must be a whole number from 1 to 3000 @/element/max_length",
    );
    refused(
        input(with(text.clone(), "initial_value", json!("eleven char"))),
        "must be less than 11 characters @/element/initial_value",
    );
    refused(
        input(with(text.clone(), "placeholder", plain(&"a".repeat(151)))),
        "must be less than 151 characters @/element/placeholder/text",
    );
    refused(
        input(with(text, "min_length", json!(11))),
        "min_length must not be greater than max_length @/element",
    );
    refused(input(button("a")), "unsupported type: button @/element");
    refused(json!({ "type": "input", "label": plain("Reason") }), "missing required field: element @");
}
