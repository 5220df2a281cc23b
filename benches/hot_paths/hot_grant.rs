//! One grant that 48 connections use, while 16 ask for other users.

use crate::{
    Bench, load,
    load::Group,
    request::USERS,
    table::{Goal, Row, Table, median, milliseconds, per_second},
    world::World,
};

/// How many connections ask for the one user.
const HOT: usize = 48;
/// How many ask for others.
const OTHERS: usize = 16;

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let world = World::begin(bench, &bench.settings.program).await;
    world.warm_up(bench).await;
    let time = bench.settings.time;
    let hot = || Group { users: 0..1, ..world.asks(HOT) };
    // The same number of connections, which seldom wait for each other's rows.
    let spread = || Group { users: 32..USERS, ..world.asks(HOT) };
    let others = || Group { users: 1..32, ..world.asks(OTHERS) };
    let (mut rates, mut beside_spread, mut beside_hot) = (vec![], vec![], vec![]);
    let alone = load::run_one(others(), time).await.at(0.5);
    for _ in 0..bench.settings.runs {
        let [_, measured] = measure(vec![spread(), others()], time).await;
        beside_spread.push(measured.at(0.5));
        let [busy, measured] = measure(vec![hot(), others()], time).await;
        rates.push(busy.rate());
        beside_hot.push(measured.at(0.5));
    }
    let rate = median(rates);
    table.row(
        &Row::figure("asks on one grant, 48 connections", per_second(rate)).goal(rate, Goal::AtLeast(3000.0)),
    );
    let ratio = median(beside_hot.iter().zip(&beside_spread).map(|(hot, spread)| hot / spread).collect());
    table.row(&Row::ratio(
        "p50 of 16 connections on other grants beside it",
        milliseconds(median(beside_hot)),
        format!("48 spread: {}", milliseconds(median(beside_spread))),
        ratio,
        Some(Goal::AtMost(1.0)),
    ));
    table.note(&format!("p50 of the 16 without any other load: {}", milliseconds(alone)));
    world.end(bench).await;
}

/// Two groups at the same time, neither of which may fail.
pub(crate) async fn measure(groups: Vec<Group>, time: std::time::Duration) -> [load::Measured; 2] {
    let mut measured = load::run(groups, time).await.into_iter().map(load::Measured::without_errors);
    [measured.next().unwrap(), measured.next().unwrap()]
}
