//! Slack's rules and ours, for everything that is sent. Written independently of the code under test.

use serde_json::Value;

/// The requirements on every text, wherever it stands.
fn readable(text: &str) {
    for (at, character) in text.char_indices() {
        let code = u32::from(character);
        let after = &text[at + character.len_utf8()..];
        let hidden = match code {
            0x0A | 0x09 => false,
            0x00..=0x1F
            | 0x7F..=0x9F
            | 0xAD
            | 0x034F
            | 0x061C
            | 0x180E
            | 0x200B..=0x200C
            | 0x200E..=0x200F
            | 0x2028..=0x202E
            | 0x2060..=0x206F
            | 0xFEFF
            | 0x3164
            | 0xE000..=0xF8FF
            | 0xFE00..=0xFE0E
            | 0xFFF9..=0xFFFB
            | 0xF_0000.. => true,
            // A joiner holds two emoji together; tags belong to a flag.
            0x200D => at == 0 || after.is_empty() || after.starts_with(|next: char| next.is_ascii()),
            0xFE0F => at == 0,
            0xE_0000..=0xE_FFFF => !text.contains('\u{1F3F4}') || !text.contains('\u{E007F}'),
            _ => false,
        };
        assert!(!hidden, "U+{code:04X} in {text:?}");
    }
}

/// Checks every string of a view, and the limits of every kind of block.
pub(super) fn sound(view: &Value, most_blocks: usize) {
    let blocks = view["blocks"].as_array().unwrap();
    assert!((1..=most_blocks).contains(&blocks.len()), "{} blocks", blocks.len());
    assert!(view.to_string().len() <= 250_000, "{} bytes", view.to_string().len());
    blocks.iter().for_each(block);
    walk(view);
    for part in ["title", "submit", "close"] {
        if let Some(text) = view.get(part) {
            within(text, 24);
        }
    }
    assert!(view["private_metadata"].as_str().is_none_or(|data| data.len() <= 3000));
}

/// Checks a message: its blocks, and its `text`, in which Slack must find only mentions that we wrote.
pub(super) fn message(message: &Value) {
    let text = message["text"].as_str().unwrap();
    assert!(text.len() <= 4000, "{}", text.len());
    readable(text);
    inert(text);
    if message.get("blocks").is_some() {
        sound(message, 50);
    }
}

/// Checks mrkdwn in which only our own mentions and dates have a meaning.
fn inert(text: &str) {
    let mut rest = text.to_owned();
    while let Some((before, tag)) =
        rest.split_once('<').map(|(before, tag)| (before.to_owned(), tag.to_owned()))
    {
        let (tag, after) = tag.split_once('>').unwrap();
        let mention =
            tag.strip_prefix('@').is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let date = tag.starts_with("!date^") && !tag.contains(['<', '&']);
        assert!(mention || date, "<{tag}> in {text:?}");
        rest = format!("{before}{after}");
    }
    assert!(!rest.contains(['>', '`', '*', '~', '@', '#']), "{rest:?}");
    for escape in rest.split('&').skip(1) {
        assert!(["amp;", "lt;", "gt;"].iter().any(|name| escape.starts_with(name)), "{rest:?}");
    }
    // A host name has no space in it.
    let host =
        rest.split("www.").skip(1).any(|after| !after.starts_with(char::is_whitespace) && !after.is_empty());
    assert!(!rest.contains("://") && !host, "{rest:?}");
}

fn walk(value: &Value) {
    match value {
        Value::String(text) => readable(text),
        Value::Array(items) => items.iter().for_each(walk),
        Value::Object(members) => {
            if value["type"] == "plain_text" {
                assert_eq!(value["emoji"], false, "{value}");
                assert!(!value["text"].as_str().unwrap().is_empty(), "{value}");
            }
            if value["type"] == "mrkdwn" {
                inert(value["text"].as_str().unwrap());
            }
            members.values().for_each(walk);
        }
        _ => {}
    }
}

