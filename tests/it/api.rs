//! The agent-backend API: what it takes, what it refuses and how it says so.

use chrono::TimeDelta;
use countersign::service::{
    api_keys::{self, NewKey, Selection},
    backends,
};
use futures::future::join_all;
use reqwest::Method;
use sandbox::backend::{Api, Reply, digest};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::story::{ALICE, PROMPTLY, TestApp, story};

const ACTION: &str = "github.create_issue";

/// A request that is as it should be, to be altered.
pub fn request() -> Value {
    json!({
        "user": ALICE,
        "agent": { "id": "atlas", "name": "Atlas" },
        "conversation": { "id": "c-1", "title": "Q3 pipeline", "url": "https://agents.example/c-1" },
        "integration": "github",
        "action": "create_issue",
        "arguments": { "title": "Totals are off", "labels": ["bug"], "assignees": [] },
        "reason": "It broke",
        "expires_in": 1800,
        "slack": { "channel": "C0SALES", "thread_ts": "1700000000.000100" },
        "metadata": { "trace": "t-1", "attempt": 1 },
    })
}

pub async fn post(api: &Api, body: &Value) -> Reply {
    api.call(Method::POST, &["approvals"], &[], Some(body), &[]).await
}

/// Checks what every error has (RFC 9457), and gives the end of its type.
pub fn problem(reply: &Reply) -> &str {
    assert_eq!(reply.header("content-type"), "application/problem+json", "{reply:?}");
    assert_eq!(reply.body["status"], reply.status);
    assert!(!reply.str("/title").is_empty() && !reply.str("/detail").is_empty(), "{reply:?}");
    reply.str("/type").strip_prefix("urn:countersign:problem:").unwrap_or_else(|| panic!("{reply:?}"))
}

