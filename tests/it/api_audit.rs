//! `GET /v1/audit`: everything, in order, once.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{
    service::audit_era,
    storage::{Db, Limits, read_models::audit_horizon},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::{
    modes::http_story as story,
    story::{ALICE, TestApp, eventually},
};

const ACTION: &str = "github.create_issue";

/// All entries from a position on, as a backend that keeps a copy reads them; and where it goes on the next time.
async fn read_on(s: &TestApp, cursor: &mut Option<String>) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let mut query = vec![("limit", "3")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let reply = s.api().audit(&query).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let more = reply.next_cursor().is_some();
        all.extend_from_slice(reply.data());
        if let Some(last) = reply.data().last() {
            *cursor = Some(last["cursor"].as_str().unwrap().to_owned());
        }
        if !more {
            return all;
        }
    }
}

/// The audit once it holds nothing back: transactions on the same database may still run.
async fn whole(s: &TestApp, last: &str) -> Vec<Value> {
    eventually("the audit's last entry", async || {
        let all = read_on(s, &mut None).await;
        all.last().is_some_and(|entry| entry["what"] == last).then_some(all)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_what_from_where_is_told_oldest_first_without_argument_values() {
    story(async |s| {
        s.open(ACTION).await;
        let mut ask = s.call(ACTION, "c-1");
        ask.arguments = json!({ "title": "a most secret title" });
        let (id, prompt) = s.prompt(&ask).await;
        s.click(ALICE, &prompt, "Approve").await;
        let all = whole(s, "approval.approved").await;
        let whats: Vec<&str> = all.iter().map(|entry| entry["what"].as_str().unwrap()).collect();
        let expected = [
            "backend.created",
            "integration.put",
            "action.unlocked",
            "connection.added",
            "approval.requested",
            "approval.approved",
        ];
        assert_eq!(whats, expected);
        let decided = all.last().unwrap();
        assert_eq!(decided["approval"], id.as_str());
        assert_eq!(decided["actor"], json!({ "kind": "user", "id": ALICE }));
        let change = (&decided["before"], &decided["after"]);
        assert_eq!(
            change,
            (&json!({ "status": "pending" }), &json!({ "by": "user", "scope": "once", "user": ALICE }))
        );
        let from: Vec<&Value> = all.iter().map(|entry| &entry["from"]).collect();
        assert_eq!(from, ["command_line", "api", "command_line", "api", "api", "slack"]);
        let version = all[2]["after"]["version"].clone();
        assert!(version.as_str().unwrap().starts_with("ver_"));
        assert_eq!(
            (&all[2]["before"], &all[2]["after"]),
            (&json!({"unlocked": false}), &json!({"unlocked": true, "for": "always", "version": version}))
        );
        // Every backend of the workspace reads this; a webhook's path may be a secret.
        let origin = s.backend.webhook_url().replace("/webhook", "");
        assert_eq!(all[0]["after"]["webhook_origin"], origin);
        let whole = Value::from(all).to_string();
        assert!(!whole.contains("secret title") && !whole.contains("/webhook"), "{whole}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_the_same_entries_and_go_on_from_any_of_them() {
    story(async |s| {
        s.open(ACTION).await;
        let pages = whole(s, "connection.added").await;
        let lines = s.api().audit_lines(&[]).await;
        assert_eq!(lines.headers["content-type"], "application/x-ndjson");
        assert_eq!(lines.lines(), pages);
        let cursor = pages[1]["cursor"].as_str().unwrap();
        assert_eq!(s.api().audit_lines(&[("cursor", cursor), ("limit", "1")]).await.lines(), pages[2..3]);
        assert_eq!(s.api().audit(&[("cursor", "nonsense")]).await.status, 422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_skipped_while_a_long_transaction_writes() {
    story(async |s| {
        let insert = "INSERT INTO audit (workspace_id, at, actor_kind, what, subject)
                      VALUES ($1, $2, 'operator', 'backend.created', $3)";
        let write = async |db: &mut countersign::storage::PgConnection, subject: &str| {
            let query = sqlx::query(insert).bind(s.workspace.uuid()).bind(s.now()).bind(subject);
            query.execute(db).await.unwrap();
        };
        let mut seen = whole(s, "backend.created").await;
        let mut cursor = Some(seen[0]["cursor"].as_str().unwrap().to_owned());
        // The slow transaction begins first and commits last, after the quick ones.
        let mut slow = s.service.db.begin().await.unwrap();
        write(&mut slow, "slow 1").await;
        for number in 0..5 {
            let mut quick = s.service.db.begin().await.unwrap();
            write(&mut quick, &format!("quick {number}")).await;
            quick.commit().await.unwrap();
            seen.extend(read_on(s, &mut cursor).await);
        }
        assert_eq!(seen.len(), 1, "what is written beside the slow one is held back: {seen:?}");
        write(&mut slow, "slow 2").await;
        slow.commit().await.unwrap();
        let mut after = s.service.db.begin().await.unwrap();
        write(&mut after, "after").await;
        after.commit().await.unwrap();
        let subjects = eventually("every entry", async || {
            let mut all = seen.clone();
            all.extend(read_on(s, &mut cursor.clone()).await);
            let subjects: Vec<String> =
                all.iter().map(|entry| entry["subject"].as_str().unwrap().to_owned()).collect();
            subjects.last().is_some_and(|last| last == "after").then_some(subjects)
        })
        .await;
        let expected =
            ["agents", "slow 1", "slow 2", "quick 0", "quick 1", "quick 2", "quick 3", "quick 4", "after"];
        assert_eq!(subjects, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_beside_many_writers_gets_every_entry_once() {
    story(async |s| {
        let writers = (0..8).map(|writer| {
            let api = s.api();
            let asks: Vec<_> =
                (0..10).map(|number| s.call(ACTION, &format!("c-{writer}-{number}"))).collect();
            tokio::spawn(async move {
                for ask in asks {
                    assert_eq!(api.ask(&ask).await.status, 201);
                }
            })
        });
        let writing = futures::future::join_all(writers.collect::<Vec<_>>());
        let (mut cursor, mut seen) = (None, Vec::new());
        let mut writing = std::pin::pin!(writing);
        loop {
            tokio::select! {
                done = &mut writing => {
                    for writer in done {
                        writer.unwrap();
                    }
                    break;
                }
                entries = read_on(s, &mut cursor) => seen.extend(entries),
            }
            // A page that was broken off above was not taken: what counts is what the cursor passed.
        }
        let requested = eventually("all requests", async || {
            let mut all = read_on(s, &mut None).await;
            all.retain(|entry| entry["what"] == "approval.requested");
            (all.len() == 80).then_some(all)
        })
        .await;
        let whole: HashSet<&str> = requested.iter().map(|entry| entry["cursor"].as_str().unwrap()).collect();
        assert_eq!(whole.len(), 80);
        // Read on from where the reader beside the writers was: together they are the whole, nothing twice.
        let before: Vec<&Value> = seen.iter().filter(|entry| entry["what"] == "approval.requested").collect();
        let mut resumed = None;
        if let Some(last) = seen.last() {
            resumed = Some(last["cursor"].as_str().unwrap().to_owned());
        }
        let rest = read_on(s, &mut resumed).await;
        let after: Vec<&Value> = rest.iter().filter(|entry| entry["what"] == "approval.requested").collect();
        let together: Vec<&str> =
            before.iter().chain(&after).map(|entry| entry["cursor"].as_str().unwrap()).collect();
        assert_eq!(together.len(), 80);
        assert_eq!(together.into_iter().collect::<HashSet<_>>(), whole);
    })
    .await;
}

/// Writes an entry as a dump does that comes from another server: with the number that its transaction had there.
async fn restore(s: &TestApp, subject: &str, txid: &str) {
    let insert = "INSERT INTO audit (workspace_id, at, actor_kind, what, subject, txid)
                  VALUES ($1, $2, 'operator', 'backend.created', $3, $4::xid8)";
    let query = sqlx::query(insert).bind(s.workspace.uuid()).bind(s.now()).bind(subject).bind(txid);
    query.execute(&s.service.db).await.unwrap();
}

async fn subjects(s: &TestApp, cursor: Option<&str>) -> Vec<String> {
    let entries = read_on(s, &mut cursor.map(ToOwned::to_owned)).await;
    entries.iter().map(|entry| entry["subject"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_before_this_one_wrote_is_told_first_and_readers_go_on_behind_it() {
    story(async |s| {
        let before = whole(s, "backend.created").await;
        let cursor = before[0]["cursor"].as_str().unwrap();
        restore(s, "restored", "900000000000").await;
        restore(s, "restored last", "900000000001").await;
        assert_eq!(audit_era::follow(&s.service, false).await.unwrap(), Some(1));
        assert_eq!(subjects(s, Some(cursor)).await, ["restored", "restored last"]);
        s.put("github").await;
        let all = eventually("what is written on this server", async || {
            let all = read_on(s, &mut None).await;
            (all.len() == 4).then_some(all)
        })
        .await;
        assert_eq!(all[3]["what"], "integration.put");
        // A reader that had read beyond the restored entries misses nothing either. Its cursor predates the eras.
        let further = URL_SAFE_NO_PAD.encode("900000000777.12");
        assert_eq!(subjects(s, Some(&further)).await, ["github"]);
        let last = all[2]["cursor"].as_str().unwrap();
        assert_eq!(subjects(s, Some(last)).await, ["github"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_era_begins_only_where_the_database_was_restored() {
    story(async |s| {
        whole(s, "backend.created").await;
        for _ in 0..2 {
            assert_eq!(audit_era::follow(&s.service, false).await.unwrap(), None);
        }
        // Said so, though the numbers don't show it: back to an older state on the same server.
        for era in 1..=2 {
            assert_eq!(audit_era::follow(&s.service, true).await.unwrap(), Some(era));
            assert_eq!(audit_era::follow(&s.service, false).await.unwrap(), None);
        }
        s.put("github").await;
        let all = whole(s, "integration.put").await;
        assert_eq!(all.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_to_change_or_empty_the_audit() {
    story(async |s| {
        for statement in ["UPDATE audit SET what = 'nothing'", "DELETE FROM audit", "TRUNCATE audit"] {
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&s.service.db).await;
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("these rows never change"), "{statement}: {error}");
        }
        assert_eq!(whole(s, "backend.created").await.len(), 1);
    })
    .await;
}

/// Opens a transaction that has a number, in another database of the same server.
async fn open_elsewhere(s: &TestApp) -> (sqlx::PgConnection, u64) {
    let mut db = sqlx::PgConnection::connect(&s.postgres().url("postgres")).await.unwrap();
    sqlx::raw_sql("BEGIN").execute(&mut db).await.unwrap();
    let number: String =
        sqlx::query_scalar("SELECT pg_current_xact_id()::text").fetch_one(&mut db).await.unwrap();
    (db, number.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_in_another_database_holds_nothing_back() {
    story(async |s| {
        let (_open, _) = open_elsewhere(s).await;
        s.put("github").await;
        assert_eq!(whole(s, "integration.put").await.len(), 2);
        let mut slow = s.service.db.begin().await.unwrap();
        let number = "SELECT pg_current_xact_id()::text";
        let _: String = sqlx::query_scalar(number).fetch_one(&mut *slow).await.unwrap();
        s.put("slack").await;
        assert_eq!(read_on(s, &mut None).await.len(), 2, "one in this database does");
        slow.rollback().await.unwrap();
        assert_eq!(whole(s, "integration.put").await.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_see_other_sessions_counts_every_database() {
    story(async |s| {
        let (_open, elsewhere) = open_elsewhere(s).await;
        let role = format!("limited_{}", s.url().rsplit_once(':').unwrap().1);
        let create = format!("CREATE ROLE {role} LOGIN PASSWORD 'secret'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&s.service.db).await.unwrap();
        let mut url = url::Url::parse(s.config.database.database_url.expose_secret()).unwrap();
        url.set_username(&role).unwrap();
        url.set_password(Some("secret")).unwrap();
        let limited = Db::new(url.as_str(), 1, Limits::SERVE).unwrap();
        let horizon = async |db: &Db| audit_horizon::read(&mut db.acquire().await.unwrap()).await.unwrap();
        assert!(horizon(&s.service.db).await > elsewhere);
        // The service's own sessions are another user's: what they do is hidden.
        assert!(horizon(&limited).await <= elsewhere);
        let grant = format!("GRANT pg_read_all_stats TO {role}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(grant)).execute(&s.service.db).await.unwrap();
        assert!(horizon(&limited).await > elsewhere);
        limited.close().await;
        let drop = format!("DROP ROLE {role}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&s.service.db).await.unwrap();
    })
    .await;
}
