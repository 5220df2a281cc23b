//! Callback URLs: a webhook for one approval, beside its backend's endpoint.

use std::time::Duration;

use chrono::TimeDelta;
use sandbox::{
    ambient,
    backend::{AgentBackend, Answer, Ask, BackendOptions, Delivery},
};
use serde_json::{Value, json};

use crate::story::{ALICE, SOON, TestApp, eventually, story};

const ACTION: &str = "github.create_issue";

/// A receiver of callbacks, which verifies them with the backend's secret.
async fn receiver(s: &TestApp) -> AgentBackend {
    let clock = s.clock.clone();
    let clock = ambient::Clock::from_fn(move || clock.now());
    let receiver = AgentBackend::start(BackendOptions { clock }).await.unwrap();
    receiver.connect(&s.url(), s.key(), &s.keys.as_ref().unwrap().webhook_secret);
    receiver
}

/// The address of a receiver with a secret in it.
fn url(receiver: &AgentBackend) -> String {
    format!("{}?resume=s3cr3t", receiver.webhook_url())
}

async fn called_back(receiver: &AgentBackend, id: &str) -> Delivery {
    let told = receiver.wait_for_event(|event| event.approval_id() == id, SOON).await.unwrap();
    assert_eq!(told.verified, Ok(()));
    told
}

/// The deliveries of an approval: the host of the callback, the status and the last error.
async fn deliveries(s: &TestApp, id: &str) -> Vec<Value> {
    let reply = s.api().deliveries(&[("approval", id)]).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body["data"].as_array().unwrap().clone()
}

async fn one_callback(s: &TestApp, id: &str, status: &str) -> Value {
    eventually("the callback's state", async || {
        let all = deliveries(s, id).await;
        all.into_iter().find(|one| one["callback_host"] == "127.0.0.1" && one["status"] == status)
    })
    .await
}

