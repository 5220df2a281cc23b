//! Upgrading while instances of the previous version serve: its statements, prepared on open connections before the
//! migration, go on during and after it. None fails, and none waits long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use countersign::{
    clock::Clock,
    entropy::Entropy,
    storage::{Db, Limits},
};
use sandbox::postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use crate::upgrade::{DUMP, restore, written};

pub const STATEMENTS: &str = include_str!("dumps/0.1.0.statements.sql");
/// What the dump has: a workspace, a backend with an API key, an action that Alice has a live grant for, and an approval.
const WORKSPACE: &str = "01a0c450-6c00-7363-a7bc-246a6180ed93";
const BACKEND: &str = "01a0c450-6c00-7bd2-ba7c-6873c97e24da";
const KEY: &str = "01a0c450-6c00-70a3-9cae-d4823c67e2fe";
const ACTION: &str = "01a0c450-6c00-7773-90f5-57c63f2e7612";
const GRANT: &str = "01a0c452-1d98-73be-b571-35691976c017";
const APPROVAL: &str = "01a0c450-6c00-733f-b773-b4484bc6af4f";
/// How long a statement may wait. The migration gives up a lock after 0.3 s, or now and then 1.5 s, since everything else
/// queues behind it. A busy machine adds to that.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause between two transactions of a connection, so that there are moments in which none runs. A migration that locks
/// several tables needs one: statements that queue behind its first lock may hold the others.
const PAUSE: Duration = Duration::from_millis(30);
/// How long the old version serves before and after the migration.
const AROUND: Duration = Duration::from_millis(300);

/// Makes the tables large enough for their checks and new indexes to take a while.
const FILL: &str = "
INSERT INTO approvals (id, workspace_id, backend_id, user_id, agent_id, conversation_id, action_id, arguments,
    arguments_digest, request_digest, created_at, expires_at, status, decided_by, decided_at)
SELECT (left(p.id::text, 14) || substr(gen_random_uuid()::text, 15))::uuid, workspace_id, backend_id, user_id, agent_id,
    conversation_id, action_id, arguments, arguments_digest, request_digest, created_at, expires_at, 'expired', 'auto',
    now()
FROM (SELECT * FROM approvals LIMIT 1) p, generate_series(1, 30000);
INSERT INTO audit (workspace_id, at, actor_kind, what, approval_id)
SELECT workspace_id, created_at, 'service', 'approval.expired', id FROM approvals;
INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, backend_id, event, created_at, due_at, done_at)
SELECT id, 'webhook', workspace_id, 'webhook:' || id, id, backend_id, 'approval.expired', created_at, created_at, now()
FROM approvals;
INSERT INTO conversations (backend_id, id, last_asked_at)
SELECT '01a0c450-6c00-7bd2-ba7c-6873c97e24da', unnest('{c-U0ALICE,c-U0BOB}'::text[]), now();
INSERT INTO attempts (outbox_id, number, started_at, took_ms, outcome) SELECT id, 1, created_at, 1, 'done' FROM approvals;
";

/// One connection of the previous version.
struct Old {
    db: PgConnection,
    slowest: (Duration, String),
}

impl Old {
    async fn connect(url: &str) -> Self {
        let mut db = PgConnection::connect(url).await.unwrap();
        db.execute(sqlx::raw_sql(STATEMENTS)).await.unwrap();
        Self { db, slowest: (Duration::ZERO, String::new()) }
    }

    /// Runs a statement, which must not fail: Postgres did not end it to resolve a deadlock either.
    async fn run(&mut self, sql: &str) {
        let began = Instant::now();
        let result = self.db.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await;
        let took = began.elapsed();
        if took > self.slowest.0 {
            self.slowest = (took, sql.to_owned());
        }
        assert!(result.is_ok(), "{sql}\n{result:?}");
    }

    async fn transaction(&mut self, statements: &[String]) {
        self.run("BEGIN").await;
        for sql in statements {
            self.run(sql).await;
        }
        self.run("COMMIT").await;
    }

