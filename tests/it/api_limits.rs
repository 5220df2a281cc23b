//! What a backend may use, and what every call keeps to.

use countersign::config::LimitsConfig;
use reqwest::Method;
use serde_json::json;

use crate::story::{ALICE, eventually, story};

const ACTION: &str = "github.create_issue";

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_limit_are_told_when_to_come_back_and_other_backends_are_not_concerned() {
    story(async |s| {
        s.config.limits = LimitsConfig { requests_per_second: 2, ..LimitsConfig::default() };
        let limited = s.instance().await;
        let url = format!("http://{}", limited.address());
        let (key, _) = s.create_backend("another").await;
        let api = sandbox::backend::Api::new(sandbox::http::client().unwrap(), &url, &key);
        let mut refused = None;
        for _ in 0..50 {
            let reply = api.list(&[]).await;
            if reply.status != 200 {
                refused = Some(reply);
                break;
            }
        }
        let refused = refused.unwrap();
        assert_eq!(
            (refused.status, refused.str("/type")),
            (429, "urn:countersign:problem:too-many-requests")
        );
        assert_eq!(refused.headers["retry-after"], "1");
        let ask = api.ask(&s.call(ACTION, "c-1")).await;
        assert!(ask.status == 429 || ask.status == 201, "{ask:?}");
        let wrong = format!("{}x", &key[..key.len() - 1]);
        assert_eq!(api.with_key(&wrong).list(&[]).await.status, 401);
        let (other, _) = s.create_backend("a third").await;
        assert_eq!(api.with_key(&other).list(&[]).await.status, 200);
        limited.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_request_counts_as_one() {
    story(async |s| {
        s.config.limits = LimitsConfig { requests_per_second: 1, ..LimitsConfig::default() };
        let limited = s.instance().await;
        let url = format!("http://{}", limited.address());
        let api = sandbox::backend::Api::new(reqwest::Client::new(), &url, s.key());
        assert_eq!(api.list(&[]).await.status, 200, "the key is known from here on");
        let faulty = eventually("there is one request to make", async || {
            let reply = api.call(Method::POST, &["approvals"], &[], Some(&json!({})), &[]).await;
            (reply.status != 429).then_some(reply)
        })
        .await;
        assert_eq!((faulty.status, faulty.str("/type")), (422, "urn:countersign:problem:invalid-request"));
        limited.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_pending_beyond_the_limit_are_refused_until_some_have_ended() {
    story(async |s| {
        s.config.limits = LimitsConfig { pending_approvals: 2, ..LimitsConfig::default() };
        s.restart().await;
        s.open(ACTION).await;
        let (first, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.ask(&s.call("github.merge_pull_request", "c-1")).await;
        let refused = s.api().ask(&s.call(ACTION, "c-2")).await;
        assert_eq!((refused.status, refused.str("/type")), (429, "urn:countersign:problem:too-many-pending"));
        assert_eq!(refused.headers["retry-after"], "30");
        let (key, _) = s.create_backend("another").await;
        assert_eq!(s.backend.api_with_key(&key).ask(&s.call(ACTION, "c-2")).await.status, 201);
        s.choose(ALICE, &prompt, "Auto-approve always").await;
        assert_eq!(s.received_webhook(&first).await.kind, "approval.approved");
        s.ask(&s.call("github.merge_pull_request", "c-2")).await;
        // Full again; but what a grant covers does not become pending.
        assert_eq!(s.api().ask(&s.call("github.merge_pull_request", "c-3")).await.status, 429);
        assert_eq!(s.ask(&s.call(ACTION, "c-3")).await.approval_status(), "approved");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_headers_and_nesting_are_bounded() {
    story(async |s| {
        let ask = |body: String| {
            let api = s.api();
            async move { api.send(Method::POST, &["approvals"], &[], Some((body, "application/json")), &[]).await }
        };
        let whole = |arguments: String| {
            let mut body = serde_json::to_value(s.call(ACTION, "c-1")).unwrap();
            body["arguments"] = json!({});
            body.to_string().replace(r#""arguments":{}"#, &format!(r#""arguments":{{"a":{arguments}}}"#))
        };
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(ask(whole(nested(60))).await.status, 201);
        let deep = ask(whole(nested(100_000))).await;
        assert_eq!((deep.status, deep.str("/type")), (400, "urn:countersign:problem:invalid-json"));
        let large = ask(whole(format!("\"{}\"", "x".repeat(300_000)))).await;
        assert_eq!((large.status, large.str("/type")), (413, "urn:countersign:problem:body-too-large"));
        let header = "x".repeat(20_000);
        let reply = s.api().call(Method::GET, &["approvals"], &[], None, &[("x-large", &header)]).await;
        assert_eq!((reply.status, reply.str("/type")), (431, "urn:countersign:problem:head-too-large"));
        let reply = s.api().list(&[("user", &header)]).await;
        assert_eq!(reply.status, 431, "{reply:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_browser_of_another_origin_is_let_in() {
    story(async |s| {
        let asked = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
        let preflight = s.api().call(Method::OPTIONS, &["approvals"], &[], None, &asked).await;
        assert_eq!(preflight.status, 405);
        assert_eq!(preflight.str("/type"), "urn:countersign:problem:method-not-allowed");
        let reply = s.api().call(Method::GET, &["approvals"], &[], None, &asked).await;
        assert_eq!(reply.status, 200);
        for headers in [&preflight.headers, &reply.headers] {
            assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")), "{headers:?}");
        }
        assert!(preflight.headers.contains_key("allow"), "{:?}", preflight.headers);
    })
    .await;
}
