//! A small app that records its requests and answers as configured.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    routing::post,
};
use serde_json::Value;

use crate::slack::{Slack, sign};

/// One received request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the signature matches the body and the secret.
    pub(super) genuine: bool,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn field(&self, name: &str) -> String {
        let found = form_urlencoded::parse(&self.body).find(|(key, _)| key == name);
        found.unwrap_or_else(|| panic!("no field {name}")).1.into_owned()
    }

    /// The JSON of an interaction, or of an event.
    pub(super) fn payload(&self) -> Value {
        if self.path == "/slack/events" {
            serde_json::from_slice(&self.body).unwrap()
        } else {
            serde_json::from_str(&self.field("payload")).unwrap()
        }
    }
}

#[derive(Clone, Debug)]
struct Answer {
    status: StatusCode,
    body: String,
    after: Duration,
}

#[derive(Clone)]
pub(super) struct TestApp {
    pub(super) base: String,
    requests: Arc<Mutex<Vec<Request>>>,
    answer: Arc<Mutex<Answer>>,
    secret: String,
}

impl TestApp {
    pub(super) async fn start(slack: &Slack) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let answer = Answer { status: StatusCode::OK, body: String::new(), after: Duration::ZERO };
        let app = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
            answer: Arc::new(Mutex::new(answer)),
            secret: slack.signing_secret(),
        };
        let router = Router::new().route("/slack/{kind}", post(receive)).with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        app
    }

    /// Answers every request like this from now on.
    pub(super) fn answers(&self, status: u16, body: &str, after: Duration) {
        let status = StatusCode::from_u16(status).unwrap();
        *self.answer.lock().unwrap() = Answer { status, body: body.to_owned(), after };
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn last(&self) -> Request {
        self.requests().pop().expect("a request")
    }
}

async fn receive(
    State(app): State<TestApp>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let timestamp = header("x-slack-request-timestamp").parse().unwrap_or(0);
    let genuine = header("x-slack-signature") == sign(&app.secret, timestamp, &body);
    let request = Request { path: uri.path().to_owned(), headers, body, genuine };
    app.requests.lock().unwrap().push(request);
    let answer = app.answer.lock().unwrap().clone();
    tokio::time::sleep(answer.after).await;
    (answer.status, answer.body)
}
