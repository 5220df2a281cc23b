//! Which statements Postgres keeps the plans of, and whether these plans are good whatever the tables hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::TimeDelta;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use crate::{
    round_trips::{Trip, Trips, watched},
    story::{ALICE, IN_WORDS, TestApp, eventually, story},
};

const ACTION: &str = "github.create_issue";

/// The beginnings, or other parts, of statements that run often.
const HOT: [(&str, &str); 25] = [
    ("an ask reads", "-- asks: the requests, numbered from 1."),
    ("an ask writes", "INSERT INTO approvals"),
    ("a click locks its approval", "WITH remembered AS"),
    ("whether Deny may open its modal", "AND NOT EXISTS (SELECT FROM slack_requests"),
    ("a decision", "-- given: the grant that the click gave"),
    ("a backend cancels", "OR p.user_id = $3)\n         FOR KEY SHARE OF w"),
    ("a backend reads its approval", "WHERE p.id = $1 AND p.backend_id = $2"),
    ("a backend lists its approvals", "ORDER BY p.backend_id DESC, p.id DESC LIMIT $3"),
    ("waiting calls read", "AND (p.status <> 'pending' OR p.id = ANY($2))"),
    ("what has expired", "p.expires_at <= $1"),
    ("when the next expires", "SELECT min(expires_at)"),
    ("whose membership to check", "-- holders: the users, numbered from 1"),
    ("prompts are claimed", "-- chosen: what is due, locked."),
    ("webhooks are claimed", "-- waiting: each backend for which anything waits"),
    ("when the next is due", "SELECT min(due_at) FROM outbox"),
    ("webhooks read their approvals", "WHERE p.id = ANY($1) AND p.id >= $2 AND p.id <= $3"),
    ("what a prompt shows", "AS \"grant_live!\""),
    ("what a user approved before", "-- decided: what the user decided last."),
    ("where a prompt is", "SELECT channel, ts FROM prompts"),
    ("which message shows an approval", "SELECT m.first_id, m.is_shared, m.began_at"),
    ("what waits beside it", "AS \"is_posted!\""),
    ("attempts are recorded", "-- given: the attempts, a row each."),
    ("a delivery is read", "(SELECT * FROM outbox WHERE id = $2 LIMIT 1)"),
    ("a delivery is sent again", "WITH again AS"),
    ("its attempts are read", "SELECT number, started_at"),
];

/// Tables that grow.
const LARGE: [&str; 9] = [
    "approvals",
    "prompts",
    "prompt_messages",
    "outbox",
    "attempts",
    "audit",
    "grants",
    "conversations",
    "idempotency_keys",
];

/// Each statement that was executed, and whether its session kept plans at that time.
fn executed(trips: &Trips) -> BTreeSet<(String, bool)> {
    let mut found = BTreeSet::new();
    for connection in trips.lock().unwrap().iter() {
        let (mut session, mut local) = (false, None);
        for trip in connection {
            match trip {
                Trip::Simple(text) => {
                    for part in text.split(';').map(str::trim) {
                        if let Some(mode) = part.strip_prefix("SET plan_cache_mode = ") {
                            session = mode == "force_generic_plan";
                        } else if let Some(mode) = part.strip_prefix("SET LOCAL plan_cache_mode = ") {
                            local = Some(mode == "force_generic_plan");
                        } else if ["COMMIT", "ROLLBACK"].contains(&part) {
                            local = None;
                        }
                    }
                }
                Trip::Executed(text) => {
                    found.insert((text.clone(), local.unwrap_or(session)));
                }
                Trip::Prepared => {}
            }
        }
    }
    found
}

