//! Every call with a wrong key, of a disabled backend, and for another backend's data.

use reqwest::Method;
use sandbox::backend::{Api, Reply};
use serde_json::{Value, json};

use crate::{
    isolation::elsewhere,
    story::{ALICE, TestApp, story},
};

const ACTION: &str = "github.create_issue";

/// Every call of the API that needs a key, each valid but for who makes it: about this approval and this delivery. The
/// hook's is for an event that it does not know: otherwise a user's key would wait for a decision.
pub fn calls(s: &TestApp, approval: &str, delivery: &str) -> Vec<(Method, Vec<String>, Option<Value>)> {
    let call = |method: Method, path: &str, body: Option<Value>| {
        (method, path.split('/').map(str::to_owned).collect(), body)
    };
    let ask = serde_json::to_value(s.call(ACTION, "c-1")).unwrap();
    let catalog = json!({ "name": "GitHub", "actions": [] });
    vec![
        call(Method::POST, "approvals", Some(ask)),
        call(Method::GET, "approvals", None),
        call(Method::GET, &format!("approvals/{approval}"), None),
        call(Method::GET, &format!("approvals/{approval}/events"), None),
        call(Method::POST, &format!("approvals/{approval}/cancel"), None),
        call(Method::POST, &format!("approvals/{approval}/result"), Some(json!({ "status": "succeeded" }))),
        call(
            Method::POST,
            &format!("approvals/{approval}/use"),
            Some(json!({ "arguments_digest": format!("sha256:{}", "0".repeat(64)) })),
        ),
        call(Method::GET, &format!("approvals/{approval}/receipt"), None),
        call(Method::POST, "hooks/claude-code", Some(json!({ "hook_event_name": "Stop" }))),
        call(Method::PUT, "integrations/github", Some(catalog)),
        call(Method::GET, "integrations/github", None),
        call(Method::GET, "integrations", None),
        call(Method::PUT, &format!("users/{ALICE}/connections/github"), None),
        call(Method::DELETE, &format!("users/{ALICE}/connections/github"), None),
        call(Method::POST, "conversations/c-1/close", None),
        call(Method::GET, "webhook-deliveries", None),
        call(Method::GET, &format!("webhook-deliveries/{delivery}"), None),
        call(Method::POST, &format!("webhook-deliveries/{delivery}/redeliver"), None),
        call(Method::GET, "audit", None),
        call(Method::GET, "audit/checkpoint", None),
        call(Method::GET, "audit/proof", None),
        call(Method::GET, "audit/consistency", None),
    ]
}

pub async fn send(api: &Api, (method, path, body): &(Method, Vec<String>, Option<Value>)) -> Reply {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    api.call(method.clone(), &path, &[], body.as_ref(), &[]).await
}

