use std::time::Duration;

use serde_json::json;

use super::Fixture;
use crate::slack::{SlackOptions, Tab, names};

#[tokio::test]
async fn opening_home_sends_the_event_with_its_tab() {
    let fixture = Fixture::new().await;
    let delivery = fixture.slack.open_home(names::ALICE, Tab::Home).await.unwrap();
    assert!(delivery.is_ok());
    let request = fixture.app.last();
    assert!(request.genuine && request.path == "/slack/events");
    let envelope = request.payload();
    assert_eq!((&envelope["type"], &envelope["team_id"]), (&json!("event_callback"), &json!(names::TEAM)));
    let event = &envelope["event"];
    assert_eq!((&event["type"], &event["tab"]), (&json!("app_home_opened"), &json!("home")));
    assert_eq!((&event["user"], event.get("view")), (&json!(names::ALICE), None));
    assert_eq!(event["channel"], fixture.slack.direct_channel(names::ALICE).unwrap());
    fixture.slack.open_home(names::ALICE, Tab::Messages).await.unwrap();
    assert_eq!(fixture.app.last().payload()["event"]["tab"], "messages");
}

#[tokio::test]
async fn events_are_retried_until_accepted_and_clicks_are_not() {
    let event_retries = vec![Duration::ZERO, Duration::from_millis(20), Duration::from_millis(40)];
    let fixture = Fixture::with(SlackOptions { event_retries, ..SlackOptions::default() }).await;
    fixture.app.answers(503, "", Duration::ZERO);
    fixture.trigger().await;
    fixture.slack.open_home(names::ALICE, Tab::Home).await.unwrap();
    let all_there = |slack: &crate::slack::Slack| (slack.sent().len() == 5).then_some(());
    fixture.slack.wait_for(all_there, Duration::from_mins(1)).await.expect("the event, and three retries");
    let requests = fixture.app.requests();
    assert_eq!(requests[0].path, "/slack/interactivity");
    let numbers: Vec<_> = requests[1..].iter().map(|request| request.header("x-slack-retry-num")).collect();
    assert_eq!(numbers, ["", "1", "2", "3"]);
    assert_eq!(requests[2].header("x-slack-retry-reason"), "http_error");
    assert!(requests[2..].iter().all(|request| request.genuine && request.body == requests[1].body));
}

#[tokio::test]
async fn a_user_change_event_has_the_complete_user() {
    let fixture = Fixture::new().await;
    fixture.slack.change_user_loudly(names::ALICE, |user| user.is_restricted = true).await.unwrap();
    let envelope = fixture.app.last().payload();
    let event = &envelope["event"];
    assert_eq!((&event["type"], &event["user"]["id"]), (&json!("user_change"), &json!(names::ALICE)));
    assert_eq!(
        (&event["user"]["is_restricted"], &event["user"]["team_id"]),
        (&json!(true), &json!(names::TEAM))
    );
    assert_eq!(envelope["authorizations"][0]["team_id"], names::TEAM);
}
