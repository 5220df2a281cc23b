//! Asks and clicks while 87,000 requests are pending, whose prompts and webhooks wait.

use std::time::Duration;

use crate::{
    Bench,
    asks::CONNECTIONS,
    backlog::{self, MANY},
    clicks::{self, Prepared},
    load,
    receiver::Receiver,
    request::LOCKED_ACTION,
    table::{Goal, Row, Table, per_second},
    world::World,
};

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let receiver = Receiver::start(Duration::ZERO).await;
    let world = World::begin_with(bench, &bench.settings.program, 1, &receiver.url).await;
    world.warm_up(bench).await;
    let time = bench.settings.time;
    let without = load::run_one(world.asks(CONNECTIONS), time).await.rate();
    world.ask_pending(LOCKED_ACTION, 0..1).await;
    backlog::pile_up(&world).await;
    let with = load::run_one(world.asks(CONNECTIONS), time).await.rate();
    table.row(&Row::ratio(
        &format!("asks approved by a grant, {MANY} others waiting"),
        per_second(with),
        format!("none waiting: {}", per_second(without)),
        with / without,
        Some(Goal::AtLeast(0.9)),
    ));
    let clicks = Prepared::new(&world, time).await.click(&receiver).await;
    let at = |each| load::percentile(each, 0.99);
    clicks::report(table, ", likewise", at(clicks.answered), at(clicks.delivered));
    world.end(bench).await;
}
