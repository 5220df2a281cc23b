//! Asks that nothing covers: each becomes pending and its prompt is queued, while the local Slack takes prompts at the
//! rate that the service allows itself, one a second for each user.
//!
//! Each run begins with an empty database, and one version runs at a time: the prompts of a run would wait for minutes,
//! and cost the other version processor time.

use std::path::Path;

use crate::{
    Bench,
    asks::CONNECTIONS,
    load::{self, Measured},
    table::{Goal, Row, Table, median, milliseconds, per_second},
    usage::Usage,
    world::World,
};

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let (mut now, mut before, mut p99, mut used) = (vec![], vec![], vec![], String::new());
    for _ in 0..bench.settings.runs {
        let (measured, usage) = measure(bench, &bench.settings.program).await;
        used = usage;
        now.push(measured.rate());
        p99.push(measured.at(0.99));
        if let Some(baseline) = &bench.settings.baseline {
            before.push(measure(bench, baseline).await.0.rate());
        }
    }
    let name = "asks that become pending, 64 connections";
    let measured = per_second(median(now.clone()));
    if before.is_empty() {
        table.row(&Row::figure(name, measured));
    } else {
        let ratio = median(now.iter().zip(&before).map(|(now, before)| now / before).collect());
        let compared = format!("baseline: {}", per_second(median(before)));
        table.row(&Row::ratio(name, measured, compared, ratio, Some(Goal::AtLeast(3.0))));
    }
    table.note(&format!("p99 {}", milliseconds(median(p99))));
    table.note(&used);
}

/// One run of one version: what was measured, and what each ask cost.
async fn measure(bench: &Bench, program: &Path) -> (Measured, String) {
    let world = World::begin_with(bench, program, 1, "http://127.0.0.1:9/").await;
    world.warm_up(bench).await;
    let started = Usage::now(bench, &world).await;
    let measured = load::run_one(world.pending(CONNECTIONS), bench.settings.time).await;
    let used = started.describe(&Usage::now(bench, &world).await, measured.each.len());
    world.end(bench).await;
    (measured, used)
}
