use serde_json::{Value, json};

use super::Fixture;
use crate::slack::{CallOutcome, Surface, names};

/// Alice clicks on a prompt. Returns the prompt's channel and `ts`, and the response URL of the click.
async fn clicked(fixture: &Fixture) -> (String, String, String) {
    let (channel, ts) = fixture.prompt().await;
    let surface = Surface::Message { channel: channel.clone(), ts: ts.clone() };
    let delivery = fixture.slack.click(names::ALICE, surface, "deny").await.unwrap();
    (channel, ts, delivery.payload["response_url"].as_str().unwrap().to_owned())
}

async fn respond(fixture: &Fixture, url: &str, body: Value) -> (u16, Value) {
    let answer = fixture.http.post(url).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_response_url_accepts_five_answers() {
    let fixture = Fixture::new().await;
    let (_, _, url) = clicked(&fixture).await;
    for _ in 0..5 {
        assert_eq!(respond(&fixture, &url, json!({ "text": "Not yours to decide." })).await.0, 200);
    }
    let (status, body) = respond(&fixture, &url, json!({ "text": "once more" })).await;
    assert_eq!((status, &body["error"]), (404, &json!("used_url")));
    let messages = fixture.slack.direct_messages(names::ALICE);
    assert_eq!(messages.len(), 6);
    assert!(messages[1..].iter().all(|message| message.ephemeral_for.as_deref() == Some(names::ALICE)));
    let last = fixture.slack.calls_of("response_url").pop().unwrap();
    assert_eq!(last.outcome, CallOutcome::Error("used_url".to_owned()));
}

#[tokio::test]
async fn a_response_url_lives_half_an_hour() {
    let fixture = Fixture::new().await;
    let (_, _, url) = clicked(&fixture).await;
    fixture.pass(30 * 60 * 1000);
    assert_eq!(respond(&fixture, &url, json!({ "text": "just in time" })).await.0, 200);
    fixture.pass(1);
    let (status, body) = respond(&fixture, &url, json!({ "text": "late" })).await;
    assert_eq!((status, &body["error"]), (404, &json!("expired_url")));
    let other = format!("{}/response/guessed", fixture.slack.origin());
    assert_eq!(respond(&fixture, &other, json!({ "text": "x" })).await.0, 404);
}

#[tokio::test]
async fn an_answer_can_replace_or_delete_the_clicked_message() {
    let fixture = Fixture::new().await;
    let (channel, ts, url) = clicked(&fixture).await;
    respond(&fixture, &url, json!({ "replace_original": true, "text": "Denied" })).await;
    assert_eq!(fixture.slack.message(&channel, &ts).unwrap().text(), "Denied");
    respond(&fixture, &url, json!({ "response_type": "in_channel", "text": "for all" })).await;
    assert_eq!(fixture.slack.messages(&channel).pop().unwrap().ephemeral_for, None);
    assert_eq!(respond(&fixture, &url, json!({ "delete_original": true })).await.0, 200);
    assert!(fixture.slack.message(&channel, &ts).is_none());
    let (status, body) = respond(&fixture, &url, json!({ "blocks": [{ "type": "section" }] })).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_blocks")));
}

#[tokio::test]
async fn an_answer_is_a_reply_only_if_it_names_the_thread() {
    let fixture = Fixture::new().await;
    let (channel, ts, url) = clicked(&fixture).await;
    respond(&fixture, &url, json!({ "text": "outside" })).await;
    respond(&fixture, &url, json!({ "text": "inside", "thread_ts": ts })).await;
    let threads: Vec<_> =
        fixture.slack.messages(&channel).into_iter().skip(1).map(|message| message.thread_ts).collect();
    assert_eq!(threads, [None, Some(ts)]);
}
