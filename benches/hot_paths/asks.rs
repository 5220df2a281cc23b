//! Asks that a grant approves, over 64 connections, beside what Postgres manages with one ask in each transaction.

use crate::{
    Bench, load, pgbench,
    table::{Goal, Row, Table, median, milliseconds, per_second},
    usage::Usage,
    world::begin_versions,
};

pub(crate) const CONNECTIONS: usize = 64;
/// How many times what pgbench manages.
const GOAL: Goal = Goal::AtLeast(4.0);
/// Its 32 sessions get more of a busy machine's processors than the service's three.
const SLACK_BESIDE_PGBENCH: f64 = 3.0;
/// Postgres' processor time for an ask, compared with pgbench's: other work on the machine changes that least.
const COST: Goal = Goal::AtMost(0.25);

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let worlds = begin_versions(bench, "http://127.0.0.1:9/").await;
    for world in &worlds {
        world.warm_up(bench).await;
    }
    let time = bench.settings.time;
    let (mut rates, mut limits, mut before, mut p50, mut p99) = (vec![], vec![], vec![], vec![], vec![]);
    // Processor time of Postgres for each ask, and for each transaction of pgbench.
    let (mut cost, mut yardstick) = (vec![], vec![]);
    let mut used = String::new();
    for _ in 0..bench.settings.runs {
        let started = Usage::now(bench, &worlds[0]).await;
        let measured = load::run_one(worlds[0].asks(CONNECTIONS), time).await;
        let ended = Usage::now(bench, &worlds[0]).await;
        used = started.describe(&ended, measured.each.len());
        cost.push(started.postgres(&ended, measured.each.len() as f64));
        rates.push(measured.rate());
        p50.push(measured.at(0.5));
        p99.push(measured.at(0.99));
        let limit = pgbench::run(&worlds[0], time.as_secs()).await;
        yardstick.push(ended.postgres(&Usage::now(bench, &worlds[0]).await, limit * time.as_secs_f64()));
        limits.push(limit);
        if let Some(baseline) = worlds.get(1) {
            before.push(load::run_one(baseline.asks(CONNECTIONS), time).await.rate());
        }
    }
    let ratios = |to: &[f64]| median(rates.iter().zip(to).map(|(rate, limit)| rate / limit).collect());
    table.row(
        &Row::ratio(
            "asks approved by a grant, 64 connections",
            per_second(median(rates.clone())),
            format!("pgbench, 32 clients: {}", per_second(median(limits.clone()))),
            ratios(&limits),
            Some(GOAL),
        )
        .with_slack(SLACK_BESIDE_PGBENCH),
    );
    let ratio = median(cost.iter().zip(&yardstick).map(|(cost, limit)| cost / limit).collect());
    table.row(&Row::ratio(
        "processor time of Postgres for each of them",
        format!("{:.0} µs", median(cost)),
        format!("pgbench: {:.0} µs", median(yardstick)),
        ratio,
        Some(COST),
    ));
    if !before.is_empty() {
        table.row(&Row::ratio(
            "the same beside the baseline",
            per_second(median(rates.clone())),
            format!("baseline: {}", per_second(median(before.clone()))),
            ratios(&before),
            None,
        ));
    }
    table.note(&format!("p50 {}, p99 {}", milliseconds(median(p50)), milliseconds(median(p99))));
    table.note(&used);
    for world in worlds {
        world.end(bench).await;
    }
}
