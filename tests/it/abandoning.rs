//! Approvals that are cancelled if no caller listens: callers that are killed, instances that die, and a database that is
//! away.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use countersign::{
    clock::Clock,
    domain::{
        decisions::Choice,
        grants::Scope,
        ids::{ApprovalId, UserId},
        people::{ActingUser, PersonKind},
    },
    service::{abandon, decide, decide::Click},
};
use sandbox::{backend::Ask, slack::names};
use serde_json::json;

use crate::{
    failures::{Process, real_time},
    story::{ALICE, TestApp, eventually, story, story_with_own_server},
};

const ACTION: &str = "github.create_issue";
/// How much faster than the machine's a test's clock runs.
const SPEED: i32 = 20;
const TICK: Duration = Duration::from_millis(25);

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

/// Advances the clock, fast, in steps that are no breaks.
async fn run_fast(clock: &Clock) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        clock.advance(TimeDelta::from_std(TICK).unwrap() * SPEED);
    }
}

/// A story with a clock that runs fast.
async fn fast_story(test: impl AsyncFnOnce(&mut TestApp)) {
    story(async |s| {
        let clock = s.clock.clone();
        tokio::select! {
            () = test(s) => {}
            () = run_fast(&clock) => {}
        }
    })
    .await;
}

async fn until(s: &TestApp, at: DateTime<Utc>) {
    s.clock.sleep_until(at).await;
}

fn call(s: &TestApp, conversation: &str, after: u64) -> Ask {
    s.call(ACTION, conversation).expiring_in(7200).abandoned_after(after)
}

async fn ask(s: &TestApp, conversation: &str, after: u64) -> String {
    s.ask(&call(s, conversation, after)).await.id().to_owned()
}

/// When the approval ended, once it has.
async fn ended_at(s: &TestApp, id: &str) -> DateTime<Utc> {
    eventually("the end", async || {
        let reply = s.api().get(id).await;
        let at = reply.body["decision"]["decided_at"].as_str().map(|at| at.parse().unwrap());
        assert!(at.is_none() || reply.approval_status() == "cancelled", "{reply:?}");
        at
    })
    .await
}

async fn count(s: &TestApp, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&s.service.db).await.unwrap()
}

/// Whether the instances have reported that this many calls listen.
async fn until_listening(s: &TestApp, calls: i64) {
    s.until_so(async || count(s, "SELECT count(*) FROM listeners WHERE left_at IS NULL").await == calls)
        .await;
}

/// A long poll that is repeated until the approval has ended.
fn keep_waiting(api: sandbox::backend::Api, id: &str) -> tokio::task::JoinHandle<String> {
    let id = id.to_owned();
    tokio::spawn(async move {
        loop {
            // The machine's second is many of the test's.
            let reply = api.wait(&id, 1).await;
            if reply.status == 200 && reply.approval_status() != "pending" {
                return reply.approval_status().to_owned();
            }
        }
    })
}

