//! Webhooks to one receiver, and to 50 of which one hangs: how fast a pile of them leaves, and how late they are when
//! they come at a steady rate.

use std::{
    collections::HashMap,
    slice,
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::{
    Bench,
    backlog::UUID_V7,
    load,
    receiver::Receiver,
    table::{Goal, Row, Table, median, milliseconds, per_second},
    usage::Usage,
    world::World,
};

/// How long a receiver takes to answer.
const PAUSE: Duration = Duration::from_millis(1);
/// How many are in a pile for each second of measuring.
const PILE: usize = 3000;
const RECEIVERS: usize = 50;
/// The steady rate: so often one for each receiver.
const STEP: Duration = Duration::from_millis(100);
/// How long the last of a steady rate may take.
const LATEST: Duration = Duration::from_secs(10);
/// The time limit of an attempt, after which one that hangs is over.
const ATTEMPT: Duration = Duration::from_secs(11);
const GOAL: Goal = Goal::AtLeast(2000.0);

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    to_one(bench, table).await;
    to_many(bench, table).await;
}

async fn to_one(bench: &Bench, table: &mut Table) {
    let receiver = Receiver::start(PAUSE).await;
    let world = World::begin_with(bench, &bench.settings.program, 1, &receiver.url).await;
    world.warm_up(bench).await;
    let count = PILE * usize::try_from(bench.settings.time.as_secs()).unwrap();
    let (mut rates, mut used) = (vec![], String::new());
    for _ in 0..bench.settings.runs {
        pile_up(&world, "load", count).await;
        world.analyze().await;
        let usage = Usage::now(bench, &world).await;
        rates.push(leave(bench, slice::from_ref(&receiver), count).await);
        used = usage.describe(&Usage::now(bench, &world).await, receiver.take().len());
        clear(&world).await;
    }
    let rate = median(rates);
    table.row(&Row::figure("webhooks to one receiver", per_second(rate)).goal(rate, GOAL));
    table.note(&used);
    world.end(bench).await;
}

/// A backend for each of the receivers.
async fn receivers(bench: &Bench) -> (World, Vec<Receiver>) {
    let world = World::begin(bench, &bench.settings.program).await;
    let mut receivers = Vec::new();
    for number in 0..RECEIVERS {
        let receiver = Receiver::start(PAUSE).await;
        world.create_backend(&format!("receiver-{number}"), &receiver.url);
        receivers.push(receiver);
    }
    world.warm_up(bench).await;
    (world, receivers)
}

async fn to_many(bench: &Bench, table: &mut Table) {
    let (world, receivers) = receivers(bench).await;
    let (hanging, others) = receivers.split_first().unwrap();
    hanging.hang(true);
    let count = PILE * usize::try_from(bench.settings.time.as_secs()).unwrap();
    let mut rates = vec![];
    for _ in 0..bench.settings.runs {
        pile_up(&world, "receiver-%", count).await;
        world.analyze().await;
        rates.push(leave(bench, others, count / RECEIVERS * others.len()).await);
        clear(&world).await;
        tokio::time::sleep(ATTEMPT).await;
        for receiver in &receivers {
            receiver.take();
        }
    }
    let rate = median(rates);
    table
        .row(&Row::figure("webhooks to 49 receivers, while a 50th hangs", per_second(rate)).goal(rate, GOAL));
    world.end(bench).await;
}

/// How late webhooks are at a steady rate, with none of the receivers hanging and with one.
pub(crate) async fn run_lag(bench: &Bench, table: &mut Table) {
    let (world, receivers) = receivers(bench).await;
    let (hanging, others) = receivers.split_first().unwrap();
    let mut lags = [vec![], vec![]];
    for _ in 0..bench.settings.runs {
        for (hangs, lags) in [false, true].into_iter().zip(&mut lags) {
            hanging.hang(hangs);
            lags.push(steady(bench, &world, others).await);
        }
        hanging.hang(false);
    }
    let [without, with] = lags;
    let row = |name, part| {
        let at = |lags: &[Vec<f64>]| {
            lags.iter().map(|lag| load::percentile(lag.clone(), part)).collect::<Vec<_>>()
        };
        let (without, with) = (at(&without), at(&with));
        let ratio = median(with.iter().zip(&without).map(|(with, without)| with / without).collect());
        let compared = format!("none hangs: {}", milliseconds(median(without)));
        Row::ratio(name, milliseconds(median(with)), compared, ratio, Some(Goal::AtMost(1.0)))
    };
    table.row(&row("p90 of the lag to 49 receivers, while a 50th hangs", 0.9));
    table.row(&row("p99 of their lag, at 500 webhooks/s", 0.99).with_slack(f64::INFINITY));
    world.end(bench).await;
}