/// Does what people and backends do all day.
async fn use_everything(s: &mut TestApp) -> BTreeSet<(String, bool)> {
    let trips = watched(s).await;
    s.open(ACTION).await;
    let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
    assert!(s.choose(ALICE, &prompt, "Auto-approve for this conversation").await.is_ok());
    let webhook = s.received_webhook(&id).await;
    assert_eq!(s.ask(&s.call(ACTION, "c-1")).await.approval_status(), "approved");
    let delivery = async || {
        let reply =
            s.api().call(reqwest::Method::GET, &["webhook-deliveries", &webhook.id], &[], None, &[]).await;
        (reply.body["status"] == "delivered").then_some(())
    };
    eventually("the attempt is recorded", delivery).await;
    assert_eq!(s.api().redeliver(&webhook.id).await.status, 202);
    let (_, prompt) = s.prompt(&s.call(ACTION, "c-2")).await;
    assert!(s.choose(ALICE, &prompt, IN_WORDS).await.is_ok());
    let waited = s.ask(&s.call(ACTION, "c-3")).await.id().to_owned();
    let wait = [("wait", "20")];
    let api = s.api();
    let path = ["approvals", waited.as_str()];
    let waiting = api.call(reqwest::Method::GET, &path, &wait, None, &[]);
    let cancelled = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        s.api().cancel(&waited).await
    };
    let (waiting, cancelled) = tokio::join!(waiting, cancelled);
    assert_eq!((waiting.approval_status(), cancelled.status), ("cancelled", 200));
    s.ask(&s.call(ACTION, "c-4")).await;
    for filter in [None, Some(("status", "denied")), Some(("user", ALICE)), Some(("conversation", "c-1"))] {
        let reply = s.api().call(reqwest::Method::GET, &["approvals"], filter.as_slice(), None, &[]).await;
        assert_eq!(reply.status, 200);
    }
    s.advance_until_idle(TimeDelta::hours(1)).await;
    executed(&trips)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_often_keeps_its_plans() {
    story(async |s| {
        let executed = use_everything(s).await;
        let found = HOT.map(|(what, part)| {
            let kept: Vec<bool> =
                executed.iter().filter(|(text, _)| text.contains(part)).map(|(_, kept)| *kept).collect();
            (what, kept)
        });
        let others: Vec<_> =
            found.iter().filter(|(_, kept)| kept.is_empty() || kept.contains(&false)).collect();
        assert!(others.is_empty(), "not executed, or planned for each execution: {others:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_plans_of_empty_tables_take_an_index_and_call_no_sql_function() {
    story(async |s| {
        let kept: BTreeMap<String, String> = use_everything(s)
            .await
            .into_iter()
            .filter(|(_, kept)| *kept)
            .map(|(text, _)| (text.clone(), text))
            .collect();
        assert!(kept.len() >= HOT.len());
        let database = testkit::migrated_database(s.postgres()).await.unwrap();
        let mut db = sqlx::PgConnection::connect(&database.url).await.unwrap();
        run(&mut db, MONTHS).await;
        run(
            &mut db,
            "ANALYZE; SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan",
        )
        .await;
        // A function in SQL that Postgres can't inline is parsed and planned by each execution that calls it.
        let functions: Vec<String> = sqlx::query_scalar(
            "SELECT proname::text || '(' FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
             WHERE l.lanname = 'sql' AND p.pronamespace = 'public'::regnamespace",
        )
        .fetch_all(&mut db)
        .await
        .unwrap();
        let mut bad = Vec::new();
        for (number, text) in kept.values().enumerate() {
            let plan = plan(&mut db, number, text).await;
            let mut scans = BTreeSet::new();
            whole_scans(&plan, &mut scans);
            let written = plan.to_string();
            scans.extend(functions.iter().filter(|function| written.contains(*function)).cloned());
            if !scans.is_empty() {
                bad.push((scans, text));
            }
        }
        assert!(bad.is_empty(), "{bad:#?}");
    })
    .await;
}

/// A partition for each of 40 months.
const MONTHS: &str = "
    DROP TABLE approvals_first, prompts_first, prompt_messages_first, outbox_first, attempts_first;
    SELECT make_partition(parent, parent || '_' || -m, id_bound(month_start(now(), m))::text, id_bound(month_start(now(), m + 1))::text)
    FROM unnest('{approvals,prompts,prompt_messages,outbox,attempts}'::text[]) parent, generate_series(-37, 0) m";

async fn run(db: &mut sqlx::PgConnection, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(db).await.unwrap();
}

/// The plan for all values.
async fn plan(db: &mut sqlx::PgConnection, number: usize, text: &str) -> Value {
    run(db, &format!("PREPARE kept_{number} AS {text}")).await;
    let types: Vec<String> = sqlx::query_scalar(
        "SELECT unnest(parameter_types)::text FROM pg_prepared_statements WHERE name = $1",
    )
    .bind(format!("kept_{number}"))
    .fetch_all(&mut *db)
    .await
    .unwrap();
    // Postgres leaves out the partitions in which there can't be anything, so an id is one of now.
    let values = types.iter().map(|kind| match kind.as_str() {
        "uuid" => "id_bound(now())",
        "uuid[]" => "ARRAY[id_bound(now())]",
        _ => "NULL",
    });
    let values: Vec<_> = values.collect();
    let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
    let explain = format!("EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE kept_{number}{values}");
    let row = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(db).await.unwrap();
    row.get::<Value, _>(0)
}

/// The scans of large tables that don't look anything up in an index.
fn whole_scans(plan: &Value, found: &mut BTreeSet<String>) {
    for part in plan.as_array().into_iter().flatten() {
        whole_scans(part, found);
    }
    let Value::Object(node) = plan else { return };
    let text = |key| node.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, table, index) = (text("Node Type"), text("Relation Name"), text("Index Name"));
    let large = LARGE.iter().any(|large| [table, index].iter().any(|name| name.starts_with(large)));
    if large && kind.ends_with("Scan") && kind != "Bitmap Heap Scan" && !node.contains_key("Index Cond") {
        found.insert(format!("{kind} {table} {index}"));
    }
    for part in node.values() {
        whole_scans(part, found);
    }
}
