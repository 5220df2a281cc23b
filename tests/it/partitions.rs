//! Partitions: made ahead of need, dropped after the retention time, and what happens where one is missing.

use chrono::{DateTime, TimeDelta, Utc};
use countersign::{
    domain::retention::Retention,
    service::{partitions, service_role},
};
use secrecy::ExposeSecret as _;
use sqlx::AssertSqlSafe;

use crate::{
    api::problem,
    sealing::seal,
    silence::ready,
    story::{ALICE, TestApp, eventually, story, story_with_own_server},
    unwritable::refused_until,
};

const ACTION: &str = "github.create_issue";
const TABLES: [&str; 14] = [
    "approvals",
    "approval_results",
    "details_opened",
    "permits",
    "permit_refusals",
    "callbacks",
    "prompts",
    "prompt_messages",
    "approver_messages",
    "approver_answers",
    "asked_approvers",
    "outbox",
    "attempts",
    "audit",
];

async fn run(s: &TestApp, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&s.service.db).await.unwrap();
}

/// Where the first partition of a table ends.
async fn end_of_first(s: &TestApp, table: &str) -> String {
    sqlx::query_scalar("SELECT upper FROM partitions WHERE parent = $1 AND lower IS NULL")
        .bind(table)
        .fetch_one(&s.service.db)
        .await
        .unwrap()
}

async fn detach(s: &TestApp, table: &str) {
    run(s, format!("ALTER TABLE {table} DETACH PARTITION {table}_first")).await;
}

async fn attach(s: &TestApp, table: &str, upper: &str) {
    let range = format!("FOR VALUES FROM (MINVALUE) TO ('{upper}')");
    run(s, format!("ALTER TABLE {table} ATTACH PARTITION {table}_first {range}")).await;
}

/// The names of a table's partitions.
async fn names(s: &TestApp, table: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT name FROM partitions WHERE parent = $1 ORDER BY upper")
        .bind(table)
        .fetch_all(&s.service.db)
        .await
        .unwrap()
}

/// Lets the database drop old partitions by the test's clock, which is ahead of its own.
async fn follow_the_clock(s: &TestApp) {
    let function = "CREATE OR REPLACE FUNCTION newest_droppable() RETURNS timestamptz LANGUAGE sql STABLE
                    AS $$ SELECT now() + interval '10 years' $$";
    run(s, function.to_owned()).await;
}

/// Moves the clock, a few weeks at a time, to this long after the end of the first partitions.
async fn advance_beyond_first(s: &TestApp, by: TimeDelta) {
    let end: DateTime<Utc> = sqlx::query_scalar(
        "SELECT to_timestamp(('x' || left(replace(upper, '-', ''), 12))::bit(48)::bigint / 1000.0) FROM partitions
         WHERE parent = 'approvals' AND lower IS NULL",
    )
    .fetch_one(&s.service.db)
    .await
    .unwrap();
    while s.now() < end + by {
        s.advance_until_idle(TimeDelta::days(20)).await;
        // The job may be making some for an earlier time, and then this does nothing.
        while lacking(s, s.now() + TimeDelta::days(59)).await > 0 {
            partitions::make(&s.service).await.unwrap();
        }
    }
}

