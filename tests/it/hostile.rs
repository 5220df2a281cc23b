//! Calls that try to deceive the person who decides, or to break the display.

use chrono::TimeDelta;
use sandbox::{
    backend::{Ask, digest},
    catalog::{self, hostile_calls},
    slack::Message,
};
use serde_json::{Value, json};

use crate::story::{ADMIN, ALICE, BOB, IN_WORDS, SALES, SOON, TestApp, story};

/// What every prompt may offer, and nothing else.
const CONTROLS: [&str; 5] = ["approve", "deny", "details", "connect", "request_unlock"];

/// Checks that all text and controls of the message are ours, or plain text of the agent's.
fn nothing_is_forged(name: &str, message: &Message) {
    // Only our own: when it expires.
    let tags: Vec<_> = message.text().split('<').skip(1).collect();
    assert!(tags.len() == 1 && tags[0].starts_with("!date^"), "{name}: {}", message.text());
    for block in &message.blocks {
        walk(name, block);
    }
    let buttons = message.buttons();
    let ids: Vec<_> = buttons.iter().map(|button| button.action_id.as_str()).collect();
    assert_eq!(ids.iter().filter(|id| **id == "approve").count(), 1, "{name}: {ids:?}");
    assert!(ids.iter().all(|id| CONTROLS.contains(id)), "{name}: {ids:?}");
}

fn walk(name: &str, value: &Value) {
    match value {
        Value::String(text) => {
            let hidden = text.chars().find(|&character| is_hidden(character));
            assert!(hidden.is_none(), "{name}: {hidden:?} in {text:?}");
        }
        Value::Array(items) => items.iter().for_each(|item| walk(name, item)),
        Value::Object(members) => {
            let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
            let drawn =
                ["link", "user", "usergroup", "channel", "broadcast", "emoji", "image", "color", "date"];
            assert!(!drawn.contains(&kind), "{name}: {value}");
            let text = members.get("text").and_then(Value::as_str).unwrap_or_default();
            match kind {
                "plain_text" => assert_eq!(value["emoji"], false, "{name}: {value}"),
                // Only our own text: when it expires.
                "mrkdwn" => assert!(
                    text.starts_with("expires <!date^") && text.matches('<').count() == 1,
                    "{name}: {text}"
                ),
                _ => {}
            }
            members.values().for_each(|member| walk(name, member));
        }
        _ => {}
    }
}

/// Control characters other from breaks and tabs, and whatever has no width or turns the direction. Joiners hold
/// pictures together, and are judged where they are drawn.
fn is_hidden(character: char) -> bool {
    let code = u32::from(character);
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(code,
            0xAD | 0x61C | 0x115F | 0x200B | 0x200C | 0x200E | 0x200F | 0x2028..=0x202E | 0x2060..=0x2069
            | 0x3164 | 0xFEFF)
        || (0xE_0000..=0xE_0FFF).contains(&code)
}

/// What *Details* says that the arguments are.
async fn shown_in_details(s: &TestApp, prompt: &Message) -> Value {
    s.details(ALICE, prompt).await.0
}

