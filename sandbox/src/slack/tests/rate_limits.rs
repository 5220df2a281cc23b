use serde_json::json;

use super::Scene;
use crate::slack::{CallOutcome, SlackOptions, names};

async fn post(scene: &Scene) {
    let arguments = json!({ "channel": names::SALES, "text": "hello" });
    scene.try_call(&scene.slack.bot_token(), "chat.postMessage", &arguments).await.unwrap();
}

#[tokio::test]
async fn a_message_a_second_in_a_channel_is_always_let_through() {
    let scene = Scene::with(SlackOptions { rate_limits: true, ..SlackOptions::default() }).await;
    for _ in 0..30 {
        post(&scene).await;
        scene.pass(1_000);
    }
    assert!(scene.slack.calls().iter().all(|call| call.outcome == CallOutcome::Ok && !call.over_limit));
}

#[tokio::test]
async fn a_burst_in_one_channel_is_cut_off_until_the_time_that_is_told() {
    let scene = Scene::with(SlackOptions { rate_limits: true, ..SlackOptions::default() }).await;
    for _ in 0..7 {
        post(&scene).await;
    }
    let last = scene.slack.calls().pop().unwrap();
    let CallOutcome::RateLimited(seconds) = last.outcome else { panic!("{last:?}") };
    let elsewhere = scene.call("chat.postMessage", json!({ "channel": names::ALICE, "text": "hello" })).await;
    assert_eq!(elsewhere["ok"], true, "other channels go on");
    scene.pass(i64::try_from(seconds).unwrap() * 1_000);
    post(&scene).await;
    assert_eq!(scene.slack.calls().pop().unwrap().outcome, CallOutcome::Ok);
}

#[tokio::test]
async fn direct_messages_are_one_channel_by_whichever_of_their_names() {
    let scene = Scene::with(SlackOptions { rate_limits: true, ..SlackOptions::default() }).await;
    let to = |channel: &str| json!({ "channel": channel, "text": "hello" });
    let direct =
        scene.call("chat.postMessage", to(names::ALICE)).await["channel"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        scene.call("chat.postMessage", to(&direct)).await;
    }
    for name in [names::ALICE, &direct] {
        scene.try_call(&scene.slack.bot_token(), "chat.postMessage", &to(name)).await.unwrap();
        let last = scene.slack.calls().pop().unwrap();
        assert!(matches!(last.outcome, CallOutcome::RateLimited(_)), "{last:?}");
    }
    assert_eq!(scene.call("chat.postMessage", to(names::BOB)).await["ok"], true);
}

#[tokio::test]
async fn everybody_is_listed_twenty_times_a_minute() {
    let scene = Scene::new().await;
    for _ in 0..21 {
        scene.call("users.list", json!({})).await;
    }
    let over: Vec<_> = scene.slack.calls().iter().map(|call| call.over_limit).collect();
    assert_eq!(over.iter().position(|over| *over), Some(20));
}

#[tokio::test]
async fn without_enforcement_the_log_marks_what_came_too_soon() {
    let scene = Scene::new().await;
    for _ in 0..7 {
        post(&scene).await;
    }
    let over: Vec<_> = scene.slack.calls().iter().map(|call| call.over_limit).collect();
    assert_eq!(over, [false, false, false, false, false, false, true]);
    assert_eq!(scene.slack.messages(names::SALES).len(), 7);
    for _ in 0..101 {
        scene.call("users.info", json!({ "user": names::ALICE })).await;
    }
    assert!(scene.slack.calls().pop().unwrap().over_limit, "101 a minute is more than tier 4 allows");
}
