//! Migrations of databases that are filled: rows as the previous version of the program wrote them.

use countersign::{
    domain::{
        catalog::{Lock, UnlockedFor},
        ids::{ApprovalId, BackendId, WorkspaceId},
        ownership::Ownership,
        text::IntegrationKey,
    },
    storage,
    storage::{
        Db, Limits,
        tables::{actions, approvals, integrations},
    },
};
use sandbox::postgres::Postgres;
use sqlx::PgPool;
use uuid::Uuid;

/// The last migration before descriptions became versions.
const BEFORE: i64 = 8;

/// Rows of before: backends 1 and 2, of integrations that were described and used in different ways. Of each the one
/// action is number 100 more.
const FILLED: &str = r"
INSERT INTO workspaces (id, slack_id, name, installed_at) VALUES (id(1), 'T0ACME', 'Acme', now());
INSERT INTO backends (id, workspace_id, name, webhook_url, webhook_secret, created_at)
SELECT id(number), id(1), 'backend ' || number, 'https://example.com/', '', now() FROM generate_series(1, 2) number;
INSERT INTO integrations (id, workspace_id, key, name, created_at)
SELECT id(number), id(1), key, CASE WHEN key = 'named' THEN key ELSE upper(key) END, now()
FROM (VALUES (11, 'owned'), (12, 'both'), (13, 'imported'), (14, 'connected'), (15, 'named'), (16, 'and_imported'))
    AS i (number, key);
INSERT INTO actions (id, integration_id, key, name, description, destructive, unlocked_at, unlocked_by, created_at)
SELECT id(number + 100), id(number), 'act', 'Act', 'Acts.', true,
    CASE WHEN number = 11 THEN now() END, CASE WHEN number = 11 THEN 'U0ADMIN' END, now()
FROM generate_series(11, 16) number;
INSERT INTO audit (workspace_id, at, actor_kind, actor, what, subject)
SELECT id(1), now(), kind, 'bck_' || replace(id(actor)::text, '-', ''), what, subject
FROM (VALUES ('backend', 1, 'integration.put', 'owned'), ('backend', 1, 'integration.put', 'owned'),
    ('backend', 2, 'connection.added', 'U0BOB owned'),
    ('backend', 1, 'integration.put', 'both'), ('backend', 2, 'integration.put', 'both'),
    ('operator', NULL, 'integration.put', 'imported'),
    ('operator', NULL, 'integration.put', 'connected'), ('backend', 2, 'connection.added', 'U0BOB connected'),
    ('operator', NULL, 'integration.put', 'and_imported'), ('backend', 2, 'integration.put', 'and_imported'))
    AS e (kind, actor, what, subject);
INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, conversation_id, action_id, arguments,
    arguments_digest, request_digest, created_at, expires_at, status, decided_by, decided_at)
SELECT id(number), id(1), id(1), 'U0ALICE', 'atlas', 'c-1', id(111), '{}', decode(repeat('00', 32), 'hex'),
    decode(repeat('00', 32), 'hex'), now(), now() + interval '1 hour', status, decided_by, decided_at
FROM (VALUES (21, 'pending', NULL, NULL), (22, 'expired', 'auto', now())) AS p (number, status, decided_by, decided_at);
";

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Statements, which may name ids by numbers.
async fn execute(pool: &PgPool, statements: &'static str) {
    let numbers = "CREATE OR REPLACE FUNCTION pg_temp.id(number int) RETURNS uuid LANGUAGE sql
                   AS $$ SELECT lpad(to_hex(number), 32, '0')::uuid $$;";
    let mut db = pool.acquire().await.unwrap();
    sqlx::raw_sql(numbers).execute(&mut *db).await.unwrap();
    let statements = statements.replace("id(", "pg_temp.id(").replace("_pg_temp.id(", "_id(");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut *db).await.unwrap();
}

/// A database as it was before, filled.
async fn filled() -> (Postgres, String, PgPool, Db) {
    let postgres = Postgres::start().await.unwrap();
    let database = postgres.create_database(None).await.unwrap();
    let pool = PgPool::connect(&database.url).await.unwrap();
    storage::MIGRATIONS.run_to(BEFORE, &pool).await.unwrap();
    execute(&pool, FILLED).await;
    let db = Db::new(&database.url, 2, Limits::SERVE).unwrap();
    (postgres, database.name, pool, db)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_database_gets_versions_and_owners() {
    let (postgres, name, pool, ours) = filled().await;
    storage::MIGRATIONS.run(&pool).await.unwrap();
    let mut db = ours.acquire().await.unwrap();
    let workspace = WorkspaceId::new(id(1));
    let backend = |number| Ownership::Backend(BackendId::new(id(number)));
    for (key, ownership) in [
        ("owned", backend(1)),
        ("both", Ownership::Shared),
        ("imported", Ownership::Shared),
        ("connected", backend(2)),
        ("named", Ownership::Unclaimed),
        ("and_imported", backend(2)),
    ] {
        let key = IntegrationKey::new(key).unwrap();
        let found = integrations::find(&mut db, workspace, &key).await.unwrap().unwrap();
        assert_eq!(found.ownership, ownership, "{key}");
    }
    let all = actions::list(&mut db, workspace).await.unwrap();
    assert_eq!(all.len(), 6);
    for action in &all {
        assert_eq!((action.number, action.version), (1, action.id));
        assert_eq!((&*action.name, action.description.as_deref()), ("Act", Some("Acts.")));
        let lock =
            if action.integration == "owned" { Lock::Unlocked(UnlockedFor::Always) } else { Lock::Locked };
        assert_eq!(action.lock(), lock, "{}", action.integration);
    }
    // What was asked before reads as it did, whether or not it has ended.
    for number in [21, 22] {
        let approval = approvals::find(&mut db, ApprovalId::new(id(number))).await.unwrap().unwrap();
        let action = approval.request.action;
        assert_eq!((&*action.integration_name, &*action.action_name), ("OWNED", "Act"));
        assert_eq!(action.version.uuid(), action.id.uuid());
    }
    drop(db);
    ours.close().await;
    pool.close().await;
    postgres.drop_database(&name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_version_of_the_program_goes_on_writing() {
    let (postgres, name, pool, ours) = filled().await;
    storage::MIGRATIONS.run(&pool).await.unwrap();
    execute(
        &pool,
        "INSERT INTO actions (id, integration_id, key, name, created_at) VALUES (id(31), id(11), 'new', 'New', now());
         INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, conversation_id, action_id, arguments,
             arguments_digest, request_digest, created_at, expires_at, status)
         SELECT id(32), workspace_id, backend_id, user_id, agent_id, conversation_id, id(31), arguments,
             arguments_digest, request_digest, created_at, expires_at, status FROM approvals WHERE id = id(21);",
    )
    .await;
    let mut db = ours.acquire().await.unwrap();
    let named: Option<Uuid> = sqlx::query_scalar("SELECT action_version_id FROM approvals WHERE id = $1")
        .bind(id(32))
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(named, Some(id(31)));
    let approval = approvals::find(&mut db, ApprovalId::new(id(32))).await.unwrap().unwrap();
    let action = approval.request.action;
    assert_eq!((&*action.integration_name, &*action.action_name), ("OWNED", "New"));
    drop(db);
    ours.close().await;
    pool.close().await;
    postgres.drop_database(&name).await.unwrap();
}
