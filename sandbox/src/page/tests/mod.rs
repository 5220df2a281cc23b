//! The page over HTTP, as a browser uses it, with a small app behind the local Slack.

mod acting;
mod panel;
mod viewing;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::any;
use axum::{Json, Router};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::ambient::TimeSkip;
use crate::backend::AgentBackend;
use crate::slack::{Slack, SlackOptions, names};

/// A local Slack with its page, and an app that records its requests and answers as configured.
struct World {
    slack: Slack,
    http: reqwest::Client,
    app: Arc<App>,
}

#[derive(Default)]
struct App {
    /// The payloads of interactions and the fields of commands, oldest first.
    received: Mutex<Vec<Value>>,
    /// The app's answer. None at first.
    answer: Mutex<Option<Value>>,
}

impl World {
    async fn start(backend: Option<AgentBackend>) -> Self {
        Self::start_with(backend, None).await
    }

    async fn start_with(backend: Option<AgentBackend>, skip: Option<TimeSkip>) -> Self {
        let extra = Box::new(move |slack: Slack| super::router(slack, backend, skip));
        let slack =
            Slack::start(SlackOptions { extra: Some(extra), ..SlackOptions::default() }).await.unwrap();
        let app = Arc::new(App::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        slack.connect_app(&format!("http://{}", listener.local_addr().unwrap()));
        let routes = Router::new().route("/slack/{kind}", any(hear)).with_state(Arc::clone(&app));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { slack, http: crate::http::client().unwrap(), app }
    }

    /// Calls the Web API as the app.
    async fn api(&self, method: &str, body: Value) -> Value {
        let url = format!("{}/{method}", self.slack.api_url());
        let call = self.http.post(url).bearer_auth(self.slack.bot_token()).json(&body);
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["ok"], true, "{answer}");
        answer
    }

    /// Posts blocks to Alice; gives channel and `ts`.
    async fn post(&self, blocks: Value) -> (String, String) {
        let body = json!({ "channel": names::ALICE, "text": "Atlas asks", "blocks": blocks });
        let posted = self.api("chat.postMessage", body).await;
        let text = |key: &str| posted[key].as_str().unwrap().to_owned();
        (text("channel"), text("ts"))
    }

    async fn get(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}{path}", self.slack.origin())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// Sends a form as the page's script does. Returns the status and the text that the person sees.
    async fn act(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let call = self.http.post(format!("{}{path}", self.slack.origin())).header("hx-request", "true");
        let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = call.send().await.unwrap();
        let notice = answer.headers().get("x-notice").map(|words| words.to_str().unwrap().to_owned());
        (answer.status().as_u16(), notice.unwrap_or(answer.text().await.unwrap()))
    }

    /// What the app was sent last.
    async fn last(&self) -> Value {
        self.app.received.lock().await.last().cloned().unwrap_or_default()
    }

    /// Reads a page's live connection until it contains `wanted`.
    async fn live_until(&self, path: &str, wanted: &str, then: impl AsyncFnOnce()) -> String {
        let answer = self.http.get(format!("{}{path}", self.slack.origin())).send().await.unwrap();
        let mut chunks = answer.bytes_stream();
        let first = chunks.next().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&first).starts_with("event: parts"));
        then().await;
        let mut said = String::new();
        let reading = async {
            while !said.contains(wanted) {
                said.push_str(&String::from_utf8_lossy(&chunks.next().await.unwrap().unwrap()));
            }
        };
        tokio::time::timeout(Duration::from_mins(1), reading)
            .await
            .expect("the page received no such change");
        said
    }
}

/// Slack's requests: form fields, of which `payload` is JSON. Events are not recorded.
async fn hear(State(app): State<Arc<App>>, body: String) -> Json<Value> {
    if !body.starts_with('{') {
        let fields: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let payload = fields.iter().find(|(name, _)| name == "payload").map(|(_, value)| value);
        let heard = match payload {
            Some(payload) => serde_json::from_str(payload).unwrap(),
            None => fields.into_iter().map(|(name, value)| (name, json!(value))).collect(),
        };
        app.received.lock().await.push(heard);
    }
    Json(app.answer.lock().await.clone().unwrap_or(json!({})))
}

fn words(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

fn option(value: &str) -> Value {
    json!({ "text": words(value), "value": value })
}
