//! Tests the receiver with webhooks sent here, and the agent with a fake API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::DateTime;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{AgentBackend, Answer, Ask, BackendOptions, Outcome, Refusal, Reply, digest};
use crate::ambient::Clock;
use crate::http;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NOW: i64 = 1_700_000_000;
const SOON: Duration = Duration::from_mins(1);

async fn backend() -> (AgentBackend, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(NOW));
    let shown = Arc::clone(&now);
    let clock = Clock::from_fn(move || DateTime::from_timestamp(shown.load(Ordering::SeqCst), 0).unwrap());
    let backend = AgentBackend::start(BackendOptions { clock }).await.unwrap();
    backend.set_webhook_secrets(&[SECRET]);
    (backend, now)
}

fn approval(id: &str, status: &str, arguments: &Value) -> Value {
    json!({
        "id": id, "status": status, "integration": "github", "action": "create_issue", "arguments": arguments,
        "arguments_digest": digest(arguments),
        "decision": {"outcome": status, "reason": (status == "denied").then_some("not today")},
    })
}

fn event(id: &str, status: &str, arguments: &Value) -> Value {
    json!({"type": format!("approval.{status}"), "data": approval(id, status, arguments)})
}

/// Signs and sends a webhook, as the service would.
async fn deliver(
    backend: &AgentBackend,
    id: &str,
    body: &Value,
) -> Result<reqwest::Response, reqwest::Error> {
    let body = body.to_string();
    let signature = Webhook::new(SECRET).unwrap().sign(id, NOW, body.as_bytes()).unwrap();
    http::client()
        .unwrap()
        .post(backend.webhook_url())
        .header("webhook-id", id)
        .header("webhook-timestamp", NOW)
        .header("webhook-signature", signature)
        .body(body)
        .send()
        .await
}

#[tokio::test]
async fn a_repeated_delivery_is_one_event() {
    let (backend, _) = backend().await;
    let body = event("apr_1", "approved", &json!({"title": "Bug"}));
    for _ in 0..2 {
        assert_eq!(deliver(&backend, "dlv_1", &body).await.unwrap().status(), 204);
    }
    assert_eq!(backend.deliveries().len(), 2);
    let events = backend.events();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind.as_str(), events[0].approval_id()), ("approval.approved", "apr_1"));
    assert_eq!(events[0].received_at.timestamp(), NOW);
}

#[tokio::test]
async fn unverified_deliveries_are_recorded_but_are_no_events() {
    let (backend, now) = backend().await;
    let body = event("apr_1", "approved", &json!({}));
    now.store(NOW + 301, Ordering::SeqCst);
    assert_eq!(deliver(&backend, "dlv_1", &body).await.unwrap().status(), 401);
    now.store(NOW, Ordering::SeqCst);
    backend.set_webhook_secrets(&["whsec_AAAA"]);
    assert_eq!(deliver(&backend, "dlv_1", &body).await.unwrap().status(), 401);
    backend.set_webhook_secrets(&["whsec_AAAA", SECRET]);
    let mut forged = body.clone();
    forged["data"]["arguments"]["title"] = json!("something else");
    assert_eq!(deliver(&backend, "dlv_1", &forged).await.unwrap().status(), 401);
    assert_eq!(deliver(&backend, "dlv_1", &body).await.unwrap().status(), 204);

    let verdicts: Vec<_> = backend.deliveries().into_iter().map(|delivery| delivery.verified).collect();
    assert_eq!(verdicts, [Err(Refusal::TooOld), Err(Refusal::Signature), Err(Refusal::Digest), Ok(())]);
    assert_eq!(backend.events().len(), 1);
}

#[tokio::test]
async fn misbehaviour_ends_after_the_queued_answers() {
    let (backend, _) = backend().await;
    let body = event("apr_1", "approved", &json!({}));
    backend.answer_next([
        Answer::Status(503, vec![("x-reason".to_owned(), "tired".to_owned())]),
        Answer::Redirect("http://169.254.169.254/".to_owned()),
        Answer::RetryAfter(7),
        Answer::Gone,
        Answer::DropBeforeTaking,
    ]);
    let reply = deliver(&backend, "dlv_1", &body).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.headers()["x-reason"].to_str().unwrap()), (503, "tired"));
    let reply = deliver(&backend, "dlv_1", &body).await.unwrap();
    assert_eq!(
        (reply.status().as_u16(), reply.headers()["location"].to_str().unwrap()),
        (307, "http://169.254.169.254/")
    );
    let reply = deliver(&backend, "dlv_1", &body).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(deliver(&backend, "dlv_1", &body).await.unwrap().status(), 410);
    assert!(deliver(&backend, "dlv_1", &body).await.is_err());
    assert_eq!((backend.deliveries().len(), backend.events().len()), (4, 0));

    backend.answer_next([Answer::DropAfterTaking, Answer::LargeBody(100_000)]);
    assert!(deliver(&backend, "dlv_1", &body).await.is_err());
    assert_eq!(backend.events().len(), 1);
    let reply = deliver(&backend, "dlv_2", &body).await.unwrap();
    assert_eq!(reply.bytes().await.unwrap().len(), 100_000);
    assert_eq!(backend.events().len(), 2);
}

