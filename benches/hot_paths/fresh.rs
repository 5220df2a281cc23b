//! A database whose statistics say that it is empty.

use std::time::Duration;

use crate::{
    Bench,
    asks::CONNECTIONS,
    load,
    table::{Goal, Row, Table, per_second},
    world::World,
};

/// How long the load after `ANALYZE` lasts before it is measured: statements are planned again.
const AGAIN: Duration = Duration::from_secs(2);

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    // Autovacuum would analyze the tables within a minute or so.
    let admin = sqlx::PgPool::connect(&bench.postgres.url("postgres")).await.unwrap();
    sqlx::query("ALTER SYSTEM SET autovacuum = off").execute(&admin).await.unwrap();
    sqlx::query("SELECT pg_reload_conf()").execute(&admin).await.unwrap();

    let world = World::begin(bench, &bench.settings.program).await;
    let time = bench.settings.time;
    let first = load::run_one(world.asks(CONNECTIONS), time).await;
    load::run_one(world.asks(CONNECTIONS), bench.settings.fresh.saturating_sub(time * 2)).await;
    let last = load::run_one(world.asks(CONNECTIONS), time).await;
    world.analyze().await;
    load::run_one(world.asks(CONNECTIONS), AGAIN).await;
    let after = load::run_one(world.asks(CONNECTIONS), time).await;
    let seconds = bench.settings.fresh.as_secs();
    table.row(&Row::ratio(
        &format!("asks after {seconds} s on a fresh database"),
        per_second(last.rate()),
        format!("after ANALYZE: {}", per_second(after.rate())),
        last.rate() / after.rate(),
        Some(Goal::AtLeast(0.9)),
    ));
    table.note(&format!("in the first {} s: {}", time.as_secs(), per_second(first.rate())));

    sqlx::query("ALTER SYSTEM RESET autovacuum").execute(&admin).await.unwrap();
    sqlx::query("SELECT pg_reload_conf()").execute(&admin).await.unwrap();
    admin.close().await;
    world.end(bench).await;
}
