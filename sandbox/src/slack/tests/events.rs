use std::time::Duration;

use serde_json::json;

use super::Scene;
use crate::slack::{SlackOptions, Tab, names};

#[tokio::test]
async fn opening_home_sends_the_event_with_its_tab() {
    let scene = Scene::new().await;
    let delivery = scene.slack.open_home(names::ALICE, Tab::Home).await.unwrap();
    assert!(delivery.is_ok());
    let request = scene.app.last();
    assert!(request.genuine && request.path == "/slack/events");
    let envelope = request.payload();
    assert_eq!((&envelope["type"], &envelope["team_id"]), (&json!("event_callback"), &json!(names::TEAM)));
    let event = &envelope["event"];
    assert_eq!((&event["type"], &event["tab"]), (&json!("app_home_opened"), &json!("home")));
    assert_eq!((&event["user"], event.get("view")), (&json!(names::ALICE), None));
    assert_eq!(event["channel"], scene.slack.direct_channel(names::ALICE).unwrap());
    scene.slack.open_home(names::ALICE, Tab::Messages).await.unwrap();
    assert_eq!(scene.app.last().payload()["event"]["tab"], "messages");
}

#[tokio::test]
async fn events_are_sent_again_until_they_are_taken_and_clicks_are_not() {
    let event_retries = vec![Duration::ZERO, Duration::from_millis(20), Duration::from_millis(40)];
    let scene = Scene::with(SlackOptions { event_retries, ..SlackOptions::default() }).await;
    scene.app.answers(503, "", Duration::ZERO);
    scene.trigger().await;
    scene.slack.open_home(names::ALICE, Tab::Home).await.unwrap();
    let all_there = |slack: &crate::slack::Slack| (slack.sent().len() == 5).then_some(());
    scene.slack.wait_for(all_there, Duration::from_mins(1)).await.expect("the event, and three retries");
    let requests = scene.app.requests();
    assert_eq!(requests[0].path, "/slack/interactivity");
    let numbers: Vec<_> = requests[1..].iter().map(|request| request.header("x-slack-retry-num")).collect();
    assert_eq!(numbers, ["", "1", "2", "3"]);
    assert_eq!(requests[2].header("x-slack-retry-reason"), "http_error");
    assert!(requests[2..].iter().all(|request| request.genuine && request.body == requests[1].body));
}

#[tokio::test]
async fn a_change_of_a_person_is_told_with_all_that_they_are_now() {
    let scene = Scene::new().await;
    scene.slack.change_user_loudly(names::ALICE, |user| user.is_restricted = true).await.unwrap();
    let envelope = scene.app.last().payload();
    let event = &envelope["event"];
    assert_eq!((&event["type"], &event["user"]["id"]), (&json!("user_change"), &json!(names::ALICE)));
    assert_eq!(
        (&event["user"]["is_restricted"], &event["user"]["team_id"]),
        (&json!(true), &json!(names::TEAM))
    );
    assert_eq!(envelope["authorizations"][0]["team_id"], names::TEAM);
}
