//! Tests of the local Slack over real HTTP: what it accepts and refuses, what it sends, and how it misbehaves.

mod app;
mod clicking;
mod commands;
mod events;
mod installing;
mod methods;
mod misbehaving;
mod modals;
mod posting;
mod rate_limits;
mod response_urls;
mod triggers;
mod workspaces;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::DateTime;
use serde_json::{Value, json};

use self::app::TestApp;
use super::{Slack, SlackOptions, names};
use crate::ambient::Clock;

/// A local Slack, an app connected to it, and a clock that tests move.
struct Fixture {
    slack: Slack,
    app: TestApp,
    time: Arc<AtomicI64>,
    http: reqwest::Client,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(SlackOptions::default()).await
    }

    async fn with(options: SlackOptions) -> Self {
        let time = Arc::new(AtomicI64::new(1_700_000_000_000));
        let shown = Arc::clone(&time);
        let clock = Clock::from_fn(move || {
            DateTime::from_timestamp_millis(shown.load(Ordering::SeqCst))
                .expect("a time that chrono can show")
        });
        let slack = Slack::start(SlackOptions { clock, ..options }).await.expect("a Slack");
        let app = TestApp::start(&slack).await;
        slack.connect_app(&app.base);
        Self { slack, app, time, http: crate::http::client().expect("a client") }
    }

    /// Moves the clock forward.
    fn pass(&self, milliseconds: i64) {
        self.time.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Calls a method as the app, with the bot token.
    async fn call(&self, method: &str, arguments: Value) -> Value {
        self.call_with(&self.slack.bot_token(), method, arguments).await
    }

    async fn call_with(&self, token: &str, method: &str, arguments: Value) -> Value {
        let answer = self.try_call(token, method, &arguments).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.json().await.expect("JSON")
    }

    async fn try_call(
        &self,
        token: &str,
        method: &str,
        arguments: &Value,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let request = self.http.post(format!("{}/{method}", self.slack.api_url())).bearer_auth(token);
        // Methods that read data don't accept JSON.
        if !method.starts_with("users.") {
            return request.json(arguments).send().await;
        }
        let pairs = arguments.as_object().expect("an object").iter();
        let pairs = pairs.map(|(key, value)| (key, value.as_str().expect("a string")));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await
    }

    /// Posts a message with buttons and an overflow menu to Alice. Returns its channel and `ts`.
    async fn prompt(&self) -> (String, String) {
        let answer = self.call("chat.postMessage", prompt(names::ALICE)).await;
        assert_eq!(answer["ok"], true, "{answer}");
        (answer["channel"].as_str().unwrap().to_owned(), answer["ts"].as_str().unwrap().to_owned())
    }

    /// Makes Alice click on a new prompt, and returns the trigger.
    async fn trigger(&self) -> String {
        let (channel, ts) = self.prompt().await;
        let surface = super::Surface::Message { channel, ts };
        let delivery = self.slack.click(names::ALICE, surface, "approve").await.expect("a click");
        delivery.payload["trigger_id"].as_str().unwrap().to_owned()
    }

    /// Opens a modal for Alice and returns its id.
    async fn modal(&self, view: Value) -> String {
        let trigger_id = self.trigger().await;
        let answer = self.call("views.open", json!({ "trigger_id": trigger_id, "view": view })).await;
        assert_eq!(answer["ok"], true, "{answer}");
        answer["view"]["id"].as_str().unwrap().to_owned()
    }
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

fn button(action_id: &str, label: &str, value: &str) -> Value {
    json!({ "type": "button", "action_id": action_id, "text": plain(label), "value": value })
}

fn prompt(channel: &str) -> Value {
    let option = |text: &str, value: &str| json!({ "text": plain(text), "value": value });
    json!({
        "channel": channel,
        "text": "Atlas wants to use Salesforce: Create record",
        "blocks": [
            { "type": "header", "text": plain("Atlas wants to use Salesforce") },
            { "type": "rich_text", "elements": [
                { "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": "subject  Call with <Acme>" }] },
            ] },
            { "type": "actions", "block_id": "controls", "elements": [
                button("approve", "Approve", "apr_1"),
                { "type": "overflow", "action_id": "scope", "options": [
                    option("Approve manually", "once"),
                    option("Auto-approve always", "always"),
                ] },
                button("deny", "Deny", "apr_1"),
            ] },
        ],
    })
}

fn reason_modal() -> Value {
    json!({
        "type": "modal",
        "callback_id": "deny",
        "private_metadata": "apr_1",
        "notify_on_close": true,
        "title": plain("Deny"),
        "submit": plain("Deny"),
        "close": plain("Cancel"),
        "blocks": [{
            "type": "input",
            "block_id": "reason",
            "label": plain("Reason for the agent"),
            "element": { "type": "plain_text_input", "action_id": "text", "max_length": 20 },
        }],
    })
}
