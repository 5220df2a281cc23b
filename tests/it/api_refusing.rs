//! What the agent-backend API refuses, and how it says so.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api::{pointers, post, problem, request},
    story::{ALICE, story},
};

const ACTION: &str = "github.create_issue";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_missing_or_wrong_is_pointed_at() {
    story(async |s| {
        let api = s.api();
        let empty = post(&api, &json!({})).await;
        let required = ["/user", "/agent", "/conversation", "/integration", "/action", "/arguments"];
        assert_eq!(pointers(&empty), required);
        let changes: [(&str, Value); 30] = [
            ("/user", json!("alice")),
            ("/user", json!("@alice")),
            ("/user", json!(7)),
            ("/user", json!("")),
            ("/agent/id", json!("")),
            ("/agent/id", json!("a".repeat(256))),
            ("/agent/id", json!("nul\u{0}")),
            ("/agent/name", json!("n".repeat(201))),
            ("/agent/extra", json!(1)),
            ("/agent", json!("atlas")),
            ("/conversation/id", json!(null)),
            ("/conversation/url", json!("javascript:alert(1)")),
            ("/conversation/url", json!("/relative")),
            ("/integration", json!("git..hub")),
            ("/integration", json!("git..hub")),
            ("/action", json!("")),
            ("/action", json!("c".repeat(101))),
            ("/arguments", json!([])),
            ("/arguments", json!("{}")),
            ("/arguments", json!(null)),
            ("/reason", json!("r".repeat(3001))),
            ("/reason", json!(["because"])),
            ("/expires_in", json!(9)),
            ("/expires_in", json!(604_801)),
            ("/expires_in", json!(60.5)),
            ("/slack/channel", json!("#sales")),
            ("/slack/thread_ts", json!("yesterday")),
            ("/metadata", json!({ "x": "x".repeat(16 * 1024) })),
            ("/decision", json!({ "outcome": "approved" })),
            ("/a~1b", json!(1)),
        ];
        for (pointer, value) in changes {
            let mut body = request();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let name = name.replace("~1", "/");
            body.pointer_mut(parent).unwrap()[name.as_str()] = value.clone();
            let reply = post(&api, &body).await;
            assert_eq!(pointers(&reply), [pointer], "{value}");
        }
        assert!(api.list(&[]).await.data().is_empty(), "nothing was asked");
        assert_eq!(post(&api, &request()).await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_object_is_refused() {
    story(async |s| {
        let send = async |body: &str, media_type: &str| {
            let body = Some((body.to_owned(), media_type));
            s.api().send(Method::POST, &["approvals"], &[], body, &[]).await
        };
        let json = "application/json";
        for body in [
            "",
            "{",
            "[]",
            "null",
            "\"x\"",
            "{\"user\":\"U0ALICE\",\"user\":\"U0BOB\"}",
            "{\"arguments\":{\"to\":1,\"to\":2}}",
            "{\"arguments\":{\"id\":9007199254740993}}",
            "{\"a\":NaN}",
            "user=U0ALICE",
        ] {
            let reply = send(body, json).await;
            assert_eq!((reply.status, problem(&reply)), (400, "invalid-json"), "{body}");
        }
        let deep = format!("{{\"arguments\":{}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        assert_eq!(send(&deep, json).await.status, 400, "depth is bounded");
        for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            let reply = send(&request().to_string(), media_type).await;
            assert_eq!((reply.status, problem(&reply)), (415, "unsupported-media-type"), "{media_type}");
        }
        assert_eq!(send(&request().to_string(), "Application/JSON; charset=utf-8").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_256_kib_is_taken_and_a_larger_one_is_not() {
    story(async |s| {
        let sized = |size: usize| {
            let mut body = request();
            body["arguments"] = json!({ "content": "" });
            let bare = body.to_string().len();
            body["arguments"]["content"] = json!("x".repeat(size - bare));
            assert_eq!(body.to_string().len(), size);
            body
        };
        let largest = post(&s.api(), &sized(256 * 1024)).await;
        assert_eq!(largest.status, 201, "{:?}", largest.error);
        let larger = post(&s.api(), &sized(256 * 1024 + 1)).await;
        assert_eq!((larger.status, problem(&larger)), (413, "body-too-large"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_faulty_parameter_is_refused_by_name() {
    story(async |s| {
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        for query in [
            ("state", "pending"),
            ("status", "open"),
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "ten"),
            ("cursor", "nonsense"),
            ("user", "alice"),
            ("conversation", "\u{0}"),
        ] {
            let reply = s.api().list(&[query]).await;
            assert!(pointers(&reply).is_empty(), "{query:?}");
            assert!(reply.text.contains(query.0), "{query:?}: {reply:?}");
        }
        let twice = s.api().list(&[("limit", "1"), ("limit", "2")]).await;
        assert!(pointers(&twice).is_empty());
        for query in [("wait", "56"), ("wait", "-1"), ("wait", "long"), ("verbose", "1")] {
            let path = ["approvals", id.as_str()];
            let reply = s.api().call(Method::GET, &path, &[query], None, &[]).await;
            assert!(pointers(&reply).is_empty() && reply.text.contains(query.0), "{query:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_take_no_parameter_refuse_every_one_and_do_nothing() {
    story(async |s| {
        s.open(ACTION).await;
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let (ask, put) = (request(), json!({ "name": "X", "actions": [] }));
        for (method, path, body) in [
            (Method::POST, ["approvals"].as_slice(), Some(&ask)),
            (Method::POST, &["approvals", &id, "cancel"], None),
            (Method::PUT, &["integrations", "github"], Some(&put)),
            (Method::GET, &["integrations", "github"], None),
            (Method::PUT, &["users", ALICE, "connections", "github"], None),
            (Method::DELETE, &["users", ALICE, "connections", "github"], None),
            (Method::POST, &["conversations", "c-1", "close"], None),
            (Method::GET, &["webhook-deliveries", "dlv_x"], None),
            (Method::POST, &["webhook-deliveries", "dlv_x", "redeliver"], None),
            (Method::GET, &["approvals", &id, "events"], None),
        ] {
            let reply = s.api().call(method.clone(), path, &[("wait", "5")], body, &[]).await;
            assert!(
                pointers(&reply).is_empty() && reply.text.contains("`wait`"),
                "{method} {path:?}: {reply:?}"
            );
        }
        assert_eq!(s.status(&id).await, "pending");
        assert_eq!(s.api().list(&[]).await.data().len(), 1);
        assert_eq!(s.audited("connection.removed", &id).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_key_nothing_is_said_of_anything() {
    story(async |s| {
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let (key, _) = s.create_backend("another").await;
        let forged = format!("{}{}", &key[..key.len() - 4], "AAAA");
        for key in ["", "cs_", "cs_x_y", forged.as_str(), &key.to_uppercase(), "Bearer"] {
            let api = s.backend.api_with_key(key);
            let faulty = api.call(Method::POST, &["approvals"], &[], Some(&json!({})), &[]).await;
            for reply in [
                api.ask(&s.call(ACTION, "c-1")).await,
                faulty,
                api.get(&id).await,
                api.list(&[("status", "nonsense")]).await,
                api.cancel(&id).await,
                api.integrations(&[]).await,
                api.put_integration("github", &json!({ "name": "Mine" })).await,
                api.connect_user(ALICE, "github").await,
                api.close_conversation("c-1").await,
            ] {
                assert_eq!((reply.status, problem(&reply)), (401, "unauthenticated"), "{key}");
                assert_eq!(reply.header("www-authenticate"), "Bearer");
                assert!(reply.body["errors"].is_null());
            }
        }
        assert_eq!(s.status(&id).await, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_to_be_not_there() {
    story(async |s| {
        let none = "apr_00000000000000000000000000000001";
        for id in [none, "apr_", "grt_00000000000000000000000000000001", "../integrations", "' OR 1=1"] {
            for reply in [s.api().get(id).await, s.api().wait(id, 1).await, s.api().cancel(id).await] {
                assert_eq!((reply.status, problem(&reply)), (404, "unknown-approval"), "{id}");
            }
        }
        let reply = s.api().integration("nothing").await;
        assert_eq!((reply.status, problem(&reply)), (404, "unknown-integration"));
        let reply = s.api().connect_user(ALICE, "nothing").await;
        assert_eq!((reply.status, problem(&reply)), (404, "unknown-integration"));
        let reply = s.api().call(Method::GET, &["nothing", "here"], &[], None, &[]).await;
        assert_eq!((reply.status, problem(&reply)), (404, "unknown-path"));
        let reply = s.api().call(Method::DELETE, &["approvals"], &[], None, &[]).await;
        assert_eq!((reply.status, problem(&reply)), (405, "method-not-allowed"));
        assert!(reply.header("allow").contains("POST"), "{reply:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_refused_with_the_methods_that_the_path_takes() {
    story(async |s| {
        let client = sandbox::http::client().unwrap();
        for (path, status, allowed) in [
            ("/v1/approvals", 405, Some("POST, GET")),
            ("/v1/approvals/x/cancel", 405, Some("POST")),
            ("/livez", 405, Some("GET")),
            ("/docs", 405, Some("GET")),
            ("/nothing/here", 404, None),
        ] {
            let reply = client.head(format!("{}{path}", s.url())).send().await.unwrap();
            let allow = reply.headers().get("allow").map(|value| value.to_str().unwrap());
            assert_eq!((reply.status().as_u16(), allow), (status, allowed), "{path}");
        }
        let reply = s.api().call(Method::DELETE, &["webhook-deliveries"], &[], None, &[]).await;
        assert_eq!((reply.status, reply.header("allow")), (405, "GET"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_a_caller_makes_up_make_no_metrics() {
    story(async |s| {
        let client = sandbox::http::client().unwrap();
        let method = Method::from_bytes(b"SING").unwrap();
        for path in ["/v1/approvals", "/made/up"] {
            client.request(method.clone(), format!("{}{path}", s.url())).send().await.unwrap();
        }
        let metrics = client.get(format!("{}/metrics", s.url())).send().await.unwrap().text().await.unwrap();
        assert!(!metrics.contains("SING") && !metrics.contains("made"), "{metrics}");
        assert!(metrics.contains(r#"{method="other",route="/v1/approvals",status="405""#), "{metrics}");
        assert!(metrics.contains(r#"{method="other",route="unknown",status="404""#), "{metrics}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_character_nul_is_refused_or_kept_and_never_our_fault() {
    story(async |s| {
        s.put("github").await;
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let nul = "a\0b";
        let paths: [(Method, &[&str]); 9] = [
            (Method::GET, &["approvals", nul]),
            (Method::GET, &["approvals", nul, "events"]),
            (Method::POST, &["approvals", nul, "cancel"]),
            (Method::GET, &["integrations", nul]),
            (Method::PUT, &["users", nul, "connections", "github"]),
            (Method::PUT, &["users", ALICE, "connections", nul]),
            (Method::DELETE, &["users", ALICE, "connections", nul]),
            (Method::POST, &["conversations", nul, "close"]),
            (Method::POST, &["webhook-deliveries", nul, "redeliver"]),
        ];
        for (method, path) in paths {
            let reply = s.api().call(method, path, &[], None, &[]).await;
            assert!((400..500).contains(&reply.status), "{path:?}: {reply:?}");
        }
        let body = json!({ "name": nul, "actions": [{ "key": "x", "name": nul, "description": nul }] });
        let reply = s.api().call(Method::PUT, &["integrations", "mine"], &[], Some(&body), &[]).await;
        assert_eq!(reply.status, 422, "{reply:?}");
        for (path, name) in [("approvals", "conversation"), ("approvals", "cursor"), ("audit", "cursor")] {
            let reply = s.api().call(Method::GET, &[path], &[(name, nul)], None, &[]).await;
            assert_eq!(reply.status, 422, "{name}: {reply:?}");
        }
        // What an agent passes to a tool is kept as it is.
        let mut ask = request();
        ask["arguments"] = json!({ "title": nul, nul: [nul] });
        ask["metadata"] = json!({ nul: nul });
        ask.as_object_mut().unwrap().remove("slack");
        let reply = post(&s.api(), &ask).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        assert_eq!(s.api().get(reply.id()).await.body["arguments"], ask["arguments"]);
        s.shown(ALICE, reply.id()).await;
        assert_eq!(s.api().get(&id).await.status, 200);
    })
    .await;
}
