//! A database that answers, and takes no writes.

use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::{
    api::problem,
    silence::{not_ready, ready},
    story::{ALICE, TestApp, story},
};

const ACTION: &str = "github.create_issue";

/// Runs statements on a connection of their own, which may write whatever the database says.
async fn as_operator(s: &TestApp, statements: &str) {
    let url = s.config.database.database_url.expose_secret();
    let mut db = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("SET default_transaction_read_only = off").execute(&mut db).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

/// Has the database be read-only, or writable again, for all connections.
async fn set_read_only(s: &TestApp, setting: &str) {
    let url = url::Url::parse(s.config.database.database_url.expose_secret()).unwrap();
    let name = url.path().trim_start_matches('/');
    as_operator(
        s,
        &format!(
            "ALTER DATABASE \"{name}\" SET default_transaction_read_only = {setting};
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ),
    )
    .await;
}

/// What people and backends meet while nothing can be written, and afterwards.
pub async fn refused_until(s: &mut TestApp, why: &str, works_again: impl AsyncFnOnce(&TestApp)) {
    let answer = s.api().ask(&s.call(ACTION, "c-2")).await;
    assert_eq!((answer.status, problem(&answer)), (503, "unavailable"), "{answer:?}");
    assert_eq!(answer.headers["retry-after"], "5", "{answer:?}");
    not_ready(s, why).await;
    let (id, prompt) =
        (s.api().list(&[]).await.data()[0]["id"].clone(), s.slack.direct_messages(ALICE)[0].clone());
    assert!(!s.click(ALICE, &prompt, "Approve").await.is_ok(), "Slack shows that it did not work");
    s.ephemeral_reply(ALICE, &prompt.channel, "Something went wrong").await;
    works_again(s).await;
    ready(s).await;
    assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
    assert_eq!(s.received_webhook(id.as_str().unwrap()).await.kind, "approval.approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_is_unavailable_and_not_ready() {
    story(async |s| {
        s.prompt(&s.call(ACTION, "c-1")).await;
        s.settled().await;
        set_read_only(s, "on").await;
        refused_until(s, "the database is read-only", async |s| set_read_only(s, "off").await).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_unavailable_and_not_ready() {
    story(async |s| {
        s.prompt(&s.call(ACTION, "c-1")).await;
        s.settled().await;
        let tables = ["approvals", "audit", "outbox", "write_probes"];
        let triggers: String = tables
            .map(|table| {
                format!("CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION full_disk();")
            })
            .concat();
        as_operator(
            s,
            &format!(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
                 END $$; {triggers}"
            ),
        )
        .await;
        refused_until(s, "the database has no room left", async |s| {
            as_operator(s, "DROP FUNCTION full_disk CASCADE").await;
        })
        .await;
    })
    .await;
}
