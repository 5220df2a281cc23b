//! A network that swallows what is sent to Postgres, without a word to either side.

use std::time::Duration;

use chrono::TimeDelta;
use countersign::storage::Limits;

use crate::{
    story::{ALICE, PROMPTLY, TestApp, eventually, story},
    wire::Wire,
};

const ACTION: &str = "github.create_issue";
/// How many statements wait for a lock.
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// The answer of `/readyz`.
pub async fn readiness(s: &TestApp) -> (u16, String) {
    let answer = reqwest::get(format!("{}/readyz", s.url())).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Waits until `/readyz` is 503 and says this.
pub async fn not_ready(s: &TestApp, why: &str) {
    eventually(why, async || {
        let (status, said) = readiness(s).await;
        (status == 503 && said.contains(why)).then_some(())
    })
    .await;
}

/// Waits until `/readyz` is 200.
pub async fn ready(s: &TestApp) {
    eventually("readiness", async || (readiness(s).await.0 == 200).then_some(())).await;
}

/// Restarts the test's service with a wire between it and Postgres.
async fn wired(s: &mut TestApp) -> Wire {
    let (wire, url) = Wire::to_postgres(s).await;
    s.config.database.database_url = url.into();
    s.config.database.limits =
        Limits { statement: Duration::from_secs(8), lock: Duration::from_secs(8), ..Limits::SERVE };
    s.restart().await;
    wire
}

/// Waits until so many statements wait for a lock.
async fn waiting(s: &TestApp, least: i64) {
    eventually("statements that wait", async || {
        let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(&s.service.db).await.unwrap();
        (waiting >= least).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_database_is_an_error_in_time_and_stops_no_loop() {
    story(async |s| {
        s.config.database_connections = 20;
        let wire = wired(s).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        let forgotten = s.ask(&s.call(ACTION, "c-2")).await.id().to_owned();
        s.settled().await;
        // It falls silent in the middle of statements: those of every loop that looks for work, and of a crowd of requests.
        let mut locked = s.service.db.begin().await.unwrap();
        let lock = "LOCK TABLE outbox, approvals IN ACCESS EXCLUSIVE MODE";
        sqlx::query(lock).execute(&mut *locked).await.unwrap();
        // Expiry, and the outbox of each kind.
        waiting(s, 6).await;
        // Requests for approvals share a few connections; each of the others needs one.
        let calls = (0..40).map(|number| {
            let (api, ask, id) = (s.api(), s.call(ACTION, &format!("crowd-{number}")), id.clone());
            tokio::spawn(
                async move { if number % 2 == 0 { api.ask(&ask).await } else { api.get(&id).await } },
            )
        });
        let calls: Vec<_> = calls.collect();
        waiting(s, 18).await;
        wire.cut();
        locked.rollback().await.unwrap();
        for answer in tokio::time::timeout(PROMPTLY, futures::future::join_all(calls)).await.unwrap() {
            let answer = answer.unwrap();
            assert!(matches!(answer.status, 200 | 201 | 503), "{answer:?}");
            assert!(answer.status != 503 || answer.headers.contains_key("retry-after"), "{answer:?}");
        }
        not_ready(s, "the database can't be reached").await;
        assert!(!s.click(ALICE, &prompt, "Approve").await.is_ok(), "Slack shows that it did not work");
        s.ephemeral_reply(ALICE, &prompt.channel, "Something went wrong").await;

        wire.mend();
        ready(s).await;
        // More at once than there are connections: none is still held by what was silent.
        let asks = (0..40).map(|number| {
            let (api, ask) = (s.api(), s.call(ACTION, &format!("again-{number}")));
            async move { api.ask(&ask).await.status }
        });
        assert!(futures::future::join_all(asks).await.iter().all(|status| *status == 201));
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        s.advance_until_idle(TimeDelta::minutes(31)).await;
        assert_eq!(s.received_webhook(&forgotten).await.kind, "approval.expired");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_too_long_is_given_up_by_postgres_too() {
    story(async |s| {
        s.config.database.limits = Limits { statement: Duration::from_secs(2), ..Limits::SERVE };
        s.restart().await;
        let (id, _) = s.prompt(&s.call(ACTION, "c-1")).await;
        let mut tx = s.service.db.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM approvals FOR UPDATE").execute(&mut *tx).await.unwrap();
        let answer = s.api().cancel(&id).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        eventually("no statement is left behind", async || {
            let left: i64 = sqlx::query_scalar(WAITING).fetch_one(&s.service.db).await.unwrap();
            (left == 0).then_some(())
        })
        .await;
        tx.rollback().await.unwrap();
        assert_eq!(s.api().cancel(&id).await.status, 200);
    })
    .await;
}