fn call(s: &TestApp, conversation: &str, url: &str) -> Ask {
    s.call(ACTION, conversation).calling_back(url)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_reported_to_the_callback_and_to_the_endpoint() {
    story(async |s| {
        let receiver = receiver(s).await;
        let (id, prompt) = s.prompt(&call(s, "c-1", &url(&receiver))).await;
        let (other, _) = s.prompt(&s.call(ACTION, "c-2")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let told = called_back(&receiver, &id).await;
        assert_eq!(told.kind, "approval.approved");
        let webhook = s.received_webhook(&id).await;
        assert_eq!(webhook.body, told.body);
        assert_ne!(webhook.id, told.id);
        assert_eq!(s.api().cancel(&other).await.status, 200);
        s.received_webhook(&other).await;
        s.settled().await;
        assert_eq!(receiver.deliveries().len(), 1);

        let callback = one_callback(s, &id, "delivered").await;
        assert_eq!((&callback["id"], &callback["paused"]), (&json!(told.id), &json!(false)));
        assert_eq!(deliveries(s, &id).await.len(), 2);
        let all = s.api().deliveries(&[]).await.body["data"].as_array().unwrap().len();
        assert_eq!(all, 3);
        let path = ["webhook-deliveries", told.id.as_str()];
        let reply = s.api().call(reqwest::Method::GET, &path, &[], None, &[]).await;
        assert_eq!((reply.status, &reply.body["attempts"][0]["outcome"]), (200, &json!("delivered")));
        assert_eq!(s.api().redeliver(&told.id).await.status, 202);
        let again = receiver.wait_for_delivery(|delivery| delivery.repeated, SOON).await.unwrap();
        assert_eq!(again.id, told.id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_fails_is_repeated_and_says_nothing_about_the_endpoint() {
    story(async |s| {
        let receiver = receiver(s).await;
        receiver.answer_with(Answer::Gone);
        let gone = s.ask(&call(s, "c-1", &url(&receiver))).await.id().to_owned();
        assert_eq!(s.api().cancel(&gone).await.status, 200);
        one_callback(s, &gone, "dead").await;
        receiver.answer_next([Answer::Status(500, Vec::new())]);
        receiver.answer_with(Answer::Take);
        let id = s.ask(&call(s, "c-2", &url(&receiver))).await.id().to_owned();
        assert_eq!(s.api().cancel(&id).await.status, 200);
        s.received_webhook(&id).await;
        eventually("the callback", async || {
            s.clock.advance(TimeDelta::seconds(2));
            receiver.events().into_iter().find(|event| event.approval_id() == id)
        })
        .await;
        let failing = "SELECT count(*) FROM backends WHERE webhook_failing_since IS NOT NULL OR webhook_stopped_at IS NOT NULL";
        let failing: i64 = sqlx::query_scalar(failing).fetch_one(&s.service.db).await.unwrap();
        assert_eq!(failing, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_host_does_not_slow_others() {
    story(async |s| {
        let (slow, fast) = (receiver(s).await, receiver(s).await);
        slow.answer_with(Answer::Hang(Duration::from_mins(1)));
        for number in 0..40 {
            let reply = s.ask(&call(s, &format!("c-{number}"), &url(&slow))).await;
            assert_eq!(s.api().cancel(reply.id()).await.status, 200);
        }
        let began = std::time::Instant::now();
        let id = s.ask(&call(s, "c-fast", &url(&fast))).await.id().to_owned();
        assert_eq!(s.api().cancel(&id).await.status, 200);
        called_back(&fast, &id).await;
        // An attempt at the slow ones takes ten seconds.
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_goes_to_no_private_address_and_its_url_is_stored_sealed() {
    story(async |s| {
        s.config.webhook_allow.clear();
        s.restart().await;
        let receiver = receiver(s).await;
        let id = s.ask(&call(s, "c-1", &url(&receiver))).await.id().to_owned();
        let (stored, host): (Vec<u8>, String) =
            sqlx::query_as("SELECT url, host FROM callbacks").fetch_one(&s.service.db).await.unwrap();
        assert!(!String::from_utf8_lossy(&stored).contains("s3cr3t"));
        assert_eq!(host, "127.0.0.1");
        assert_eq!(s.api().cancel(&id).await.status, 200);
        eventually("the refusal", async || {
            let callback = one_callback(s, &id, "pending").await;
            let error = callback["last_error"].as_str().unwrap_or_default().to_owned();
            error.contains("127.0.0.1 is a private, local or reserved address").then_some(())
        })
        .await;
        assert!(receiver.deliveries().is_empty());
        let approval = s.api().get(&id).await;
        assert!(!approval.text.contains("s3cr3t"), "{approval:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_at_once_has_no_callback() {
    story(async |s| {
        let receiver = receiver(s).await;
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        s.received_webhook(&id).await;
        assert_eq!(s.ask(&call(s, "c-1", &url(&receiver))).await.approval_status(), "approved");
        let callbacks: i64 =
            sqlx::query_scalar("SELECT count(*) FROM callbacks").fetch_one(&s.service.db).await.unwrap();
        assert_eq!(callbacks, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_url_is_checked_and_a_repeated_request_must_name_the_same() {
    story(async |s| {
        for wrong in [
            json!("flows.example.com/x"),
            json!("ftp://example.com/"),
            json!("https://a:b@example.com/"),
            json!(7),
        ] {
            let mut body = serde_json::to_value(s.call(ACTION, "c-1")).unwrap();
            body["callback_url"] = wrong.clone();
            let reply = s.api().call(reqwest::Method::POST, &["approvals"], &[], Some(&body), &[]).await;
            assert_eq!(
                (reply.status, reply.str("/errors/0/pointer")),
                (422, "/callback_url"),
                "{wrong}: {reply:?}"
            );
        }
        let first = call(s, "c-1", "https://flows.example.com/1");
        assert_eq!(s.api().ask_once(&first, "k").await.status, 201);
        assert_eq!(s.api().ask_once(&first, "k").await.status, 200);
        let other = s.api().ask_once(&call(s, "c-1", "https://flows.example.com/2"), "k").await;
        assert_eq!(
            (other.status, other.str("/type")),
            (422, "urn:countersign:problem:idempotency-key-reused")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_moved_is_told_by_its_own_name() {
    story(async |s| {
        let receiver = receiver(s).await;
        receiver.answer_with(Answer::Status(302, Vec::new()));
        let id = s.ask(&call(s, "c-1", &url(&receiver))).await.id().to_owned();
        assert_eq!(s.api().cancel(&id).await.status, 200);
        let error = eventually("the error", async || {
            let all = deliveries(s, &id).await;
            all.iter().find_map(|one| one["last_error"].as_str().map(str::to_owned))
        })
        .await;
        insta::assert_snapshot!(error, @"redirects are not followed: ask with the final URL as `callback_url`");
    })
    .await;
}
