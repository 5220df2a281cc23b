use serde_json::json;

use super::{Fixture, button, plain, prompt};
use crate::slack::{User, names};

#[tokio::test]
async fn a_message_to_a_user_opens_their_direct_messages() {
    let fixture = Fixture::new().await;
    let answer = fixture.call("chat.postMessage", prompt(names::ALICE)).await;
    let channel = answer["channel"].as_str().unwrap();
    assert!(channel.starts_with('D'), "{answer}");
    assert_eq!(answer["message"]["bot_id"], names::BOT);

    let message = fixture.slack.direct_messages(names::ALICE).pop().expect("the message");
    assert_eq!(message.ts, answer["ts"]);
    assert!(message.has_button("Approve") && message.has_button("Deny"));
    assert!(message.blocks.iter().all(|block| block["block_id"].is_string()), "Slack names every block");
    let options: Vec<_> = message.overflow_options().into_iter().map(|option| option.value).collect();
    assert_eq!(options, ["once", "always"]);
    let text = message.all_text();
    assert!(
        text.starts_with("Atlas wants to use Salesforce\nsubject  Call with <Acme>\nApprove\n"),
        "{text}"
    );

    let again = fixture.call("chat.postMessage", json!({ "channel": names::ALICE, "text": "more" })).await;
    assert_eq!(again["channel"], channel);
    assert!(again["ts"].as_str() > answer["ts"].as_str(), "a later message has a greater ts");
    assert!(fixture.slack.direct_messages(names::BOB).is_empty());
}

#[tokio::test]
async fn posting_errors_have_the_names_of_slack() {
    let fixture = Fixture::new().await;
    let slack = &fixture.slack;
    slack.change_channel(names::SALES, |channel| channel.is_archived = true);
    slack.add_user(User { deleted: true, ..User::new("U0GONE", names::TEAM, "gone", "Gone") });
    slack.add_user(User::new("U0FOREIGN", "T0OTHER", "foreign", "Foreign"));
    for (channel, error) in [
        (names::RANDOM, "not_in_channel"),
        (names::SALES, "is_archived"),
        ("C0NOWHERE", "channel_not_found"),
        ("U0NOBODY", "channel_not_found"),
        ("U0FOREIGN", "channel_not_found"),
        ("U0GONE", "user_disabled"),
        (names::BOT_USER, "cannot_dm_bot"),
        ("", "channel_not_found"),
    ] {
        let answer = fixture.call("chat.postMessage", json!({ "channel": channel, "text": "hello" })).await;
        assert_eq!(answer["error"], error, "{channel}");
    }
    slack.change_workspace(names::TEAM, |workspace| workspace.messages_tab = false);
    let answer = fixture.call("chat.postMessage", prompt(names::ALICE)).await;
    assert_eq!(answer["error"], "messages_tab_disabled");
    let public = |token: &mut crate::slack::Token| token.scopes.insert("chat:write.public".to_owned());
    slack.change_token(&slack.bot_token(), public);
    let answer = fixture.call("chat.postMessage", json!({ "channel": names::RANDOM, "text": "hello" })).await;
    assert_eq!(answer["ok"], true, "chat:write.public lets the bot post uninvited");
}

#[tokio::test]
async fn a_message_needs_text_within_the_limit() {
    let fixture = Fixture::new().await;
    let post = async |text: &str| {
        let arguments = json!({ "channel": names::SALES, "text": text });
        fixture.call("chat.postMessage", arguments).await["error"].as_str().unwrap_or("ok").to_owned()
    };
    assert_eq!(post("").await, "no_text");
    assert_eq!(post(&"é".repeat(4000)).await, "ok");
    assert_eq!(post(&"é".repeat(4001)).await, "msg_too_long");
}

#[tokio::test]
async fn faults_of_blocks_name_their_place() {
    let fixture = Fixture::new().await;
    let blocks = json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "a".repeat(3001) } }]);
    let answer = fixture.call("chat.postMessage", json!({ "channel": names::SALES, "blocks": blocks })).await;
    assert_eq!(answer["error"], "invalid_blocks");
    let expected = "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]";
    assert_eq!(answer["response_metadata"]["messages"], json!([expected]));
    assert!(fixture.slack.messages(names::SALES).is_empty());
}

