use std::time::{Duration, Instant};

use serde_json::json;

use super::{Fixture, prompt};
use crate::slack::{CallOutcome, Misbehaviour, Slack, SlackOptions, Surface, names};

/// Posts a prompt while the method misbehaves once. Returns the response as text.
async fn post(fixture: &Fixture, misbehaviour: Misbehaviour) -> Result<(u16, String), reqwest::Error> {
    fixture.slack.misbehave("chat.postMessage", misbehaviour, 1);
    let answer =
        fixture.try_call(&fixture.slack.bot_token(), "chat.postMessage", &prompt(names::ALICE)).await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

fn posted(fixture: &Fixture) -> usize {
    fixture.slack.direct_messages(names::ALICE).len()
}

#[tokio::test]
async fn a_method_can_be_rate_limited_a_given_number_of_times() {
    let fixture = Fixture::new().await;
    fixture.slack.misbehave("chat.postMessage", Misbehaviour::RateLimited { retry_after: 7 }, 2);
    let token = fixture.slack.bot_token();
    for _ in 0..2 {
        let answer = fixture.try_call(&token, "chat.postMessage", &prompt(names::ALICE)).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (429, &"7".parse().unwrap())
        );
    }
    assert_eq!(posted(&fixture), 0);
    fixture.prompt().await;
    assert_eq!(posted(&fixture), 1);
    let outcomes: Vec<_> = fixture.slack.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [CallOutcome::RateLimited(7), CallOutcome::RateLimited(7), CallOutcome::Ok]);
}

#[tokio::test]
async fn errors_and_html_pages_have_no_effect() {
    let fixture = Fixture::new().await;
    assert_eq!(post(&fixture, Misbehaviour::ServerError(503)).await.unwrap().0, 503);
    let (status, page) = post(&fixture, Misbehaviour::HtmlPage).await.unwrap();
    assert!(status == 200 && page.starts_with("<!doctype html>"));
    let (_, error) = post(&fixture, Misbehaviour::SlackError("fatal_error".to_owned())).await.unwrap();
    assert_eq!(error, r#"{"ok":false,"error":"fatal_error"}"#);
    assert_eq!(posted(&fixture), 0);
}

#[tokio::test]
async fn a_connection_breaks_off_before_or_after_the_effect() {
    let fixture = Fixture::new().await;
    assert!(post(&fixture, Misbehaviour::DropBeforeEffect).await.is_err());
    assert_eq!(posted(&fixture), 0);
    assert!(post(&fixture, Misbehaviour::DropAfterEffect).await.is_err());
    assert_eq!(posted(&fixture), 1, "the message was posted, but the caller got no answer");
    let outcomes: Vec<_> = fixture.slack.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [CallOutcome::Dropped { effect: false }, CallOutcome::Dropped { effect: true }]);
}

#[tokio::test]
async fn answers_can_be_late_or_never_come() {
    let fixture = Fixture::new().await;
    let late = Duration::from_millis(150);
    let started = Instant::now();
    assert_eq!(post(&fixture, Misbehaviour::Delay(late)).await.unwrap().0, 200);
    assert_eq!(post(&fixture, Misbehaviour::SlowAnswer(late)).await.unwrap().0, 200);
    assert_eq!(posted(&fixture), 2);
    assert!(post(&fixture, Misbehaviour::Hang(late)).await.is_err());
    assert_eq!(posted(&fixture), 2);
    assert!(started.elapsed() >= late * 3);
}

#[tokio::test]
async fn response_urls_misbehave_too() {
    let fixture = Fixture::new().await;
    let (channel, ts) = fixture.prompt().await;
    let surface = Surface::Message { channel, ts };
    let delivery = fixture.slack.click(names::ALICE, surface, "deny").await.unwrap();
    let url = delivery.payload["response_url"].as_str().unwrap();
    fixture.slack.misbehave("response_url", Misbehaviour::ServerError(500), 1);
    let answer = fixture.http.post(url).json(&json!({ "text": "x" })).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 500);
    assert_eq!(posted(&fixture), 1);
}

#[tokio::test]
async fn the_server_stops_on_shutdown_and_with_its_last_handle() {
    let slack = Slack::start(SlackOptions::default()).await.unwrap();
    let url = format!("{}/auth.test", slack.api_url());
    let http = crate::http::client().unwrap();
    assert!(http.post(&url).send().await.is_ok());
    slack.shutdown().await;
    assert!(http.post(&url).send().await.is_err(), "kept connections are closed as well");

    let extra: crate::slack::ExtraRoutes = Box::new(|inside| {
        let origin = inside.origin();
        axum::Router::new().route("/page", axum::routing::get(move || async move { origin }))
    });
    let slack = Slack::start(SlackOptions { extra: Some(extra), ..SlackOptions::default() }).await.unwrap();
    let (origin, url) = (slack.origin(), format!("{}/page", slack.origin()));
    assert_eq!(http.get(&url).send().await.unwrap().text().await.unwrap(), origin);
    drop(slack);
    let gone = async || while http.get(&url).send().await.is_ok() {};
    tokio::time::timeout(Duration::from_mins(1), gone()).await.expect("dropping the last handle stops it");
}
