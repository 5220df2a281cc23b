use serde_json::{Value, json};

use super::Scene;
use crate::slack::{CallOutcome, Surface, names};

/// Alice clicks on a prompt: the prompt's channel and `ts`, and the click's response URL.
async fn clicked(scene: &Scene) -> (String, String, String) {
    let (channel, ts) = scene.prompt().await;
    let surface = Surface::Message { channel: channel.clone(), ts: ts.clone() };
    let delivery = scene.slack.click(names::ALICE, surface, "deny").await.unwrap();
    (channel, ts, delivery.payload["response_url"].as_str().unwrap().to_owned())
}

async fn respond(scene: &Scene, url: &str, body: Value) -> (u16, Value) {
    let answer = scene.http.post(url).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_response_url_takes_five_answers() {
    let scene = Scene::new().await;
    let (_, _, url) = clicked(&scene).await;
    for _ in 0..5 {
        assert_eq!(respond(&scene, &url, json!({ "text": "Not yours to decide." })).await.0, 200);
    }
    let (status, body) = respond(&scene, &url, json!({ "text": "once more" })).await;
    assert_eq!((status, &body["error"]), (404, &json!("used_url")));
    let messages = scene.slack.direct_messages(names::ALICE);
    assert_eq!(messages.len(), 6);
    assert!(messages[1..].iter().all(|message| message.ephemeral_for.as_deref() == Some(names::ALICE)));
    let last = scene.slack.calls_of("response_url").pop().unwrap();
    assert_eq!(last.outcome, CallOutcome::Error("used_url".to_owned()));
}

#[tokio::test]
async fn a_response_url_lives_half_an_hour() {
    let scene = Scene::new().await;
    let (_, _, url) = clicked(&scene).await;
    scene.pass(30 * 60 * 1000);
    assert_eq!(respond(&scene, &url, json!({ "text": "just in time" })).await.0, 200);
    scene.pass(1);
    let (status, body) = respond(&scene, &url, json!({ "text": "late" })).await;
    assert_eq!((status, &body["error"]), (404, &json!("expired_url")));
    let other = format!("{}/response/guessed", scene.slack.origin());
    assert_eq!(respond(&scene, &other, json!({ "text": "x" })).await.0, 404);
}

#[tokio::test]
async fn an_answer_can_replace_or_delete_what_was_clicked_on() {
    let scene = Scene::new().await;
    let (channel, ts, url) = clicked(&scene).await;
    respond(&scene, &url, json!({ "replace_original": true, "text": "Denied" })).await;
    assert_eq!(scene.slack.message(&channel, &ts).unwrap().text(), "Denied");
    respond(&scene, &url, json!({ "response_type": "in_channel", "text": "for all" })).await;
    assert_eq!(scene.slack.messages(&channel).pop().unwrap().ephemeral_for, None);
    assert_eq!(respond(&scene, &url, json!({ "delete_original": true })).await.0, 200);
    assert!(scene.slack.message(&channel, &ts).is_none());
    let (status, body) = respond(&scene, &url, json!({ "blocks": [{ "type": "section" }] })).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_blocks")));
}

#[tokio::test]
async fn an_answer_stands_in_a_thread_only_if_it_names_it() {
    let scene = Scene::new().await;
    let (channel, ts, url) = clicked(&scene).await;
    respond(&scene, &url, json!({ "text": "outside" })).await;
    respond(&scene, &url, json!({ "text": "inside", "thread_ts": ts })).await;
    let threads: Vec<_> =
        scene.slack.messages(&channel).into_iter().skip(1).map(|message| message.thread_ts).collect();
    assert_eq!(threads, [None, Some(ts)]);
}
