//! Instances of version 0.1.0 beside present ones. The earlier version renders one request, and would do so over a message
//! that several share.

use countersign::{domain::ids::ApprovalId, service::shared_prompts, storage::tables::approvals};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::{
    narrowing,
    several::{ask_numbered, catch_up},
    story::{ALICE, TestApp, story},
    upgrade_under_load::STATEMENTS,
};

fn uuid(id: &str) -> Uuid {
    id.parse::<ApprovalId>().unwrap().uuid()
}

/// A connection of the earlier version, with its statements prepared, in a transaction that no one else sees.
async fn earlier(s: &TestApp) -> PgConnection {
    let mut db = PgConnection::connect(s.database_url()).await.unwrap();
    db.execute(sqlx::raw_sql(STATEMENTS)).await.unwrap();
    db.execute("BEGIN").await.unwrap();
    db
}

/// The approvals whose rows the earlier version claims.
async fn claimed(s: &TestApp, db: &mut PgConnection) -> Vec<Uuid> {
    let now = s.now().to_rfc3339();
    let claim = format!(
        "EXECUTE claim('{}', '{now}'::timestamptz + interval '1 minute', 'prompt', '{now}', 100, false)",
        Uuid::from_u128(1)
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(claim)).fetch_all(db).await.unwrap();
    let mut claimed: Vec<Uuid> = rows.iter().map(|row| row.get("approval_id")).collect();
    claimed.sort();
    claimed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_version_renders_nothing_over_a_shared_message() {
    story(async |s| {
        s.put("github").await;
        let ids = ask_numbered(s, 5).await;
        catch_up(s).await;
        s.stop().await;
        let mut db = earlier(s).await;
        // As the earlier version has prompts rendered again, of an action that was unlocked for example.
        let list = |texts: Vec<String>| format!("ARRAY['{}']", texts.join("','"));
        let rows = list(ids.iter().map(|_| s.service.new_id().to_string()).collect());
        let approvals = list(ids.iter().map(|id| uuid(id).to_string()).collect());
        let queues = list(ids.iter().map(|id| format!("prompt:{}", uuid(id))).collect());
        let now = s.now().to_rfc3339();
        let workspace: Uuid = sqlx::query_scalar("SELECT workspace_id FROM approvals LIMIT 1")
            .fetch_one(&s.service.db)
            .await
            .unwrap();
        let statement = format!(
            "EXECUTE statement_7('{workspace}', '{now}', {rows}::uuid[], {approvals}::uuid[], {queues})"
        );
        db.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
        assert_eq!(
            claimed(s, &mut db).await,
            [uuid(&ids[0]), uuid(&ids[1])],
            "those with messages of their own"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_get_a_shared_message_are_left_by_an_earlier_version() {
    story(async |s| {
        s.put("github").await;
        let ids = ask_numbered(s, 5).await;
        catch_up(s).await;
        s.stop().await;
        // As after five asks of which no instance has rendered any.
        for statement in [
            "DELETE FROM prompts",
            "DELETE FROM prompt_messages",
            "DELETE FROM outbox WHERE kind IN ('prompt', 'shared_prompt')",
            "INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, created_at, due_at)
             SELECT id, 'prompt', workspace_id, 'prompt:' || id, id, created_at, created_at FROM approvals",
        ] {
            sqlx::query(statement).execute(&s.service.db).await.unwrap();
        }
        let mut db = earlier(s).await;
        assert_eq!(claimed(s, &mut db).await.len(), 5);
        db.execute("ROLLBACK; BEGIN").await.unwrap();
        let mut own = s.service.db.acquire().await.unwrap();
        let approval = approvals::find(&mut own, ids[4].parse().unwrap()).await.unwrap().unwrap();
        drop(own);
        shared_prompts::message_of(&s.service, &approval).await.unwrap();
        assert_eq!(claimed(s, &mut db).await, [uuid(&ids[0]), uuid(&ids[1])]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_version_asks_the_person_where_a_grant_is_narrowed() {
    story(async |s| {
        s.open("github.create_issue").await;
        narrowing::narrow(s, "c-1", narrowing::uses(10)).await.unwrap();
        let key: Uuid = sqlx::query_scalar("SELECT id FROM api_keys").fetch_one(&s.service.db).await.unwrap();
        let mut db = earlier(s).await;
        let grant = async |db: &mut PgConnection| {
            let since = (s.now() - chrono::TimeDelta::days(30)).to_rfc3339();
            let ask = format!(
                "EXECUTE load_ask('{key}', 'k', 'github', 'create_issue', '{ALICE}', 'c-1', '{since}', 10)"
            );
            let row = sqlx::raw_sql(AssertSqlSafe(ask)).fetch_one(db).await.unwrap();
            row.get::<Option<Uuid>, _>("grant_id?")
        };
        assert_eq!(grant(&mut db).await, None);
        // The same grant without limits is found.
        db.execute("UPDATE grants SET scope = 'always', max_uses = NULL, uses_left = NULL").await.unwrap();
        assert!(grant(&mut db).await.is_some());
    })
    .await;
}