async fn follow(s: &TestApp, id: &str) -> reqwest::Response {
    let url = format!("{}/v1/approvals/{id}/events", s.url());
    let mut events = sandbox::http::client().unwrap().get(url).bearer_auth(s.key()).send().await.unwrap();
    assert!(events.chunk().await.unwrap().unwrap().starts_with(b"id: pending"));
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_never_listens_leaves_nothing_to_approve() {
    fast_story(async |s| {
        let asked = s.now();
        let (id, prompt) = s.prompt(&call(s, "c-1", 60)).await;
        let ended = ended_at(s, &id).await;
        assert!(ended >= asked + seconds(60) && ended <= asked + seconds(120), "{}", ended - asked);
        let approval = s.api().get(&id).await.body;
        let decision = &approval["decision"];
        assert_eq!(
            (&decision["outcome"], &decision["by"], &decision["reason"], &decision["user"]),
            (&json!("cancelled"), &json!("backend"), &json!("no caller listened for 60 s"), &json!(null))
        );
        let shown = s.until(&prompt, |message| !message.has_button("Approve")).await;
        assert!(shown.all_text().contains("the agent stopped waiting"), "{}", shown.all_text());
        assert!(shown.text().contains("Cancelled: the agent stopped waiting."), "{}", shown.text());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.cancelled");
        let entries: Vec<(String, serde_json::Value)> =
            sqlx::query_as("SELECT actor_kind, after FROM audit WHERE what = 'approval.cancelled'")
                .fetch_all(&s.service.db)
                .await
                .unwrap();
        let after =
            json!({ "by": "backend", "scope": null, "user": ALICE, "why": "no caller listened for 60 s" });
        assert_eq!(entries, [("service".to_owned(), after)]);
        assert_eq!(count(s, "SELECT count(*) FROM abandonments").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_keeps_an_approval_until_its_caller_is_killed() {
    fast_story(async |s| {
        let asked = s.now();
        let (id, other) = (ask(s, "c-1", 60).await, s.ask(&s.call(ACTION, "c-2").expiring_in(7200)).await);
        let waiting = keep_waiting(s.api(), &id);
        until(s, asked + seconds(300)).await;
        assert_eq!(s.api().get(&id).await.approval_status(), "pending");
        waiting.abort();
        let left = s.now();
        let ended = ended_at(s, &id).await;
        assert!(ended >= left + seconds(55) && ended <= left + seconds(150), "{}", ended - left);
        assert_eq!(s.api().get(other.id()).await.approval_status(), "pending", "it has no such limit");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_keeps_an_approval_and_tells_of_its_end() {
    fast_story(async |s| {
        let asked = s.now();
        let (id, prompt) = s.prompt(&call(s, "c-1", 60)).await;
        let mut events = follow(s, &id).await;
        until(s, asked + seconds(240)).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let text = loop {
            let chunk = events.chunk().await.unwrap().unwrap();
            if !chunk.starts_with(b":") {
                break chunk;
            }
        };
        assert!(text.starts_with(b"id: approved"), "{text:?}");
        // What is no longer needed is deleted.
        s.until_so(async || count(s, "SELECT count(*) FROM abandonments").await == 0).await;
        assert_eq!(count(s, "SELECT count(*) FROM listeners").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_counts_at_whichever_instance_it_listens() {
    fast_story(async |s| {
        let asked = s.now();
        let second = s.instance().await;
        let id = ask(s, "c-1", 60).await;
        let api = sandbox::backend::AgentBackend::start(sandbox::backend::BackendOptions {
            clock: sandbox::ambient::Clock::system(),
        })
        .await
        .unwrap();
        api.connect(&format!("http://{}", second.address()), s.key(), "whsec_AAAA");
        let here = keep_waiting(s.api(), &id);
        let there = keep_waiting(api.api(), &id);
        until_listening(s, 2).await;
        here.abort();
        until(s, asked + seconds(240)).await;
        assert_eq!(s.api().get(&id).await.approval_status(), "pending");
        there.abort();
        ended_at(s, &id).await;
        second.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_of_a_killed_instance_no_longer_count() {
    story(async |s| {
        let (slack, backend) = real_time(s).await;
        let (key, secret) = s.create_backend("killed").await;
        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        let api = backend.api();
        let reply = api.ask(&s.call(ACTION, "c-1").abandoned_after(5)).await;
        let id = reply.id().to_owned();
        let waiting = keep_waiting(api, &id);
        until_listening(s, 1).await;
        // It listens for longer than that.
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(backend.api().get(&id).await.approval_status(), "pending");
        waiting.abort();
        process.kill(s).await;
        assert_eq!(count(s, "SELECT count(*) FROM listeners").await, 1);
        let process = Process::start(s, &slack);
        backend.connect(&process.url, &key, &secret);
        let ended = async || {
            let reply = backend.api().get(&id).await;
            (reply.status == 200 && reply.approval_status() == "cancelled").then_some(())
        };
        eventually("the end", ended).await;
        process.kill(s).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_and_the_abandonment_at_once_make_one_decision() {
    story(async |s| {
        let mut ids = Vec::new();
        for number in 0..40 {
            ids.push(ask(s, &format!("c-{number}"), 60).await);
        }
        s.stop().await;
        s.clock.advance(seconds(100));
        let began = s.now() - seconds(3600);
        let clicks = ids.iter().map(|id| {
            let click = Click {
                workspace: names::TEAM.to_owned(),
                approval: id.parse::<ApprovalId>().unwrap(),
                acting_user: ActingUser { user: UserId::parse(ALICE).unwrap(), kind: PersonKind::Member },
                request: None,
            };
            let service = s.service.clone();
            async move { decide::decide(&service, &click, &Choice::Approve(Scope::Once)).await }
        });
        let abandoning = async {
            let mut abandoned = 0;
            while count(s, "SELECT count(*) FROM abandonments").await > 0 {
                abandoned += abandon::abandon(&s.service, began).await.unwrap().abandoned;
            }
            abandoned
        };
        let (clicked, abandoned) = tokio::join!(futures::future::join_all(clicks), abandoning);
        let approved = clicked.iter().filter(|clicked| clicked.is_ok()).count() as u64;
        assert_eq!(approved + abandoned, 40);
        let decided = "SELECT count(*) FROM audit WHERE what IN ('approval.approved', 'approval.cancelled')";
        assert_eq!(count(s, decided).await, 40);
        s.start().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_get_time_to_come_back_to_a_service_that_was_stopped() {
    story(async |s| {
        let id = ask(s, "c-1", 60).await;
        let silent = ask(s, "c-2", 60).await;
        s.stop().await;
        s.clock.advance(TimeDelta::minutes(10));
        s.start().await;
        let started = s.now();
        let clock = s.clock.clone();
        let test = async {
            let waiting = keep_waiting(s.api(), &id);
            let ended = ended_at(s, &silent).await;
            assert!(ended >= started + seconds(60), "{}", ended - started);
            assert_eq!(s.api().get(&id).await.approval_status(), "pending");
            waiting.abort();
        };
        tokio::select! {
            () = test => {}
            () = run_fast(&clock) => {}
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_of_the_clock_abandons_nothing_that_is_listened_to() {
    fast_story(async |s| {
        let id = ask(s, "c-1", 60).await;
        let waiting = keep_waiting(s.api(), &id);
        until_listening(s, 1).await;
        s.clock.advance(TimeDelta::hours(1));
        until(s, s.now() + seconds(120)).await;
        assert_eq!(s.api().get(&id).await.approval_status(), "pending");
        waiting.abort();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_away_abandons_nothing_that_is_listened_to() {
    story_with_own_server(async |s| {
        let id = s.ask(&s.call(ACTION, "c-1").abandoned_after(5)).await.id().to_owned();
        let events = follow(s, &id).await;
        until_listening(s, 1).await;
        s.postgres().stop_server().await.unwrap();
        tokio::time::sleep(Duration::from_secs(15)).await;
        s.postgres().start_server().await.unwrap();
        tokio::time::sleep(Duration::from_secs(12)).await;
        let status = async || {
            let reply = s.api().get(&id).await;
            (reply.status == 200).then(|| reply.approval_status().to_owned())
        };
        assert_eq!(eventually("an answer", status).await, "pending");
        drop(events);
        let ended = async || (status().await? == "cancelled").then_some(());
        eventually("the end", ended).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_at_once_is_never_abandoned() {
    fast_story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&call(s, "c-1", 60)).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        s.received_webhook(&id).await;
        assert_eq!(s.ask(&call(s, "c-1", 60)).await.approval_status(), "approved");
        let rows = "SELECT count(*) FROM abandonments b JOIN approvals p ON p.id = b.approval_id
            WHERE p.decided_by = 'auto'";
        assert_eq!(count(s, rows).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_counts_and_must_say_the_same() {
    fast_story(async |s| {
        let asked = s.now();
        let call = call(s, "c-1", 60);
        let first = s.api().ask_once(&call, "k").await;
        assert_eq!(first.status, 201);
        while s.now() < asked + seconds(240) {
            let again = s.api().ask_once(&call, "k").await;
            assert_eq!((again.status, again.approval_status()), (200, "pending"));
            until(s, s.now() + seconds(20)).await;
        }
        let other = s.api().ask_once(&call.abandoned_after(61), "k").await;
        assert_eq!(
            (other.status, other.str("/type")),
            (422, "urn:countersign:problem:idempotency-key-reused")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn abandon_after_is_a_whole_number_within_bounds() {
    story(async |s| {
        for wrong in [json!(4), json!(86_401), json!(7.5), json!("60"), json!(-1)] {
            let mut body = serde_json::to_value(s.call(ACTION, "c-1")).unwrap();
            body["abandon_after"] = wrong.clone();
            let reply = s.api().call(reqwest::Method::POST, &["approvals"], &[], Some(&body), &[]).await;
            assert_eq!(
                (reply.status, reply.str("/errors/0/pointer")),
                (422, "/abandon_after"),
                "{wrong}: {reply:?}"
            );
            assert!(reply.str("/errors/0/detail").contains("from 5 to 86400"), "{reply:?}");
        }
        for right in [5, 86_400] {
            assert_eq!(s.ask(&s.call(ACTION, "c-1").abandoned_after(right)).await.status, 201);
        }
    })
    .await;
}
