use serde_json::json;

use super::Fixture;
use crate::slack::{CallOutcome, SlackOptions, names};

async fn post(fixture: &Fixture) {
    let arguments = json!({ "channel": names::SALES, "text": "hello" });
    fixture.try_call(&fixture.slack.bot_token(), "chat.postMessage", &arguments).await.unwrap();
}

#[tokio::test]
async fn one_message_per_second_in_a_channel_is_always_accepted() {
    let fixture = Fixture::with(SlackOptions { rate_limits: true, ..SlackOptions::default() }).await;
    for _ in 0..30 {
        post(&fixture).await;
        fixture.pass(1_000);
    }
    assert!(fixture.slack.calls().iter().all(|call| call.outcome == CallOutcome::Ok && !call.over_limit));
}

#[tokio::test]
async fn a_burst_in_one_channel_is_limited_until_retry_after() {
    let fixture = Fixture::with(SlackOptions { rate_limits: true, ..SlackOptions::default() }).await;
    for _ in 0..7 {
        post(&fixture).await;
    }
    let last = fixture.slack.calls().pop().unwrap();
    let CallOutcome::RateLimited(seconds) = last.outcome else { panic!("{last:?}") };
    let elsewhere =
        fixture.call("chat.postMessage", json!({ "channel": names::ALICE, "text": "hello" })).await;
    assert_eq!(elsewhere["ok"], true, "other channels go on");
    fixture.pass(i64::try_from(seconds).unwrap() * 1_000);
    post(&fixture).await;
    assert_eq!(fixture.slack.calls().pop().unwrap().outcome, CallOutcome::Ok);
}

#[tokio::test]
async fn both_names_of_direct_messages_share_one_limit() {
    let fixture = Fixture::with(SlackOptions { rate_limits: true, ..SlackOptions::default() }).await;
    let to = |channel: &str| json!({ "channel": channel, "text": "hello" });
    let direct =
        fixture.call("chat.postMessage", to(names::ALICE)).await["channel"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        fixture.call("chat.postMessage", to(&direct)).await;
    }
    for name in [names::ALICE, &direct] {
        fixture.try_call(&fixture.slack.bot_token(), "chat.postMessage", &to(name)).await.unwrap();
        let last = fixture.slack.calls().pop().unwrap();
        assert!(matches!(last.outcome, CallOutcome::RateLimited(_)), "{last:?}");
    }
    assert_eq!(fixture.call("chat.postMessage", to(names::BOB)).await["ok"], true);
}

#[tokio::test]
async fn users_list_may_be_called_twenty_times_a_minute() {
    let fixture = Fixture::new().await;
    for _ in 0..21 {
        fixture.call("users.list", json!({})).await;
    }
    let over: Vec<_> = fixture.slack.calls().iter().map(|call| call.over_limit).collect();
    assert_eq!(over.iter().position(|over| *over), Some(20));
}

#[tokio::test]
async fn without_enforcement_the_log_marks_calls_over_the_limit() {
    let fixture = Fixture::new().await;
    for _ in 0..7 {
        post(&fixture).await;
    }
    let over: Vec<_> = fixture.slack.calls().iter().map(|call| call.over_limit).collect();
    assert_eq!(over, [false, false, false, false, false, false, true]);
    assert_eq!(fixture.slack.messages(names::SALES).len(), 7);
    for _ in 0..101 {
        fixture.call("users.info", json!({ "user": names::ALICE })).await;
    }
    assert!(fixture.slack.calls().pop().unwrap().over_limit, "101 a minute is more than tier 4 allows");
}
