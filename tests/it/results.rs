//! What came of an approved call: reported by its backend, once, and shown to the person who approved.

use chrono::TimeDelta;
use countersign::service::retention;
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    api::{pointers, problem},
    story::{ALICE, TestApp, story},
};

const ACTION: &str = "github.create_issue";

fn opened() -> Value {
    json!({ "status": "succeeded", "summary": "Opened issue #1208", "url": "https://github.com/acme/app/issues/1208" })
}

fn failed() -> Value {
    json!({ "status": "failed", "summary": "The repository is archived" })
}

/// An approval that Alice gave.
async fn approved(s: &TestApp, conversation: &str) -> String {
    let (id, prompt) = s.prompt(&s.call(ACTION, conversation)).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    s.received_webhook(&id).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_stands_beside_its_approval() {
    story(async |s| {
        let id = approved(s, "c-1").await;
        assert_eq!(s.api().get(&id).await.body["result"], Value::Null);
        let reply = s.api().report(&id, &opened()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let mut expected = opened();
        expected["reported_at"] = reply.body["result"]["reported_at"].clone();
        assert!(expected["reported_at"].is_string(), "{reply:?}");
        assert_eq!(reply.body["result"], expected);
        assert_eq!(s.api().get(&id).await.body, reply.body);
        assert_eq!(s.api().list(&[]).await.data()[0], reply.body);
        let audit = s.api().audit(&[("limit", "100")]).await;
        let entry = audit.data().iter().find(|entry| entry["what"] == "approval.result_reported").unwrap();
        assert_eq!((&entry["approval"], &entry["actor"]["kind"]), (&json!(id), &json!("backend")));
        assert_eq!((&entry["subject"], &entry["after"]), (&json!(ACTION), &json!({ "status": "succeeded" })));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_report_stands() {
    story(async |s| {
        let id = approved(s, "c-1").await;
        let first = s.api().report(&id, &opened()).await;
        s.advance_until_idle(TimeDelta::days(3)).await;
        let again = s.api().report(&id, &opened()).await;
        assert_eq!((again.status, &again.body), (200, &first.body), "a repeated report changes nothing");
        for other in [failed(), json!({ "status": "succeeded" })] {
            let refused = s.api().report(&id, &other).await;
            assert_eq!((refused.status, problem(&refused)), (409, "already-reported"), "{other}");
            assert_eq!(refused.body["approval"], first.body, "it says which one stands");
        }
        assert_eq!(s.audited("approval.result_reported", &id).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_approved_call_has_a_result() {
    story(async |s| {
        let refused = async |id: &str, status: &str| {
            let reply = s.api().report(id, &failed()).await;
            assert_eq!((reply.status, problem(&reply)), (409, "not-approved"), "{status}");
            assert_eq!(reply.body["approval"]["status"], status);
            let detail = reply.str("/detail");
            assert!(detail.starts_with(&format!("The approval is {status}.")), "{detail}");
        };
        let (denied, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        refused(&denied, "pending").await;
        assert!(s.click(ALICE, &prompt, "Deny").await.is_ok());
        s.received_webhook(&denied).await;
        refused(&denied, "denied").await;
        let (cancelled, _) = s.prompt(&s.call(ACTION, "c-2")).await;
        assert_eq!(s.api().cancel(&cancelled).await.status, 200);
        refused(&cancelled, "cancelled").await;
        let (expired, _) = s.prompt(&s.call(ACTION, "c-3").expiring_in(60)).await;
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        s.received_webhook(&expired).await;
        refused(&expired, "expired").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_by_a_grant_has_a_result_too() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.choose(ALICE, &prompt, "Auto-approve always").await.is_ok());
        s.received_webhook(&id).await;
        let auto = s.ask(&s.call(ACTION, "c-1")).await;
        assert_eq!(auto.approval_status(), "approved");
        assert_eq!(s.api().report(auto.id(), &failed()).await.body["result"]["status"], "failed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_of_anothers_approval_is_refused() {
    story(async |s| {
        let id = approved(s, "c-1").await;
        let (key, _) = s.create_backend("Others").await;
        let foreign = s.api().with_key(&key).report(&id, &opened()).await;
        assert_eq!((foreign.status, problem(&foreign)), (404, "unknown-approval"));
        for unknown in ["apr_0192f7c3a4b57d0e8f1a2b3c4d5e6f70", "nonsense"] {
            let reply = s.api().report(unknown, &opened()).await;
            assert_eq!((reply.status, problem(&reply)), (404, "unknown-approval"), "{unknown}");
        }
        let anyone = s.api().with_key("").report(&id, &opened()).await;
        assert_eq!((anyone.status, problem(&anyone)), (401, "unauthenticated"));
        assert_eq!(s.api().get(&id).await.body["result"], Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_report_is_pointed_at() {
    story(async |s| {
        let id = approved(s, "c-1").await;
        let changes: [(&str, Value); 13] = [
            ("/status", json!("done")),
            ("/status", json!(null)),
            ("/status", json!(1)),
            ("/summary", json!("")),
            ("/summary", json!(" ")),
            ("/summary", json!("s".repeat(301))),
            ("/summary", json!("nul\u{0}")),
            ("/summary", json!(["Opened"])),
            ("/url", json!("javascript:alert(1)")),
            ("/url", json!("/issues/1208")),
            ("/url", json!("https://github.com@example.com/acme")),
            ("/url", json!(format!("https://example.com/{}", "u".repeat(2000)))),
            ("/message", json!("Opened")),
        ];
        for (pointer, value) in changes {
            let mut body = opened();
            body[pointer.trim_start_matches('/')] = value.clone();
            let reply = s.api().report(&id, &body).await;
            assert_eq!((reply.status, pointers(&reply)), (422, vec![pointer]), "{value}");
        }
        assert_eq!(pointers(&s.api().report(&id, &json!({})).await), ["/status"]);
        let all = json!({ "status": 1, "summary": 1, "url": 1, "a": 1 });
        assert_eq!(pointers(&s.api().report(&id, &all).await), ["/status", "/summary", "/url", "/a"]);
        assert_eq!(s.api().get(&id).await.body["result"], Value::Null);
        let longest = json!({ "status": "failed", "summary": "ä".repeat(300) });
        assert_eq!(s.api().report(&id, &longest).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_reports_at_the_same_time_one_stands() {
    story(async |s| {
        let (same, other) = (approved(s, "c-1").await, approved(s, "c-2").await);
        let repeated = join_all((0..8).map(|_| async { s.api().report(&same, &opened()).await })).await;
        assert!(repeated.iter().all(|reply| reply.status == 200 && reply.body == repeated[0].body));
        assert_eq!(s.audited("approval.result_reported", &same).await, 1);
        let contradicting = join_all((0..8).map(|number| {
            let report = json!({ "status": "failed", "summary": format!("Attempt {number}") });
            let (api, other) = (s.api(), &other);
            async move { api.report(other, &report).await }
        }))
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = contradicting.iter().partition(|reply| reply.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 7));
        assert!(lost.iter().all(|reply| reply.body["approval"] == won[0].body), "{lost:?}");
        assert_eq!(s.audited("approval.result_reported", &other).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_result_go_with_the_arguments() {
    story(async |s| {
        sqlx::raw_sql(
            "CREATE OR REPLACE FUNCTION newest_droppable() RETURNS timestamptz LANGUAGE sql STABLE
             AS $$ SELECT now() + interval '10 years' $$",
        )
        .execute(&s.service.db)
        .await
        .unwrap();
        let (reported, late) = (approved(s, "c-1").await, approved(s, "c-2").await);
        assert_eq!(s.api().report(&reported, &opened()).await.status, 200);
        s.advance_until_idle(TimeDelta::days(10)).await;
        retention::delete_contents(&s.service, TimeDelta::days(8), || ()).await.unwrap();
        let after = s.api().get(&reported).await.body;
        assert_eq!(after["result"]["status"], "succeeded");
        assert_eq!((&after["result"]["summary"], &after["result"]["url"]), (&Value::Null, &Value::Null));
        assert_eq!(s.api().report(&reported, &opened()).await.status, 200, "the digest tells");
        assert_eq!(s.api().report(&reported, &failed()).await.status, 409);
        let reply = s.api().report(&late, &failed()).await;
        assert_eq!(reply.body["result"]["status"], "failed");
        assert_eq!(reply.body["result"]["summary"], Value::Null, "{reply:?}");
        for sql in [
            "UPDATE approval_results SET status = 'succeeded'",
            "UPDATE approval_results SET summary = 'x'",
            "DELETE FROM approval_results",
        ] {
            assert!(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&s.service.db).await.is_err(), "{sql}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_who_approved_reads_what_came_of_it() {
    story(async |s| {
        s.home(ALICE, |_| true).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.received_webhook(&id).await;
        s.until(&prompt, |message| message.all_text().contains("Approved by")).await;
        assert_eq!(s.api().report(&id, &opened()).await.status, 200);
        let told = s.until(&prompt, |message| message.all_text().contains("Succeeded")).await;
        let lines = ["✓ Succeeded, the agent reports:", "“Opened issue #1208”"];
        for line in lines.into_iter().chain([opened()["url"].as_str().unwrap()]) {
            assert!(told.all_text().lines().any(|told| told == line), "{}", told.all_text());
        }
        assert!(told.text().starts_with("Succeeded: “Opened issue ＃1208”."), "{}", told.text());
        s.pass(TimeDelta::seconds(4));
        s.home_shows(ALICE, |home| home.all_text().contains("“Opened issue #1208”")).await;
        let history = s.answer(ALICE, "history").await.all_text();
        assert!(history.contains("“Opened issue #1208”"), "{history}");
        assert!(s.click(ALICE, &prompt, "Details").await.is_ok());
        let details = s.slack.view(ALICE).unwrap().all_text();
        assert!(details.contains("“Opened issue #1208”"), "{details}");
    })
    .await;
}