/// Where the faults of a refused request are.
pub fn pointers(reply: &Reply) -> Vec<&str> {
    assert_eq!((reply.status, problem(reply)), (422, "invalid-request"), "{reply:?}");
    let faults = reply.body["errors"].as_array().unwrap();
    assert!(faults.iter().all(|fault| !fault["detail"].as_str().unwrap().is_empty()));
    faults.iter().filter_map(|fault| fault["pointer"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_says_everything_that_was_asked_as_it_was_given() {
    story(async |s| {
        let mut body = request();
        body["arguments"] = json!({
            "zulu": 1, "alpha": { "y": [], "x": {} }, "title": "a\u{0}b \u{202e}", "price": 1.50, "tiny": 1e-7,
            "empty": "", "nothing": null, "z": [1, "2", true],
        });
        body["metadata"] = json!({ "zulu": "\u{0}", "alpha": [1] });
        let asked = post(&s.api(), &body).await;
        assert_eq!(asked.status, 201, "{asked:?}");
        let got = s.api().get(asked.id()).await;
        assert_eq!(got.body, asked.body);
        for name in ["user", "agent", "conversation", "integration", "action", "arguments", "reason", "metadata"] {
            // As text, so that the members' order counts.
            assert_eq!(got.body[name].to_string(), body[name].to_string(), "{name}");
        }
        assert_eq!(got.str("/arguments_digest"), digest(&body["arguments"]));
        assert_eq!((got.approval_status(), &got.body["decision"]), ("pending", &Value::Null));
        assert!(got.id().starts_with("apr_") && got.str("/created_at").ends_with('Z'));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_body_answer_the_same_approval() {
    story(async |s| {
        let ask = s.call(ACTION, "c-1");
        let first = s.api().ask_once(&ask, "key-1").await;
        assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""));
        let again = s.api().ask_once(&ask, "key-1").await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"));
        assert_eq!(again.body, first.body);
        // It is the approval as it is now.
        s.api().cancel(first.id()).await;
        let later = s.api().ask_once(&ask, "key-1").await;
        assert_eq!((later.id(), later.approval_status()), (first.id(), "cancelled"));
        assert_ne!(s.api().ask_once(&ask, "key-2").await.id(), first.id());
        assert_ne!(s.ask(&ask).await.id(), first.id());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_another_body_is_refused_and_another_backends_is_its_own() {
    story(async |s| {
        let ask = s.call(ACTION, "c-1");
        let first = s.api().ask_once(&ask, "key-1").await;
        for other in [ask.clone().because("Another reason"), ask.clone().expiring_in(99)] {
            let refused = s.api().ask_once(&other, "key-1").await;
            assert_eq!((refused.status, problem(&refused)), (422, "idempotency-key-reused"));
        }
        let (key, _) = s.create_backend("another").await;
        let other = s.backend.api_with_key(&key).ask_once(&ask, "key-1").await;
        assert_eq!(other.status, 201);
        assert_ne!(other.id(), first.id());
        assert_eq!(s.api().list(&[]).await.data().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_at_once_with_the_same_key_one_asks() {
    story(async |s| {
        for round in 0..5 {
            let ask = s.call(ACTION, &format!("c-{round}"));
            let key = format!("key-{round}");
            let replies = join_all((0..20).map(|_| {
                let (api, ask, key) = (s.api(), ask.clone(), key.clone());
                tokio::spawn(async move { api.ask_once(&ask, &key).await })
            }));
            let replies: Vec<_> = replies.await.into_iter().map(Result::unwrap).collect();
            let created = replies.iter().filter(|reply| reply.status == 201).count();
            let replayed = replies.iter().filter(|reply| reply.status == 200).count();
            assert_eq!((created, replayed), (1, 19), "{replies:?}");
            assert!(replies.iter().all(|reply| reply.id() == replies[0].id()));
            let audited = s.audited("approval.requested", replies[0].id()).await;
            assert_eq!(audited, 1);
        }
        assert_eq!(s.api().list(&[]).await.data().len(), 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_idempotency_key_is_refused_by_name() {
    story(async |s| {
        let ask = s.call(ACTION, "c-1");
        for key in ["", "   ", &"k".repeat(256)] {
            let reply = s.api().ask_once(&ask, key).await;
            assert_eq!(reply.status, 422, "{key:?}");
            assert_eq!(reply.body["errors"][0]["parameter"], "Idempotency-Key");
        }
        assert_eq!(s.api().ask_once(&ask, &"k".repeat(255)).await.status, 201);
    })
    .await;
}

/// The backend called `agents`, as an operator sees it.
async fn summary(s: &TestApp) -> countersign::storage::tables::backends::Summary {
    let all = backends::list(&s.service, None).await.unwrap();
    all.into_iter().find(|backend| backend.name == "agents").unwrap()
}

/// Replaces the keys of the test's backend.
async fn rotate(s: &TestApp, overlap: TimeDelta) -> NewKey {
    let backend = summary(s).await;
    api_keys::rotate(&s.service, &backend, Selection::All, None, overlap).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_works_beside_the_new_one_for_the_overlap() {
    story(async |s| {
        let next = rotate(s, TimeDelta::hours(24)).await;
        let next = s.backend.api_with_key(next.secret.expose_secret());
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        assert_eq!(next.get(&id).await.status, 200, "it is the same backend");
        s.advance_until_idle(TimeDelta::hours(24) - TimeDelta::seconds(1)).await;
        assert_eq!(s.api().get(&id).await.status, 200);
        s.pass(TimeDelta::seconds(1));
        assert_eq!(s.api().get(&id).await.status, 401);
        assert_eq!(s.api().ask(&s.call(ACTION, "c-1")).await.status, 401);
        assert_eq!(next.get(&id).await.status, 200);
        let last = rotate(s, TimeDelta::zero()).await;
        assert_eq!(next.get(&id).await.status, 401);
        assert_eq!(s.backend.api_with_key(last.secret.expose_secret()).get(&id).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_backend_asks_no_more_and_what_it_asked_can_still_be_decided() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(backends::disable(&s.service, &summary(s).await).await.unwrap());
        for reply in [s.api().ask(&s.call(ACTION, "c-1")).await, s.api().get(&id).await] {
            assert_eq!((reply.status, problem(&reply)), (403, "backend-disabled"));
        }
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.until(&prompt, |message| message.all_text().contains("Approved by")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_are_listed_newest_first_page_by_page_and_by_what_they_are() {
    story(async |s| {
        let mut asked = Vec::new();
        for number in 0..7 {
            // Ids carry the millisecond; within one they have no order.
            s.pass(TimeDelta::milliseconds(1));
            asked.push(s.ask(&s.call(ACTION, &format!("c-{}", number % 2))).await.id().to_owned());
        }
        s.api().cancel(&asked[0]).await;
        asked.reverse();
        let mut seen: Vec<String> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", "3")];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = s.api().list(&query).await;
            assert_eq!(page.status, 200, "{page:?}");
            seen.extend(page.data().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            match page.next_cursor() {
                Some(next) => {
                    assert_eq!(page.data().len(), 3);
                    cursor = Some(next.to_owned());
                }
                None => break,
            }
        }
        assert_eq!(seen, asked);
        let count = async |query: &[(&str, &str)]| s.api().list(query).await.data().len();
        assert_eq!(count(&[("status", "cancelled")]).await, 1);
        assert_eq!(count(&[("status", "pending")]).await, 6);
        assert_eq!(count(&[("conversation", "c-0")]).await, 4);
        assert_eq!(count(&[("conversation", "c-0"), ("status", "pending")]).await, 3);
        assert_eq!(count(&[("conversation", "c-0"), ("status", "cancelled"), ("user", ALICE)]).await, 1);
        assert_eq!(count(&[("conversation", "c-0"), ("user", "U0BOB")]).await, 0);
        for none in ["approved", "denied", "expired", "undeliverable"] {
            assert_eq!(count(&[("status", none)]).await, 0, "{none}");
        }
        assert_eq!(count(&[("user", ALICE), ("status", "cancelled")]).await, 1);
        assert_eq!(count(&[("user", "U0BOB")]).await, 0);
        assert_eq!(count(&[("user", ALICE), ("limit", "100")]).await, 7);
        // Each goes on from a cursor.
        for query in [("user", ALICE), ("status", "pending"), ("conversation", "c-0")] {
            let whole = s.api().list(&[query]).await.data().to_vec();
            let first = s.api().list(&[query, ("limit", "2")]).await;
            let rest = s.api().list(&[query, ("cursor", first.next_cursor().unwrap())]).await;
            assert_eq!([first.data(), rest.data()].concat(), whole, "{query:?}");
        }
        let whole = s.api().get(&asked[1]).await.body;
        assert_eq!(s.api().list(&[]).await.data()[1], whole, "an item is the whole approval");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn integrations_are_listed_by_key_page_by_page() {
    story(async |s| {
        let mut keys = ["stripe", "gmail", "github", "postgres", "salesforce"];
        for key in keys {
            s.put(key).await;
        }
        keys.sort_unstable();
        let first = s.api().integrations(&[("limit", "3")]).await;
        let cursor = first.next_cursor().unwrap();
        let second = s.api().integrations(&[("limit", "3"), ("cursor", cursor)]).await;
        assert_eq!((first.data().len(), second.data().len(), second.next_cursor()), (3, 2, None));
        let seen = first.data().iter().chain(second.data()).map(|item| item["key"].as_str().unwrap());
        assert_eq!(seen.collect::<Vec<_>>(), keys);
        assert_eq!(first.data()[0], s.api().integration("github").await.body);
        for query in [("cursor", "nonsense"), ("limit", "0"), ("status", "pending")] {
            assert_eq!(s.api().integrations(&[query]).await.status, 422, "{query:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_cant_be_cancelled_and_the_answer_says_how_it_ended() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let cancelled = s.api().cancel(&id).await;
        assert_eq!((cancelled.status, cancelled.approval_status()), (200, "cancelled"));
        assert_eq!(cancelled.str("/decision/by"), "backend");
        let told = s.received_webhook(&id).await;
        assert_eq!((told.kind.as_str(), told.approval()), ("approval.cancelled", &cancelled.body));
        s.until(&prompt, |message| message.all_text().contains("Cancelled")).await;
        let again = s.api().cancel(&id).await;
        assert_eq!((again.status, problem(&again)), (409, "already-ended"));
        assert_eq!(again.body["approval"], cancelled.body);
        assert_eq!((s.audited("approval.cancelled", &id).await, s.events(&id).len()), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_the_time_or_the_decision_or_at_once() {
    story(async |s| {
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let begun = std::time::Instant::now();
        assert_eq!(s.api().wait(&id, 1).await.approval_status(), "pending");
        assert!(begun.elapsed() >= std::time::Duration::from_secs(1));
        let waiting = (0..10).map(|_| {
            let (api, id) = (s.api(), id.clone());
            tokio::spawn(async move { api.wait(&id, 55).await.approval_status().to_owned() })
        });
        let waiting: Vec<_> = waiting.collect();
        tokio::task::yield_now().await;
        assert_eq!(s.api().cancel(&id).await.status, 200);
        let answers = tokio::time::timeout(PROMPTLY, join_all(waiting)).await.unwrap();
        assert!(answers.into_iter().all(|answer| answer.unwrap() == "cancelled"));
        assert_eq!(
            s.api().wait(&id, 55).await.approval_status(),
            "cancelled",
            "there is nothing to wait for"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_is_put_whole_and_never_unlocks_anything() {
    story(async |s| {
        s.put("github").await;
        s.unlock(ACTION).await;
        let before = s.api().integration("github").await.body;
        s.put("github").await;
        assert_eq!(s.api().integration("github").await.body, before, "saying it again changes nothing");
        let changed = json!({ "name": "GitHub Enterprise", "requires_connection": false, "actions": [
            { "key": "create_issue", "name": "File an issue", "destructive": true },
            { "key": "brand_new", "name": "Brand new" },
        ] });
        let put = s.api().put_integration("github", &changed).await;
        assert_eq!((put.status, put.str("/name")), (200, "GitHub Enterprise"));
        let actions = put.body["actions"].as_array().unwrap();
        let locks: Vec<_> = actions.iter().map(|action| (&action["key"], &action["unlocked"])).collect();
        let expected = [(json!("brand_new"), json!(false)), (json!("create_issue"), json!(true))];
        assert_eq!(locks, expected.iter().map(|(key, lock)| (key, lock)).collect::<Vec<_>>());
        for (body, pointer) in [
            (json!({}), "/name"),
            (json!({ "name": "X", "actions": [{ "key": "a" }] }), "/actions/0/name"),
            (
                json!({ "name": "X", "actions": [{ "key": "a", "name": "A", "unlocked": true }] }),
                "/actions/0/unlocked",
            ),
            (json!({ "name": "X", "connect_url": "ftp://x" }), "/connect_url"),
            (json!({ "name": "X", "actions": {} }), "/actions"),
        ] {
            assert!(pointers(&s.api().put_integration("github", &body).await).contains(&pointer), "{body}");
        }
        assert_eq!(s.api().integration("github").await.body, put.body);
    })
    .await;
}
