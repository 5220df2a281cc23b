//! Three instances over one Postgres, asked for the same users and grants; then one of them is killed.

use std::time::Duration;

use crate::{
    Bench,
    asks::CONNECTIONS,
    load,
    load::Measured,
    table::{Goal, Row, Table, median, per_second},
    world::World,
};

const INSTANCES: usize = 3;
/// How long the load lasts at most during which an instance is killed. That is after a third of it.
const KILLING: Duration = Duration::from_secs(6);

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let mut world = World::begin_with(bench, &bench.settings.program, INSTANCES, "http://127.0.0.1:9/").await;
    world.warm_up(bench).await;
    let all =
        |world: &World| (0..INSTANCES).map(|number| world.asks_at(number, CONNECTIONS)).collect::<Vec<_>>();
    let time = bench.settings.time;
    let (mut one, mut three, mut ratios) = (vec![], vec![], vec![]);
    for _ in 0..bench.settings.runs {
        let alone = load::run_one(world.asks(CONNECTIONS), time).await.rate();
        let together: f64 =
            load::run(all(&world), time).await.into_iter().map(|part| part.without_errors().rate()).sum();
        one.push(alone);
        three.push(together);
        ratios.push(together / alone);
    }
    table.row(&Row::ratio(
        "asks of three instances, 64 connections each",
        per_second(median(three)),
        format!("one instance: {}", per_second(median(one))),
        median(ratios),
        Some(Goal::AtLeast(0.9)),
    ));
    let (groups, killing) = (all(&world), KILLING.min(time * 2));
    let load = tokio::spawn(load::run(groups, killing));
    tokio::time::sleep(killing / 3).await;
    world.instances[0].kill();
    let measured = load.await.unwrap();
    let errors = |part: &Measured| part.errors.values().sum::<usize>();
    let elsewhere: usize = measured[1..].iter().map(errors).sum();
    table.note(&format!(
        "one instance killed: {} of its {CONNECTIONS} open calls failed, and {elsewhere} calls of the others",
        errors(&measured[0])
    ));
    if elsewhere > 0 {
        table.fault(format!("an instance's end failed calls of others: {:?}", measured[1].errors));
    }
    world.end(bench).await;
}
