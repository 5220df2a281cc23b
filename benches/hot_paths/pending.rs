//! Asks that nothing covers: each becomes pending and its prompt is queued, while the local Slack takes prompts at the
//! rate that the service allows itself, one a second for each user.

use crate::{
    Bench,
    asks::CONNECTIONS,
    load,
    table::{Goal, Row, Table, median, milliseconds, per_second},
    usage::Usage,
    world::begin_versions,
};

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let worlds = begin_versions(bench, "http://127.0.0.1:9/").await;
    for world in &worlds {
        world.warm_up(bench).await;
    }
    let (mut now, mut before, mut p99, mut used) = (vec![], vec![], vec![], String::new());
    for _ in 0..bench.settings.runs {
        let started = Usage::now(bench, &worlds[0]).await;
        let measured = load::run_one(worlds[0].pending(CONNECTIONS), bench.settings.time).await;
        used = started.describe(&Usage::now(bench, &worlds[0]).await, measured.each.len());
        now.push(measured.rate());
        p99.push(measured.at(0.99));
        if let Some(baseline) = worlds.get(1) {
            before.push(load::run_one(baseline.pending(CONNECTIONS), bench.settings.time).await.rate());
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
    for world in worlds {
        world.end(bench).await;
    }
}