    /// An ask that a grant approves, or that is left pending.
    async fn ask(&mut self, id: Uuid, approved: bool, key: &str) {
        let (user, decision, granted, queued) = if approved {
            let decision = format!("'approved', 'always', 'auto', '{GRANT}', now()");
            ("U0ALICE", decision, GRANT.to_owned(), "'{}', '{}', '{}', '{}', '{}'".to_owned())
        } else {
            let queued = format!("'{{{id}}}', '{{prompt}}', '{{prompt:{id}}}', '{{NULL}}', '{{NULL}}'");
            ("U0BOB", "'pending', NULL, NULL, NULL, NULL".to_owned(), String::new(), queued)
        };
        let home = new_id();
        let load = format!(
            "EXECUTE load_ask('{KEY}', '{key}', 'github', 'create_issue', '{user}', 'c-{user}', now() - interval '30 days',
                 5000)"
        );
        let save = format!(
            "EXECUTE save_ask('{id}', '{WORKSPACE}', '{BACKEND}', '{user}', 'scout', NULL, 'c-{user}', NULL, NULL,
                 '{ACTION}', '{{}}', decode(repeat('00', 32), 'hex'), NULL, NULL, NULL, NULL, '{key}', now(),
                 now() + interval '1 hour', '{{{granted}}}', {decision}, decode(repeat('00', 32), 'hex'), '{{service}}',
                 '{{NULL}}', '{{approval.asked}}', '{{{id}}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', {queued},
                 '{home}', true, now() + interval '3 seconds')"
        );
        self.transaction(&[load, save]).await;
    }

    /// A pending ask whose prompt is posted, and which is then approved.
    async fn decide(&mut self, id: Uuid) {
        self.ask(id, false, &id.to_string()).await;
        let lease = new_id();
        let claim =
            format!("EXECUTE claim('{lease}', now() + interval '1 minute', 'prompt', now(), 1, false)");
        self.transaction(&[claim]).await;
        let remember = format!("EXECUTE remember_prompt('{id}', 'D1', '{id}', now())");
        let finish =
            format!("EXECUTE finish('{id}', '{lease}', 1, NULL, NULL, 'done', now(), now(), 1, NULL, NULL)");
        self.transaction(&[remember]).await;
        self.transaction(&[finish]).await;
        let lock = format!("EXECUTE lock_approval('{id}', 'T0ACME')");
        let save = format!(
            "EXECUTE save_decision('{id}', '{WORKSPACE}', now(), NULL, 'approved', 'once', 'user', 'U0BOB', NULL, NULL,
                 NULL, NULL, NULL, NULL, NULL, '{{user}}', '{{U0BOB}}', '{{approval.approved}}', '{{{id}}}', '{{NULL}}',
                 '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{{home}}}', '{{webhook}}', '{{webhook:{id}}}', '{{{BACKEND}}}',
                 '{{approval.approved}}', '{lease}', 'U0BOB')",
            home = new_id(),
        );
        self.transaction(&[lock, save]).await;
    }

    /// Every statement once, with values that fit, and takes back what it did.
    async fn run_all(&mut self) {
        for (name, parameters) in every_statement() {
            self.run("BEGIN").await;
            self.run(&if parameters.is_empty() {
                format!("EXECUTE {name}")
            } else {
                format!("EXECUTE {name}({parameters})")
            })
            .await;
            self.run("ROLLBACK").await;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn new_id() -> Uuid {
    Entropy::system().uuid(Clock::system().now())
}

/// The statements that take any values, each with its parameters.
fn every_statement() -> Vec<(String, String)> {
    let prepared = STATEMENTS.lines().filter_map(|line| line.strip_prefix("PREPARE "));
    let any =
        prepared.filter(|line| !["save_ask", "save_decision"].iter().any(|name| line.starts_with(name)));
    any.map(|line| {
        let line = line.trim_end_matches(" AS");
        let (name, types) = line.split_once(" (").unwrap_or((line, ""));
        let value = |kind: &str| match kind {
            "uuid" => format!("'{APPROVAL}'"),
            "timestamptz" => "now()".to_owned(),
            "text" => "'1'".to_owned(),
            "bool" => "true".to_owned(),
            kind if kind.ends_with("[]") => "'{}'".to_owned(),
            _ => "1".to_owned(),
        };
        let values = types.trim_end_matches(')').split(", ").filter(|kind| !kind.is_empty()).map(value);
        (name.to_owned(), values.collect::<Vec<_>>().join(", "))
    })
    .collect()
}

/// Serves on a connection until `stop`, and returns how long the slowest statement took.
async fn serve(url: String, number: usize, stop: Arc<AtomicBool>) -> (Duration, String) {
    let mut old = Old::connect(&url).await;
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(PAUSE).await;
        match number {
            0 => old.run_all().await,
            1 | 2 => old.decide(new_id()).await,
            _ => {
                let id = new_id();
                old.ask(id, true, &id.to_string()).await;
            }
        }
    }
    old.slowest
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_version_serves_while_its_database_is_migrated() {
    let postgres = Postgres::start().await.unwrap();
    let database = postgres.create_database(None).await.unwrap();
    restore(&database.url, DUMP).await;
    let before = written(&database.url).await;
    let mut db = PgConnection::connect(&database.url).await.unwrap();
    db.execute(sqlx::raw_sql(FILL)).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let serving: Vec<_> =
        (0..6).map(|number| tokio::spawn(serve(database.url.clone(), number, stop.clone()))).collect();
    tokio::time::sleep(AROUND).await;
    let migrating = Db::new(&database.url, 1, Limits::COMMAND).unwrap();
    migrating.migrate().await.unwrap();
    tokio::time::sleep(AROUND).await;
    stop.store(true, Ordering::Relaxed);
    for old in serving {
        let (took, statement) = old.await.unwrap();
        assert!(took < PATIENCE, "{took:?}: {statement}");
    }
    // Nothing got lost, and every row is where it belongs.
    let after = written(&database.url).await;
    // The grants are left out: those that were used count it.
    for (before, after) in before.iter().zip(&after).filter(|(before, _)| !before.contains(GRANT)) {
        assert!(before.lines().all(|row| after.contains(row)), "a row of the dump changed");
    }
    let odd: Vec<String> = sqlx::query_scalar(
        "SELECT 'approval without audit: ' || p.id FROM approvals p WHERE NOT EXISTS (SELECT FROM audit a WHERE a.approval_id = p.id)
         UNION ALL SELECT 'in two places: ' || id FROM approvals GROUP BY id HAVING count(*) > 1
         UNION ALL SELECT 'number taken twice: ' || id FROM audit GROUP BY id HAVING count(*) > 1
         UNION ALL SELECT 'not partitioned: ' || relname FROM pg_class
             WHERE relname IN ('approvals', 'prompts', 'outbox', 'attempts', 'audit') AND relkind <> 'p'",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    assert_eq!(odd, Vec::<String>::new());
    db.close().await.unwrap();
    migrating.close().await;
    postgres.drop_database(&database.name).await.unwrap();
}