/// An approval that has ended, and its delivery.
pub async fn told(s: &TestApp) -> (String, String) {
    s.put("github").await;
    let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
    assert_eq!(s.api().cancel(&id).await.status, 200);
    let delivery = s.received_webhook(&id).await.id;
    (id, delivery)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_answered_without_a_valid_key() {
    story(async |s| {
        let (approval, delivery) = told(s).await;
        let key = s.key().to_owned();
        let (half, _) = key.rsplit_once('_').unwrap();
        let changed = format!("{half}_{}", "A".repeat(43));
        let wrong = [String::new(), "nonsense".to_owned(), half.to_owned(), changed, format!("{key}A")];
        for call in calls(s, &approval, &delivery) {
            for key in &wrong {
                let reply = send(&s.backend.api_with_key(key), &call).await;
                let expected = (401, "urn:countersign:problem:unauthenticated");
                assert_eq!((reply.status, reply.str("/type")), expected, "{call:?}");
                assert_eq!(reply.headers["www-authenticate"], "Bearer");
                assert_eq!(reply.headers["content-type"], "application/problem+json");
            }
        }
        assert_eq!(s.live_grants().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_backend_is_refused_everywhere() {
    story(async |s| {
        let (approval, delivery) = told(s).await;
        let backends = countersign::service::backends::list(&s.service, None).await.unwrap();
        assert!(countersign::service::backends::disable(&s.service, &backends[0]).await.unwrap());
        for call in calls(s, &approval, &delivery) {
            let reply = send(&s.api(), &call).await;
            let expected = (403, "urn:countersign:problem:backend-disabled");
            assert_eq!((reply.status, reply.str("/type")), expected, "{call:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_workspace_has_is_not_found_there() {
    story(async |s| {
        let (approval, delivery) = told(s).await;
        let other = elsewhere(s).await;
        for call in calls(s, &approval, &delivery) {
            let reply = send(&other, &call).await;
            let path = call.1.join("/");
            // What is not about theirs makes or reads what is the other workspace's own.
            if path.contains(&approval) || path.contains(&delivery) {
                assert_eq!(reply.status, 404, "{call:?}");
                assert!(reply.str("/type").starts_with("urn:countersign:problem:unknown-"));
            } else if path == "hooks/claude-code" {
                assert_eq!(reply.str("/type"), "urn:countersign:problem:no-user");
            } else if path.starts_with("audit/") {
                // One log seals all workspaces, and may have sealed nothing yet.
                assert!([200, 404, 422].contains(&reply.status), "{call:?}: {reply:?}");
            } else {
                assert!(reply.is_success(), "{call:?}: {reply:?}");
            }
        }
        for list in [other.list(&[("status", "cancelled")]).await, other.deliveries(&[]).await] {
            assert_eq!((list.status, list.data().len()), (200, 0));
        }
        let theirs = other.integrations(&[]).await;
        assert_eq!(theirs.body["data"][0]["actions"], json!([]));
        assert_ne!(s.api().integration("github").await.body["actions"], json!([]));
        let audit = other.audit_lines(&[]).await.text;
        let ours = countersign::service::backends::list(&s.service, None).await.unwrap();
        let ours = ours.iter().find(|backend| backend.workspace == s.workspace).unwrap().id.to_string();
        assert!(!audit.contains(&approval) && !audit.contains(&ours), "{audit}");
        assert!(s.api().audit_lines(&[]).await.text.contains(&ours));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_backend_of_the_workspace_finds_neither_approvals_nor_deliveries() {
    story(async |s| {
        let (approval, delivery) = told(s).await;
        let (key, _) = s.create_backend("another").await;
        let other = s.backend.api_with_key(&key);
        for call in calls(s, &approval, &delivery) {
            let path = call.1.join("/");
            if path.contains(&approval) || path.contains(&delivery) || path.starts_with("conversations") {
                // This backend has no request in that conversation.
                let fresh =
                    if path.starts_with("conversations") { "conversations/c-77/close" } else { &path };
                let path = fresh.split('/').map(str::to_owned).collect();
                let reply = send(&other, &(call.0, path, call.2)).await;
                assert_eq!(reply.status, 404, "{reply:?}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_approval_stays_as_it_is_whatever_is_called() {
    story(async |s| {
        let cancelled = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        assert_eq!(s.api().cancel(&cancelled).await.approval_status(), "cancelled");
        let expired = s.ask(&s.call(ACTION, "c-1").expiring_in(60)).await.id().to_owned();
        s.advance_until_idle(chrono::TimeDelta::seconds(61)).await;
        assert_eq!(s.api().wait(&expired, 50).await.approval_status(), "expired");
        for (id, status) in [(&cancelled, "cancelled"), (&expired, "expired")] {
            let refused = s.api().cancel(id).await;
            assert_eq!(
                (refused.status, refused.str("/type")),
                (409, "urn:countersign:problem:already-ended")
            );
            assert_eq!((refused.str("/approval/id"), refused.str("/approval/status")), (id.as_str(), status));
            let read = s.api().get(id).await;
            assert_eq!((read.status, &read.body), (200, &refused.body["approval"]));
            // Waiting for what has ended is answered at once.
            assert_eq!(s.api().wait(id, 55).await.body, read.body);
            let listed = s.api().list(&[("status", status)]).await;
            assert_eq!(listed.data(), [read.body]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_one_approval_whoever_sends_it_how_often() {
    story(async |s| {
        let ask = s.call(ACTION, "c-1");
        let sent = (0..12).map(|_| {
            let (api, ask) = (s.api(), ask.clone());
            tokio::spawn(async move { api.ask_once(&ask, "key-1").await })
        });
        let mut ids = std::collections::HashSet::new();
        let mut created = 0;
        for reply in futures::future::join_all(sent).await {
            let reply = reply.unwrap();
            created += i32::from(reply.status == 201);
            assert!(reply.status == 201 || reply.header("idempotency-replayed") == "true", "{reply:?}");
            ids.insert(reply.id().to_owned());
        }
        assert_eq!((created, ids.len()), (1, 1));
        // After the process died, and after a day.
        s.restart().await;
        s.advance_until_idle(chrono::TimeDelta::hours(24)).await;
        let again = s.api().ask_once(&ask, "key-1").await;
        assert_eq!((again.status, ids.contains(again.id())), (200, true));
        let other = s.api().ask_once(&s.call(ACTION, "c-2"), "key-1").await;
        assert_eq!(
            (other.status, other.str("/type")),
            (422, "urn:countersign:problem:idempotency-key-reused")
        );
        let (key, _) = s.create_backend("another").await;
        let theirs = s.backend.api_with_key(&key).ask_once(&ask, "key-1").await;
        assert_eq!((theirs.status, ids.contains(theirs.id())), (201, false));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_are_no_text_and_methods_that_are_not_taken_are_problems_too() {
    story(async |s| {
        let client = sandbox::http::client().unwrap();
        let problem = async |method: Method, path: &str| {
            let url = format!("{}{path}", s.url());
            let reply = client.request(method, url).bearer_auth(s.key()).send().await.unwrap();
            assert_eq!(reply.headers()["content-type"], "application/problem+json");
            let (status, allow) = (reply.status().as_u16(), reply.headers().contains_key("allow"));
            let body: Value = reply.json().await.unwrap();
            (status, allow, body["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned())
        };
        let nowhere = (404, false, "unknown-path".to_owned());
        for (method, path) in [(Method::GET, "/v1/approvals/%FF"), (Method::PUT, "/v1/integrations/%FF")] {
            assert_eq!(problem(method, path).await, (422, false, "invalid-request".to_owned()), "{path}");
        }
        assert_eq!(problem(Method::GET, "/v1/nothing").await, nowhere);
        assert_eq!(
            problem(Method::GET, "/v1/approvals/%00").await,
            (404, false, "unknown-approval".to_owned())
        );
        assert_eq!(
            problem(Method::PATCH, "/v1/approvals").await,
            (405, true, "method-not-allowed".to_owned())
        );
        assert_eq!(
            problem(Method::DELETE, "/openapi.json").await,
            (405, true, "method-not-allowed".to_owned())
        );
    })
    .await;
}