/// How many a second the receivers get of a pile.
async fn leave(bench: &Bench, receivers: &[Receiver], count: usize) -> f64 {
    let started = Instant::now();
    let arrived = || receivers.iter().map(Receiver::count).sum::<usize>();
    while started.elapsed() < bench.settings.time && arrived() < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    arrived() as f64 / started.elapsed().as_secs_f64()
}

/// One webhook for every receiver, again and again: how late each was, in milliseconds. One that never came was as late as
/// the last one may be.
async fn steady(bench: &Bench, world: &World, receivers: &[Receiver]) -> Vec<f64> {
    let mut due = HashMap::new();
    let mut step = tokio::time::interval(STEP);
    let started = Instant::now();
    while started.elapsed() < bench.settings.time {
        step.tick().await;
        let ids = pile_up(world, "receiver-%", RECEIVERS).await;
        let now = Instant::now();
        due.extend(ids.into_iter().map(|id| (format!("apr_{}", id.simple()), now)));
    }
    let all = due.len() / RECEIVERS * receivers.len();
    let waited = Instant::now();
    while waited.elapsed() < LATEST && receivers.iter().map(Receiver::count).sum::<usize>() < all {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut lags: Vec<f64> = receivers
        .iter()
        .flat_map(Receiver::take)
        .filter_map(|(at, approval)| {
            // It may arrive before the transaction's own end is known here.
            Some(at.saturating_duration_since(*due.get(&approval)?).as_secs_f64() * 1000.0)
        })
        .collect();
    lags.resize(all.max(lags.len()), LATEST.as_secs_f64() * 1000.0);
    clear(world).await;
    lags
}

/// Ended approvals of these backends in turn, and for each a webhook that is due.
async fn pile_up(world: &World, backends: &str, count: usize) -> Vec<Uuid> {
    let statement = format!(
        "WITH template AS (SELECT p FROM approvals p WHERE status = 'approved' LIMIT 1),
            many AS (SELECT {UUID_V7} AS id, b.id AS backend_id, b.workspace_id FROM generate_series(1, $1) n
                JOIN (SELECT id, workspace_id, row_number() OVER () - 1 AS number, count(*) OVER () AS all_of_them
                    FROM backends WHERE name LIKE $2) b ON n % b.all_of_them = b.number),
            asked AS (INSERT INTO approvals SELECT (jsonb_populate_record(t.p, jsonb_build_object('id', m.id,
                'backend_id', m.backend_id))).* FROM many m, template t)
         INSERT INTO outbox (id, kind, workspace_id, queue, approval_id, backend_id, event, created_at, due_at)
         SELECT {UUID_V7}, 'webhook', workspace_id, 'webhook:' || id, id, backend_id, 'approval.approved', now(), now()
         FROM many RETURNING approval_id"
    );
    let mut transaction = world.db.begin().await.unwrap();
    let piled =
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(i64::try_from(count).unwrap()).bind(backends);
    let ids = piled.fetch_all(&mut *transaction).await.unwrap();
    sqlx::query("SELECT pg_notify('countersign_outbox', 'webhook')")
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    ids
}

/// Nothing is due afterwards: what is left of a measurement would disturb the next one.
async fn clear(world: &World) {
    let done = "UPDATE outbox SET done_at = now(), lease = NULL, leased_until = NULL
                WHERE done_at IS NULL AND dead_at IS NULL";
    sqlx::query(done).execute(&world.db).await.unwrap();
    // What was read before that arrives within a moment.
    tokio::time::sleep(Duration::from_secs(1)).await;
}