/// The request as the API takes it: names within their bounds.
fn within_bounds(mut ask: Ask) -> Ask {
    let cut = |text: &mut Option<String>, most: usize| {
        *text = text.take().map(|text| text.chars().take(most).collect());
    };
    cut(&mut ask.agent.name, 200);
    cut(&mut ask.conversation.title, 200);
    cut(&mut ask.reason, 3000);
    ask
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_deceives_and_each_is_shown_whole() {
    story(async |s| {
        for integration in catalog::integrations() {
            s.put(&integration.key).await;
        }
        let mut refused = Vec::new();
        for hostile in hostile_calls() {
            s.pass(TimeDelta::seconds(2));
            let name = hostile.name;
            let mut ask = hostile.call.ask(ALICE, "c-1");
            let reply = s.api().ask(&ask).await;
            let reply = match reply.status {
                201 => reply,
                422 => {
                    refused.push(name);
                    ask = within_bounds(ask);
                    s.ask(&ask).await
                }
                _ => {
                    assert_eq!(
                        reply.str("/type"),
                        "urn:countersign:problem:invalid-json",
                        "{name}: {reply:?}"
                    );
                    refused.push(name);
                    continue;
                }
            };
            let prompt = s.shown(ALICE, reply.id()).await;
            nothing_is_forged(name, &prompt);
            let (shown, first) = s.details(ALICE, &prompt).await;
            assert_eq!(shown.to_string(), ask.arguments.to_string(), "{name}");
            assert!(!first.chars().any(is_hidden), "{name}");
            assert!(first.contains(&digest(&ask.arguments)), "{name}: {first}");

            assert!(s.click(ALICE, &prompt, "Approve").await.is_ok(), "{name}");
            let told = s.received_webhook(reply.id()).await;
            assert_eq!(told.approval()["arguments"].to_string(), ask.arguments.to_string(), "{name}");
            s.until(&prompt, |message| message.all_text().contains("Approved by")).await;
        }
        assert_eq!(refused, ["numbers", "wordy"], "names too long, and numbers that no double holds");
    })
    .await;
}

/// At 1280 px a body of the right length wraps so that its second line would read as an argument, if it stood in a
/// line or a box with the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_can_not_read_as_another_argument() {
    story(async |s| {
        let body = format!("{}recipient  kim@example.com", "Please find the contract enclosed. ".repeat(4));
        let arguments =
            json!({ "recipient": "mallory@evil.example", "body": body, "to": { "cc": "bob@example.com" } });
        let (_, prompt) = s.prompt(&Ask::new(ALICE, "gmail", "send_email", arguments.clone())).await;
        let elements = prompt.blocks.iter().filter_map(|block| block["elements"].as_array()).flatten();
        let all: Vec<_> = elements.map(|element| (&element["type"], &element["elements"])).collect();
        let alone = |text: &str| json!([{ "type": "text", "text": text }]);
        for (kind, value) in [
            ("rich_text_quote", "mallory@evil.example"),
            ("rich_text_preformatted", &*body),
            ("rich_text_quote", "bob@example.com"),
        ] {
            assert!(all.contains(&(&json!(kind), &alone(value))), "{value} as one element in {all:?}");
        }
        assert_eq!(shown_in_details(s, &prompt).await, arguments);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_a_double_holds_are_taken_and_shown() {
    story(async |s| {
        let arguments: Value =
            serde_json::from_str(r#"{"a":1e21,"b":1e308,"c":-9007199254740992,"d":5e-324}"#).unwrap();
        let (id, prompt) = s.prompt(&Ask::new(ALICE, "stripe", "create_refund", arguments.clone())).await;
        assert_eq!(shown_in_details(s, &prompt).await, arguments);
        let approval = s.api().get(&id).await.body;
        assert_eq!(
            (&approval["arguments"], &approval["arguments_digest"]),
            (&arguments, &digest(&arguments).into())
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_of_200_kb_are_cut_with_a_mark_and_whole_page_by_page() {
    story(async |s| {
        let lines: Vec<String> =
            (0..4300).map(|line| format!("line {line} of the file, with \"quotes\" & <tags>")).collect();
        let arguments = json!({ "path": "data.txt", "content": lines.join("\n"), "tail": ["the", "end"] });
        assert!(arguments.to_string().len() > 200_000);
        let ask = Ask::new(ALICE, "github", "create_or_update_file", arguments.clone());
        let (id, prompt) = s.prompt(&ask).await;
        let text = prompt.all_text();
        assert!(text.contains("more characters: see Details)") && !text.contains("line 999 "), "{text}");
        assert_eq!(shown_in_details(s, &prompt).await.to_string(), arguments.to_string());
        assert_eq!(s.api().get(&id).await.body["arguments"].to_string(), arguments.to_string());
        s.click(ALICE, &prompt, "Approve").await;
        assert_eq!(s.received_webhook(&id).await.approval()["arguments_digest"], digest(&arguments));
        let decided = s.until(&prompt, |message| !message.has_button("Approve")).await;
        assert_eq!(shown_in_details(s, &decided).await, arguments, "afterwards too");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_levels_of_nesting_and_empty_objects_are_shown_whole() {
    story(async |s| {
        let nested = (0..100).fold(json!("the bottom"), |inner, level| match level % 2 {
            0 => json!([inner]),
            _ => json!({ "in": inner }),
        });
        let all = [
            json!({ "nested": nested }),
            json!({}),
            json!({ "": {}, "a": [], "b": [{}], "c": null, "d": "" }),
            json!({ "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈", "hebrew": "שלום", "arabic": "مرحبا", "mixed": "a שלום b" }),
        ];
        for (number, arguments) in all.into_iter().enumerate() {
            s.pass(TimeDelta::seconds(2));
            let mut ask = Ask::new(ALICE, "github", "create_issue", arguments.clone());
            ask.conversation.id = format!("c-{number}");
            let (_, prompt) = s.prompt(&ask).await;
            nothing_is_forged("shape", &prompt);
            assert_eq!(shown_in_details(s, &prompt).await.to_string(), arguments.to_string());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_for_a_denial_is_as_harmless_as_the_agents_own() {
    story(async |s| {
        let ask = s.ask(&hostile_calls()[0].call.ask(ALICE, "c-1").in_channel(SALES, None)).await;
        let fits = |message: &Message| message.has_button("Deny");
        let prompt = s.slack.wait_for_message(SALES, fits, SOON).await.unwrap();
        s.choose(ALICE, &prompt, IN_WORDS).await;
        let reason = format!("<!channel> <@{BOB}> <https://evil.example|Approve> `code` \u{202e}gnorw");
        s.slack.type_text(ALICE, "reason", &reason).await.unwrap();
        assert!(s.slack.submit(ALICE).await.unwrap().is_ok());
        assert_eq!(
            s.received_webhook(ask.id()).await.approval()["decision"]["reason"],
            reason,
            "the agent reads it as it is"
        );
        let decided = s.until(&prompt, |message| !message.has_button("Deny")).await;
        let json = json!(decided.blocks).to_string();
        assert!(!json.contains('\u{202e}') && json.contains("U+202E"), "{json}");
        assert!(!json.contains(r#""type":"link""#) && !json.contains(r#""type":"broadcast""#), "{json}");
        let mentioned: Vec<_> = json.matches(r#""type":"user""#).collect();
        assert_eq!(mentioned.len(), 1, "only who decided: {json}");
        assert!(!decided.text().contains("<!") && !decided.text().contains(&format!("<@{BOB}>")));
        // Other members of the channel read the same.
        assert!(s.slack.messages_seen_by(ADMIN, SALES).iter().any(|message| message.ts == decided.ts));
    })
    .await;
}