#[tokio::test]
async fn a_reply_needs_a_thread_ts_in_the_right_format() {
    let fixture = Fixture::new().await;
    let root = fixture.slack.say(names::BOB, names::SALES, "who takes Acme?", None).unwrap();
    let reply = json!({ "channel": names::SALES, "text": "Atlas", "thread_ts": root.ts });
    let answer = fixture.call("chat.postMessage", reply).await;
    assert_eq!(answer["message"]["thread_ts"], root.ts);
    for thread_ts in [json!(1.5), json!("1700000000"), json!("1700000000.1")] {
        let reply = json!({ "channel": names::SALES, "text": "Atlas", "thread_ts": thread_ts });
        assert_eq!(fixture.call("chat.postMessage", reply).await["error"], "invalid_thread_ts");
    }
}

#[tokio::test]
async fn a_text_update_keeps_blocks_and_an_empty_list_drops_them() {
    let fixture = Fixture::new().await;
    let (channel, ts) = fixture.prompt().await;
    let update = json!({ "channel": channel, "ts": ts, "text": "Approved" });
    assert_eq!(fixture.call("chat.update", update.clone()).await["ok"], true);
    assert!(fixture.slack.message(&channel, &ts).unwrap().has_button("Approve"));
    let mut update = update;
    update["blocks"] = json!([]);
    assert_eq!(fixture.call("chat.update", update).await["ok"], true);
    assert!(fixture.slack.message(&channel, &ts).unwrap().blocks.is_empty());
}

#[tokio::test]
async fn unknown_arguments_are_ignored_and_logged() {
    let fixture = Fixture::new().await;
    let (channel, ts) = fixture.prompt().await;
    let update = json!({ "channel": channel, "ts": ts, "text": "Approved", "unfurl_links": false });
    assert_eq!(fixture.call("chat.update", update).await["ok"], true);
    assert_eq!(fixture.slack.calls_of("chat.update").pop().unwrap().unknown, ["unfurl_links"]);
}

#[tokio::test]
async fn an_app_updates_only_its_own_stored_messages() {
    let fixture = Fixture::new().await;
    let theirs = fixture.slack.say(names::BOB, names::SALES, "mine", None).unwrap();
    let private = json!({ "channel": names::SALES, "user": names::BOB, "text": "only you" });
    let ephemeral =
        fixture.call("chat.postEphemeral", private).await["message_ts"].as_str().unwrap().to_owned();
    let (_, ts) = fixture.prompt().await;
    for (channel, ts, error) in [
        (names::SALES, theirs.ts.as_str(), "cant_update_message"),
        (names::SALES, &ephemeral, "cant_update_message"),
        (names::SALES, "1600000000.000001", "message_not_found"),
        // A user's id is not the id of their direct messages.
        (names::ALICE, &ts, "channel_not_found"),
    ] {
        let answer = fixture.call("chat.update", json!({ "channel": channel, "ts": ts, "text": "x" })).await;
        assert_eq!(answer["error"], error);
    }
}

#[tokio::test]
async fn an_ephemeral_message_is_visible_to_one_member_only() {
    let fixture = Fixture::new().await;
    let to = |user: &str| json!({ "channel": names::SALES, "user": user, "text": "only you" });
    assert_eq!(fixture.call("chat.postEphemeral", to(names::BOB)).await["ok"], true);
    assert_eq!(fixture.slack.messages_seen_by(names::BOB, names::SALES).len(), 1);
    assert_eq!(fixture.slack.messages_seen_by(names::ALICE, names::SALES).len(), 0);
    fixture.slack.change_channel(names::SALES, |channel| channel.members.remove(names::BOB));
    assert_eq!(fixture.call("chat.postEphemeral", to(names::BOB)).await["error"], "user_not_in_channel");
}

#[tokio::test]
async fn the_length_of_a_text_counts_after_escaping() {
    let fixture = Fixture::new().await;
    for (text, fits) in [("a".repeat(4000), true), ("a".repeat(4001), false), ("<".repeat(1001), false)] {
        let answer = fixture.call("chat.postMessage", json!({ "channel": names::SALES, "text": text })).await;
        assert_eq!(answer["ok"], fits, "{answer}");
        fixture.pass(1_000);
    }
}

#[tokio::test]
async fn arguments_may_come_as_a_form_with_json_values() {
    let fixture = Fixture::new().await;
    let blocks = json!([{ "type": "actions", "elements": [button("go", "Go", "1")] }, {
        "type": "section", "text": plain("words"),
    }]);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("token", &fixture.slack.bot_token())
        .append_pair("channel", "#sales")
        .append_pair("blocks", &blocks.to_string())
        .finish();
    let request = fixture.http.post(format!("{}/chat.postMessage", fixture.slack.api_url()));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["ok"], true, "{answer}");
    assert!(fixture.slack.messages(names::SALES)[0].has_button("Go"));
    let logged = fixture.slack.calls().pop().unwrap();
    assert_eq!(logged.arguments.get("token"), None, "tokens are not kept in the log");
}