/// How many tables have no partition for this time.
async fn lacking(s: &TestApp, at: DateTime<Utc>) -> i64 {
    let missing = "SELECT count(*) FROM missing_partitions($1)";
    sqlx::query_scalar(missing).bind(at).fetch_one(&s.service.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_without_a_partition() {
    story(async |s| {
        s.prompt(&s.call(ACTION, "c-1")).await;
        s.settled().await;
        let upper = end_of_first(s, "outbox").await;
        detach(s, "outbox").await;
        let why = "the tables have no partition for the present: outbox";
        refused_until(s, why, async |s| attach(s, "outbox", &upper).await).await;
        s.settled().await;
        for table in ["approvals", "audit"] {
            let upper = end_of_first(s, table).await;
            detach(s, table).await;
            let answer = s.api().ask(&s.call(ACTION, "c-2")).await;
            assert_eq!((answer.status, problem(&answer)), (503, "unavailable"), "{table}: {answer:?}");
            assert_eq!(answer.headers["retry-after"], "5");
            attach(s, table, &upper).await;
            ready(s).await;
        }
        let metrics = reqwest::get(format!("{}/metrics", s.url())).await.unwrap().text().await.unwrap();
        assert!(metrics.contains("countersign_rows_without_partition_total"), "{metrics}");
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_made_as_time_passes() {
    story(async |s| {
        for _ in 0..10 {
            s.advance_until_idle(TimeDelta::days(20)).await;
            let in_two_months = s.now() + TimeDelta::days(59);
            eventually("a partition for every table", async || {
                // The job may have begun its pause after the clock was moved.
                s.clock.advance(TimeDelta::minutes(5));
                (lacking(s, in_two_months).await == 0).then_some(())
            })
            .await;
            s.ask(&s.call(ACTION, "c-1")).await;
        }
        assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "pending");
        // The audit goes on in another block each month.
        let blocks: i64 = sqlx::query_scalar("SELECT count(DISTINCT id / audit_block()) FROM audit")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        assert!(blocks >= 2, "{blocks}");
        for table in TABLES {
            assert!(names(s, table).await.len() >= 3, "{table}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_partitions_are_dropped_once_nothing_in_them_waits() {
    story(async |s| {
        follow_the_clock(s).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        run(s, "UPDATE backends SET webhook_stopped_at = now(), webhook_stopped_why = 'gone'".to_owned())
            .await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        let result = serde_json::json!({ "status": "succeeded" });
        assert_eq!(s.api().report(&id, &result).await.status, 200);
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        advance_beyond_first(s, TimeDelta::days(31)).await;
        let month = Some(TimeDelta::days(30));
        let kept = Retention { records: month, audit: month, ..Retention::default() };
        // Entries that are not sealed stay.
        run(s, "UPDATE audit_log SET txid = '3', entry = 0".to_owned()).await;
        assert_eq!(partitions::drop_old(&s.service, kept).await.unwrap(), [""; 0]);
        run(s, "DELETE FROM audit_log; SET session_replication_role = replica; DELETE FROM audit_leaves; RESET session_replication_role".to_owned()).await;
        seal(s).await;
        // The webhook waits, and shows its approval once it is sent.
        let dropped = partitions::drop_old(&s.service, kept).await.unwrap();
        assert_eq!(dropped, ["audit_first"]);
        assert_eq!(s.api().get(&id).await.status, 200);
        run(s, "UPDATE backends SET webhook_stopped_at = NULL, webhook_stopped_why = NULL".to_owned()).await;
        s.advance_until_idle(TimeDelta::minutes(1)).await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        s.settled().await;
        let dropped = partitions::drop_old(&s.service, kept).await.unwrap();
        assert_eq!(
            dropped,
            [
                "attempts_first",
                "outbox_first",
                "prompts_first",
                "prompt_messages_first",
                "approver_messages_first",
                "approver_answers_first",
                "asked_approvers_first",
                "details_opened_first",
                "permit_refusals_first",
                "permits_first",
                "approval_results_first",
                "approvals_first"
            ]
        );
        assert_eq!(s.api().get(&id).await.status, 404);
        let entries: Vec<String> =
            sqlx::query_scalar("SELECT subject FROM audit WHERE what = 'records.dropped' ORDER BY id")
                .fetch_all(&s.service.db)
                .await
                .unwrap();
        assert_eq!(entries[0], "audit_first");
        assert_eq!(entries[1..], dropped);
        // What is young stays, and asking goes on.
        assert_eq!(partitions::drop_old(&s.service, kept).await.unwrap(), Vec::<String>::new());
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_drops_nothing_young_whatever_it_is_told() {
    story(async |s| {
        for call in [
            "drop_oldest_partition('approvals', now() - interval '29 days')",
            "drop_oldest_audit_block(now() - interval '29 days')",
            "drop_oldest_partition('grants', now() - interval '90 days')",
        ] {
            let sql = format!("SELECT {call}");
            assert!(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&s.service.db).await.is_err(), "{call}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_partition_refuses_to_change_what_never_changes() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.received_webhook(&id).await;
        let mut refused =
            vec!["UPDATE approvals_first SET reason = 'x' WHERE status <> 'pending'".to_owned()];
        for name in names(s, "audit").await {
            refused.push(format!("TRUNCATE {name}"));
        }
        refused.push("TRUNCATE audit".to_owned());
        refused.push("DELETE FROM audit_first".to_owned());
        refused.push("UPDATE audit_first SET what = 'x'".to_owned());
        for sql in refused {
            let error = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&s.service.db).await.unwrap_err();
            assert!(error.to_string().contains("these rows never change"), "{sql}: {error}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_its_own_serves_and_can_change_neither_schema_nor_audit() {
    story_with_own_server(async |s| {
        assert!(service_role::grant(&s.service, "serving", false).await.unwrap());
        assert!(!service_role::grant(&s.service, "serving", false).await.unwrap());
        run(s, "ALTER ROLE serving LOGIN PASSWORD 'serving'".to_owned()).await;
        let mut url = url::Url::parse(s.config.database.database_url.expose_secret()).unwrap();
        url.set_username("serving").unwrap();
        url.set_password(Some("serving")).unwrap();
        s.config.database.database_url = url.to_string().into();
        s.restart().await;
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, "Auto-approve always").await;
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "approved");
        s.home(ALICE, |home| home.all_text().contains("Create issue")).await;
        let db =
            countersign::storage::Db::new(url.as_str(), 1, countersign::storage::Limits::COMMAND).unwrap();
        for sql in [
            "SELECT make_partitions(now() + interval '40 days')",
            "SELECT begin_audit_block(now())",
            "SELECT drop_oldest_partition('outbox', now() - interval '31 days')",
            "SELECT begin_audit_era(now())",
        ] {
            sqlx::raw_sql(sql).execute(&db).await.unwrap();
        }
        for sql in [
            "UPDATE audit SET what = 'x'",
            "DELETE FROM audit",
            "DELETE FROM audit_first",
            "TRUNCATE audit",
            "INSERT INTO audit_first SELECT * FROM audit",
            "DROP TABLE approvals_first",
            "DELETE FROM approvals",
            "UPDATE action_versions SET name = 'x'",
            "CREATE TABLE mine (id int)",
            "CREATE FUNCTION newest_droppable() RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() $$",
            "SELECT drop_oldest_audit_block(now() - interval '31 days')",
        ] {
            let error = sqlx::raw_sql(sql).execute(&db).await.unwrap_err();
            let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
            assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error}");
        }
        service_role::grant(&s.service, "serving", true).await.unwrap();
        let allowed = "SELECT drop_oldest_audit_block(now() - interval '31 days')";
        sqlx::raw_sql(allowed).execute(&db).await.unwrap();
        db.close().await;
        assert!(service_role::grant(&s.service, "postgres", false).await.is_err(), "it owns the tables");
        s.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_index_of_a_partitioned_table_names_its_reader() {
    story(async |s| {
        let silent: Vec<String> = sqlx::query_scalar(
            "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
             WHERE t.relkind = 'p' AND obj_description(i.indexrelid, 'pg_class') IS NULL",
        )
        .fetch_all(&s.service.db)
        .await
        .unwrap();
        assert_eq!(silent, Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_deleted_after_their_time_and_it_is_said() {
    story(async |s| {
        follow_the_clock(s).await;
        let mut ask = s.call(ACTION, "c-1");
        ask.reason = Some("Because".to_owned());
        let (id, prompt) = s.prompt(&ask).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        s.received_webhook(&id).await;
        let before = s.api().get(&id).await.body;
        s.advance_until_idle(TimeDelta::days(5)).await;
        // Asked within the time for which arguments are kept.
        let young = s.ask(&s.call(ACTION, "c-2")).await.id().to_owned();
        s.advance_until_idle(TimeDelta::days(5)).await;
        countersign::service::retention::delete_contents(&s.service, TimeDelta::days(8), || ()).await.unwrap();
        let after = s.api().get(&id).await.body;
        assert_eq!(after["arguments"], serde_json::json!({}));
        assert_eq!((&after["reason"], &after["metadata"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        assert_eq!(after["arguments_digest"], before["arguments_digest"]);
        assert_eq!(after["decision"], before["decision"]);
        assert!(after["contents_deleted_at"].is_string() && before["contents_deleted_at"].is_null());
        assert!(s.click(ALICE, &prompt, "Details").await.is_ok());
        let details = s.slack.view(ALICE).unwrap().all_text();
        assert!(details.contains("Arguments deleted") && details.contains("were deleted when their retention period ended"), "{details}");
        let young = s.api().get(&young).await.body;
        assert!(young["arguments"]["title"].is_string() && young["contents_deleted_at"].is_null(), "{young}");
        // Only that changes, and once.
        for sql in [
            "UPDATE approvals SET contents_deleted_at = now(), arguments = '{}', reason = NULL, metadata = NULL",
            "UPDATE approvals SET contents_deleted_at = NULL",
        ] {
            let sql = format!("{sql} WHERE status = 'approved'");
            assert!(sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&s.service.db).await.is_err(), "{sql}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_counts_until_a_day_after_its_approval_ended() {
    story(async |s| {
        let short = s.call(ACTION, "c-1").expiring_in(60);
        let long = s.call(ACTION, "c-2").expiring_in(7 * 24 * 3600);
        let first = s.api().ask_once(&short, "short").await.id().to_owned();
        let pending = s.api().ask_once(&long, "long").await.id().to_owned();
        s.advance_until_idle(TimeDelta::seconds(61)).await;
        s.received_webhook(&first).await;
        for (hours, is_kept) in [(23, true), (2, false)] {
            s.advance_until_idle(TimeDelta::hours(hours)).await;
            countersign::service::retention::delete_old(&s.service, || ()).await.unwrap();
            let again = s.api().ask_once(&short, "short").await;
            assert_eq!(again.id() == first, is_kept, "{again:?}");
        }
        assert_eq!(s.api().ask_once(&long, "long").await.id(), pending);
    })
    .await;
}
