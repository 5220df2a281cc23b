use std::time::{Duration, Instant};

use serde_json::json;

use super::{Scene, prompt};
use crate::slack::{CallOutcome, Misbehaviour, Slack, SlackOptions, Surface, names};

/// Posts a prompt while the method misbehaves once; gives what the app saw, as text.
async fn post(scene: &Scene, misbehaviour: Misbehaviour) -> Result<(u16, String), reqwest::Error> {
    scene.slack.misbehave("chat.postMessage", misbehaviour, 1);
    let answer = scene.try_call(&scene.slack.bot_token(), "chat.postMessage", &prompt(names::ALICE)).await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

fn posted(scene: &Scene) -> usize {
    scene.slack.direct_messages(names::ALICE).len()
}

#[tokio::test]
async fn a_method_can_be_rate_limited_so_many_times() {
    let scene = Scene::new().await;
    scene.slack.misbehave("chat.postMessage", Misbehaviour::RateLimited { retry_after: 7 }, 2);
    let token = scene.slack.bot_token();
    for _ in 0..2 {
        let answer = scene.try_call(&token, "chat.postMessage", &prompt(names::ALICE)).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (429, &"7".parse().unwrap())
        );
    }
    assert_eq!(posted(&scene), 0);
    scene.prompt().await;
    assert_eq!(posted(&scene), 1);
    let outcomes: Vec<_> = scene.slack.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [CallOutcome::RateLimited(7), CallOutcome::RateLimited(7), CallOutcome::Ok]);
}

#[tokio::test]
async fn errors_and_pages_come_without_effect() {
    let scene = Scene::new().await;
    assert_eq!(post(&scene, Misbehaviour::ServerError(503)).await.unwrap().0, 503);
    let (status, page) = post(&scene, Misbehaviour::HtmlPage).await.unwrap();
    assert!(status == 200 && page.starts_with("<!doctype html>"));
    let (_, error) = post(&scene, Misbehaviour::SlackError("fatal_error".to_owned())).await.unwrap();
    assert_eq!(error, r#"{"ok":false,"error":"fatal_error"}"#);
    assert_eq!(posted(&scene), 0);
}

#[tokio::test]
async fn a_connection_breaks_off_before_or_after_the_effect() {
    let scene = Scene::new().await;
    assert!(post(&scene, Misbehaviour::DropBeforeEffect).await.is_err());
    assert_eq!(posted(&scene), 0);
    assert!(post(&scene, Misbehaviour::DropAfterEffect).await.is_err());
    assert_eq!(posted(&scene), 1, "the message was posted, though nobody was told");
    let outcomes: Vec<_> = scene.slack.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [CallOutcome::Dropped { effect: false }, CallOutcome::Dropped { effect: true }]);
}

#[tokio::test]
async fn answers_can_be_late_or_never_come() {
    let scene = Scene::new().await;
    let late = Duration::from_millis(150);
    let started = Instant::now();
    assert_eq!(post(&scene, Misbehaviour::Delay(late)).await.unwrap().0, 200);
    assert_eq!(post(&scene, Misbehaviour::SlowAnswer(late)).await.unwrap().0, 200);
    assert_eq!(posted(&scene), 2);
    assert!(post(&scene, Misbehaviour::Hang(late)).await.is_err());
    assert_eq!(posted(&scene), 2);
    assert!(started.elapsed() >= late * 3);
}

#[tokio::test]
async fn response_urls_misbehave_too() {
    let scene = Scene::new().await;
    let (channel, ts) = scene.prompt().await;
    let surface = Surface::Message { channel, ts };
    let delivery = scene.slack.click(names::ALICE, surface, "deny").await.unwrap();
    let url = delivery.payload["response_url"].as_str().unwrap();
    scene.slack.misbehave("response_url", Misbehaviour::ServerError(500), 1);
    let answer = scene.http.post(url).json(&json!({ "text": "x" })).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 500);
    assert_eq!(posted(&scene), 1);
}

#[tokio::test]
async fn the_server_ends_when_it_is_told_to_and_when_nobody_holds_it() {
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