fn block(block: &Value) {
    let elements = block["elements"].as_array();
    match block["type"].as_str().unwrap() {
        "rich_text" => elements.unwrap().iter().for_each(rich),
        "context" => {
            assert!((1..=10).contains(&elements.unwrap().len()));
            elements.unwrap().iter().for_each(|text| within_text(text, 3000));
        }
        "actions" => {
            assert!((1..=25).contains(&elements.unwrap().len()));
            elements.unwrap().iter().for_each(control);
            let mut ids: Vec<_> =
                elements.unwrap().iter().map(|element| element["action_id"].to_string()).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), elements.unwrap().len(), "action ids are unique in a block");
        }
        "section" => {
            within_text(&block["text"], 3000);
            block["fields"].as_array().into_iter().flatten().for_each(|field| within_text(field, 2000));
            if let Some(accessory) = block.get("accessory") {
                control(accessory);
            }
        }
        "header" => within(&block["text"], 150),
        "divider" => {}
        "input" => input(block),
        kind => panic!("a {kind} block"),
    }
}

fn input(block: &Value) {
    within(&block["label"], 2000);
    if let Some(hint) = block.get("hint") {
        within(hint, 2000);
    }
    assert!((1..=255).contains(&block["block_id"].as_str().unwrap().len()));
    let element = &block["element"];
    let initial = element["initial_value"].as_str();
    match element["type"].as_str().unwrap() {
        "plain_text_input" => assert!(initial.is_none_or(|text| (1..=3000).contains(&text.chars().count()))),
        "users_select" => {
            element.get("placeholder").into_iter().for_each(|text| within(text, 150));
        }
        "datepicker" => {
            let day = element["initial_date"].as_str();
            assert!(day.is_none_or(|day| day.parse::<chrono::NaiveDate>().is_ok()), "{day:?}");
        }
        "number_input" => assert!(initial.is_none_or(|number| number.parse::<f64>().is_ok()), "{initial:?}"),
        "checkboxes" => control(element),
        "static_select" => {
            let options = element["options"].as_array().unwrap();
            assert!((1..=100).contains(&options.len()));
            for option in options {
                within(&option["text"], 75);
                assert!((1..=75).contains(&option["value"].as_str().unwrap().len()));
            }
        }
        kind => panic!("a {kind} input"),
    }
}

fn rich(element: &Value) {
    let inner = element["elements"].as_array().unwrap();
    assert!(!inner.is_empty());
    for leaf in inner {
        if leaf["type"] == "text" {
            let length = size(leaf["text"].as_str().unwrap());
            assert!((1..=3000).contains(&length), "{length}: {leaf}");
        }
    }
}

fn control(control: &Value) {
    assert!((1..=255).contains(&control["action_id"].as_str().unwrap().len()));
    match control["type"].as_str().unwrap() {
        "button" => {
            within(&control["text"], 75);
            confirmation(control);
            let label = control["accessibility_label"].as_str().unwrap();
            assert!((1..=75).contains(&size(label)), "{label}");
            assert!(control["value"].as_str().is_none_or(|value| value.len() <= 2000));
            assert!(control["url"].as_str().is_none_or(|url| size(url) <= 3000 && url.starts_with("http")));
        }
        "overflow" => {
            let options = control["options"].as_array().unwrap();
            confirmation(control);
            assert!((2..=5).contains(&options.len()));
            for option in options {
                within(&option["text"], 75);
                within(&option["description"], 75);
                assert!(option["value"].as_str().unwrap().len() <= 75);
            }
        }
        "checkboxes" => {
            let options = control["options"].as_array().unwrap();
            assert!((1..=10).contains(&options.len()));
            for option in options {
                within(&option["text"], 75);
                if let Some(description) = option.get("description") {
                    within(description, 75);
                }
                assert!(option["value"].as_str().unwrap().len() <= 75);
            }
        }
        "static_select" => {
            let options = control["options"].as_array().unwrap();
            assert!((1..=100).contains(&options.len()));
            for option in options {
                within(&option["text"], 75);
                assert!((1..=150).contains(&option["value"].as_str().unwrap().len()));
            }
            assert!(options.contains(&control["initial_option"]), "{}", control["initial_option"]);
        }
        kind => panic!("a {kind} control"),
    }
}

fn confirmation(control: &Value) {
    let Some(confirm) = control.get("confirm") else { return };
    for (part, most) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
        within(&confirm[part], most);
    }
}

fn within(text: &Value, most: usize) {
    assert_eq!(text["type"], "plain_text");
    within_text(text, most);
}

fn within_text(text: &Value, most: usize) {
    let length = size(text["text"].as_str().unwrap());
    assert!((1..=most).contains(&length), "{length} of {most}: {text}");
}

/// The length by Slack's count: escaped.
pub(super) fn size(text: &str) -> usize {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").encode_utf16().count()
}
