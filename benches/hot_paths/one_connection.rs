//! One connection that asks for one thing after the other: the latency of an ask that nothing delays.

use crate::{
    Bench, load,
    table::{Goal, Row, Table, median, milliseconds},
    world::begin_versions,
};

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let worlds = begin_versions(bench, "http://127.0.0.1:9/").await;
    for world in &worlds {
        world.warm_up(bench).await;
    }
    let (mut now, mut before, mut p99) = (vec![], vec![], vec![]);
    for _ in 0..bench.settings.runs {
        let measured = load::run_one(worlds[0].asks(1), bench.settings.time).await;
        now.push(measured.at(0.5));
        p99.push(measured.at(0.99));
        if let Some(baseline) = worlds.get(1) {
            before.push(load::run_one(baseline.asks(1), bench.settings.time).await.at(0.5));
        }
    }
    let name = "one connection, p50";
    let measured = milliseconds(median(now.clone()));
    if before.is_empty() {
        table.row(&Row::figure(name, measured));
    } else {
        let ratio = median(now.iter().zip(&before).map(|(now, before)| now / before).collect());
        let compared = format!("baseline: {}", milliseconds(median(before)));
        table.row(&Row::ratio(name, measured, compared, ratio, Some(Goal::AtMost(1.0))));
    }
    table.note(&format!("p99 {}", milliseconds(median(p99))));
    for world in worlds {
        world.end(bench).await;
    }
}
