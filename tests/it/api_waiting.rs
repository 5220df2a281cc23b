//! Waiting for a decision: by long poll and by server-sent events.

use countersign::service::backends;
use serde_json::Value;

use crate::story::{ALICE, PROMPTLY, SOON, TestApp, story};

const ACTION: &str = "github.create_issue";

/// The events of an approval, as a client reads them: type and data; until the stream ends.
async fn events(url: String, key: String, id: String, told: tokio::sync::mpsc::Sender<(String, Value)>) {
    let url = format!("{url}/v1/approvals/{id}/events");
    let response = sandbox::http::client().unwrap().get(url).bearer_auth(key).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (mut response, mut text) = (response, String::new());
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            if let Some((kind, data)) = field("event: ").zip(field("data: ")) {
                told.send((kind.to_owned(), serde_json::from_str(data).unwrap())).await.unwrap();
            }
            text = rest.to_owned();
        }
    }
}

fn follow(s: &TestApp, id: &str) -> tokio::sync::mpsc::Receiver<(String, Value)> {
    let (told, hears) = tokio::sync::mpsc::channel(8);
    tokio::spawn(events(s.url(), s.key().to_owned(), id.to_owned(), told));
    hears
}

async fn next(hears: &mut tokio::sync::mpsc::Receiver<(String, Value)>) -> Option<(String, Value)> {
    tokio::time::timeout(SOON, hears.recv()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_tell_what_is_and_what_becomes_of_it_and_end() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let mut hears = follow(s, &id);
        let (kind, approval) = next(&mut hears).await.unwrap();
        assert_eq!((kind.as_str(), &approval["id"]), ("approval.pending", &Value::from(id.as_str())));
        s.click(ALICE, &prompt, "Approve").await;
        let (kind, approval) = next(&mut hears).await.unwrap();
        assert_eq!((kind.as_str(), &approval["decision"]["by"]), ("approval.approved", &"user".into()));
        assert_eq!(next(&mut hears).await, None);
        let mut late = follow(s, &id);
        assert_eq!(next(&mut late).await.unwrap().0, "approval.approved");
        assert_eq!(next(&mut late).await, None);
        let unknown =
            s.api().call(reqwest::Method::GET, &["approvals", "apr_x", "events"], &[], None, &[]).await;
        assert_eq!(unknown.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_backend_begins_to_follow_nothing_and_hears_the_end_of_what_it_follows() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let mut hears = follow(s, &id);
        assert_eq!(next(&mut hears).await.unwrap().0, "approval.pending");
        let backend = backends::list(&s.service, None).await.unwrap().remove(0);
        assert!(backends::disable(&s.service, &backend).await.unwrap());
        let path = ["approvals", id.as_str(), "events"];
        let reply = s.api().call(reqwest::Method::GET, &path, &[], None, &[]).await;
        assert_eq!((reply.status, reply.str("/type")), (403, "urn:countersign:problem:backend-disabled"));
        s.click(ALICE, &prompt, "Deny").await;
        assert_eq!(next(&mut hears).await.unwrap().0, "approval.denied");
        assert_eq!(next(&mut hears).await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_another_instance_takes_is_heard() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let here = s.url();
        let there = s.instance().await;
        let mut hears = follow(s, &id);
        assert_eq!(next(&mut hears).await.unwrap().0, "approval.pending");
        let api = s.api();
        let waiting = tokio::spawn({
            let id = id.clone();
            async move { api.wait(&id, 50).await }
        });
        s.slack.connect_app(&format!("http://{}", there.address()));
        s.click(ALICE, &prompt, "Approve").await;
        assert_eq!(next(&mut hears).await.unwrap().0, "approval.approved");
        let reply = tokio::time::timeout(PROMPTLY, waiting).await.unwrap().unwrap();
        assert_eq!(reply.approval_status(), "approved");
        s.slack.connect_app(&here);
        there.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_holds_no_connection_to_the_database() {
    story(async |s| {
        s.config.database_connections = 2;
        s.restart().await;
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let mut waiters = Vec::new();
        for _ in 0..5 {
            waiters.extend((0..10).map(|_| {
                let (api, id) = (s.api(), id.clone());
                tokio::spawn(async move { api.wait(&id, 50).await })
            }));
            // Each reads once before it waits: with two connections, ten at a time have that done soon.
            assert_eq!(s.api().get(&id).await.status, 200);
        }
        let mut hears = follow(s, &id);
        assert_eq!(next(&mut hears).await.unwrap().0, "approval.pending");
        // Two connections, fifty-one who wait; and others are served.
        for _ in 0..20 {
            assert_eq!(s.api().get(&id).await.status, 200);
        }
        assert_eq!(s.api().cancel(&id).await.status, 200);
        for waiter in waiters {
            let reply = tokio::time::timeout(PROMPTLY, waiter).await.unwrap().unwrap();
            assert_eq!(reply.approval_status(), "cancelled", "{reply:?}");
        }
    })
    .await;
}

/// How many connections are reading approvals at this moment, or wait to. Of a query Postgres tells the first kilobyte.
async fn readers(s: &TestApp) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
           AND pid <> pg_backend_pid() AND query LIKE 'SELECT p.id, p.workspace_id,%'",
    )
    .fetch_one(&s.service.db)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_answers_whoever_waits_instead_of_cutting_them_off() {
    story(async |s| {
        let (id, _) = s.prompt(&s.call(ACTION, "c-1")).await;
        // A waiting call reads the approval first, so once it blocks on that, the service is handling it.
        let mut held = s.service.db.begin().await.unwrap();
        sqlx::query("LOCK TABLE approvals IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
        let api = s.api();
        let waiting = tokio::spawn({
            let id = id.clone();
            async move { api.wait(&id, 55).await }
        });
        s.until_so(async || readers(s).await == 1).await;
        held.rollback().await.unwrap();
        s.until_so(async || readers(s).await == 0).await;
        // Who follows reads it as well, so comes when that was seen.
        let mut hears = follow(s, &id);
        assert_eq!(next(&mut hears).await.unwrap().0, "approval.pending");
        let began = std::time::Instant::now();
        s.stop().await;
        let reply = tokio::time::timeout(PROMPTLY, waiting).await.unwrap().unwrap();
        assert_eq!((reply.status, reply.approval_status()), (200, "pending"), "{reply:?}");
        assert_eq!(next(&mut hears).await, None);
        assert!(began.elapsed() < PROMPTLY);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_seen_the_end_is_told_not_to_come_back() {
    story(async |s| {
        let (id, _) = s.prompt(&s.call(ACTION, "c-1")).await;
        let again = async |seen: &str| {
            let url = format!("{}/v1/approvals/{id}/events", s.url());
            let client = sandbox::http::client().unwrap();
            client.get(url).bearer_auth(s.key()).header("last-event-id", seen).send().await.unwrap()
        };
        for seen in ["pending", "cancelled", "other"] {
            let mut response = again(seen).await;
            assert_eq!(response.status(), 200, "{seen}: it is pending");
            assert!(response.chunk().await.unwrap().unwrap().starts_with(b"id: pending\n"));
        }
        assert_eq!(s.api().cancel(&id).await.status, 200);
        for seen in ["pending", "approved", ""] {
            let response = again(seen).await;
            assert_eq!(response.status(), 200, "{seen}: it has not seen the end");
            assert!(response.text().await.unwrap().starts_with("id: cancelled\nevent: approval.cancelled\n"));
        }
        assert_eq!(again("cancelled").await.status(), 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_no_number_of_seconds_is_refused() {
    story(async |s| {
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        for wait in ["56", "-1", "1.5", "soon", ""] {
            let path = ["approvals", &id];
            let reply = s.api().call(reqwest::Method::GET, &path, &[("wait", wait)], None, &[]).await;
            assert_eq!((reply.status, reply.str("/errors/0/parameter")), (422, "wait"), "{reply:?}");
        }
        assert_eq!(s.api().wait(&id, 0).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_has_so_many_calls_waiting_and_others_wait_all_the_same() {
    story(async |s| {
        s.config.limits.waiters = 2;
        s.restart().await;
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let ended = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        assert_eq!(s.api().cancel(&ended).await.status, 200);
        let mut hears = follow(s, &id);
        assert_eq!(next(&mut hears).await.unwrap().0, "approval.pending");
        let waiting = tokio::spawn({
            let (api, id) = (s.api(), id.clone());
            async move {
                loop {
                    let reply = api.wait(&id, 55).await;
                    if reply.status != 429 {
                        return reply;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            }
        });
        // One of these that finds the place first gives it up after a second.
        s.until_so(async || s.api().wait(&id, 1).await.status == 429).await;

        let lines = [("accept", "application/x-ndjson")];
        let refused = [
            s.api().wait(&id, 50).await,
            s.api().call(reqwest::Method::GET, &["approvals", &id, "events"], &[], None, &[]).await,
            s.api().call(reqwest::Method::GET, &["audit"], &[], None, &lines).await,
        ];
        for reply in refused {
            let problem = (reply.status, reply.str("/type"), reply.header("retry-after"));
            assert_eq!(problem, (429, "urn:countersign:problem:too-many-waiting", "5"));
        }
        // What need not wait is answered.
        assert_eq!(s.api().get(&id).await.approval_status(), "pending");
        assert_eq!(s.api().wait(&ended, 50).await.approval_status(), "cancelled");
        assert_eq!(s.api().audit(&[]).await.status, 200);
        let (key, _) = s.create_backend("another").await;
        let other = s.backend.api_with_key(&key);
        let theirs = other.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        assert_eq!(other.wait(&theirs, 1).await.status, 200);

        assert_eq!(s.api().cancel(&id).await.status, 200);
        assert_eq!(waiting.await.unwrap().approval_status(), "cancelled");
        assert_eq!(next(&mut hears).await.unwrap().0, "approval.cancelled");
        assert_eq!(next(&mut hears).await, None);
        let again = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        assert_eq!(s.api().wait(&again, 1).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_gives_its_place_up() {
    story(async |s| {
        s.config.limits.waiters = 1;
        s.restart().await;
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let waits = {
            let (api, id) = (s.api(), id.clone());
            async move |seconds| api.wait(&id, seconds).await
        };
        // One of the calls below that takes the place first gives it up after a second.
        let waiting = tokio::spawn(async move {
            while waits(55).await.status == 429 {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        });
        s.until_so(async || s.api().wait(&id, 1).await.status == 429).await;
        waiting.abort();
        s.until_so(async || s.api().wait(&id, 1).await.status == 200).await;
        let url = format!("{}/v1/approvals/{id}/events", s.url());
        let following = sandbox::http::client().unwrap().get(url).bearer_auth(s.key()).send().await.unwrap();
        assert_eq!((following.status().as_u16(), s.api().wait(&id, 1).await.status), (200, 429));
        drop(following);
        s.until_so(async || s.api().wait(&id, 1).await.status == 200).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_backends_approval_is_not_found_however_it_ends() {
    story(async |s| {
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let (key, _) = s.create_backend("another").await;
        let other = s.backend.api_with_key(&key);
        let waiting = tokio::spawn({
            let (api, id) = (s.api(), id.clone());
            async move { api.wait(&id, 50).await }
        });
        // Read together with the backend's own calls.
        for _ in 0..3 {
            let events = ["approvals", id.as_str(), "events"];
            let (waited, followed) =
                tokio::join!(other.wait(&id, 50), other.call(reqwest::Method::GET, &events, &[], None, &[]));
            assert_eq!((waited.status, followed.status), (404, 404));
            assert_eq!(s.api().wait(&id, 1).await.approval_status(), "pending");
        }
        assert_eq!(s.api().cancel(&id).await.status, 200);
        assert_eq!(waiting.await.unwrap().approval_status(), "cancelled");
        assert_eq!(other.wait(&id, 50).await.status, 404);
    })
    .await;
}