#[tokio::test]
async fn a_hanging_receiver_has_taken_the_delivery() {
    let (backend, _) = backend().await;
    backend.answer_with(Answer::Hang(Duration::from_mins(1)));
    let body = event("apr_1", "approved", &json!({}));
    tokio::select! {
        answered = deliver(&backend, "dlv_1", &body) => panic!("{answered:?}"),
        event = backend.wait_for_event(|event| event.id == "dlv_1", SOON) => assert!(event.is_some()),
    }
    let never = backend.wait_for_event(|event| event.id == "dlv_2", Duration::from_millis(10)).await;
    assert!(never.is_none());
}

/// A fake API that answers every request with this approval and records nothing.
async fn api(answer: Value) -> String {
    let again = answer.clone();
    let used = Arc::new(AtomicBool::new(false));
    let router = Router::new()
        .route("/v1/approvals", post(async move || (StatusCode::CREATED, Json(answer.clone()))))
        .route("/v1/approvals/{id}", get(async move || Json(again.clone())))
        .route(
            "/v1/approvals/{id}/use",
            post(
                async move || {
                    if used.swap(true, Ordering::SeqCst) { StatusCode::CONFLICT } else { StatusCode::OK }
                },
            ),
        )
        .route(
            "/v1/users/{user}/connections/{integration}",
            get(async |Path(parts): Path<(String, String)>, headers: HeaderMap| {
                Json(json!([parts.0, parts.1, headers["authorization"].to_str().unwrap()]))
            })
            .put(async |Path(parts): Path<(String, String)>| Json(json!([parts.0, parts.1]))),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn an_approved_tool_runs_once_and_as_approved() {
    let (backend, _) = backend().await;
    let arguments = json!({"title": "Bug", "labels": ["b", "a"], "n": 1e21});
    let ask = Ask::new("U0ALICE", "github", "create_issue", arguments.clone());
    backend.connect(&api(approval("apr_1", "approved", &arguments)).await, "cs_key", SECRET);
    let agent = backend.agent("atlas", "Atlas");
    assert!(matches!(agent.act(ask.clone(), SOON).await, Outcome::Ran(run) if run.arguments == arguments));
    assert!(matches!(agent.act(ask, SOON).await, Outcome::NotPermitted(_)), "used already");

    let other = Ask::new("U0ALICE", "github", "create_issue", json!({"title": "Other"}));
    assert!(matches!(agent.act(other, SOON).await, Outcome::Unsafe { .. }), "other arguments");
    let other = Ask::new("U0ALICE", "github", "delete_repository", arguments);
    assert!(matches!(agent.act(other, SOON).await, Outcome::Unsafe { .. }), "another action");
    assert_eq!(agent.runs().len(), 1);
}

#[tokio::test]
async fn a_pending_tool_runs_only_when_the_webhook_approves() {
    let (backend, _) = backend().await;
    let arguments = json!({"title": "Bug"});
    let agent = backend.agent("atlas", "Atlas");
    for (id, status) in [("apr_1", "approved"), ("apr_2", "denied"), ("apr_3", "expired")] {
        backend.connect(&api(approval(id, "pending", &arguments)).await, "cs_key", SECRET);
        let waiting = agent.ask(Ask::new("U0ALICE", "github", "create_issue", arguments.clone())).await;
        let body = event(id, status, &arguments);
        let (outcome, _) = tokio::join!(agent.settle(&waiting, SOON), deliver(&backend, id, &body));
        match outcome {
            Outcome::Ran(run) => assert_eq!((run.approval.as_str(), status), ("apr_1", "approved")),
            Outcome::Stopped { status: stopped, reason } => {
                assert_eq!((stopped.as_str(), reason.is_some()), (status, status == "denied"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(agent.runs().len(), 1);
    backend.connect(&api(approval("apr_4", "pending", &arguments)).await, "cs_key", SECRET);
    let unanswered =
        agent.act(Ask::new("U0ALICE", "github", "create_issue", arguments), Duration::from_millis(10)).await;
    assert!(matches!(unanswered, Outcome::Stopped { status, .. } if status == "pending"));
}

#[tokio::test]
async fn a_failed_call_returns_a_reply_with_an_error() {
    let (backend, _) = backend().await;
    let unconnected: Reply = backend.api().get("apr_1").await;
    assert_eq!(unconnected.status, 0);
    assert!(unconnected.error.is_some());
    backend.connect("http://127.0.0.1:1", "cs_key", SECRET);
    assert_eq!(backend.api().list(&[("status", "pending")]).await.status, 0);
    let agent = backend.agent("atlas", "Atlas");
    let outcome = agent.act(Ask::new("U0ALICE", "github", "create_issue", json!({})), SOON).await;
    assert!(matches!(outcome, Outcome::Refused(_)));
}

#[tokio::test]
async fn paths_are_encoded_segment_by_segment() {
    let (backend, _) = backend().await;
    backend.connect(&api(Value::Null).await, "cs_key", SECRET);
    let reply = backend.api().connect_user("al/ice@example.com", "a b?c").await;
    assert_eq!(reply.body, json!(["al/ice@example.com", "a b?c"]));
    let path = ["users", "u", "connections", "i"];
    let reply = backend.api_with_key("cs_other").call(reqwest::Method::GET, &path, &[], None, &[]).await;
    assert_eq!(reply.body[2], "Bearer cs_other");
}
