//! Asks that a grant approves, in a workspace without rules, with 10 and with 1,000.

use std::fmt::Write as _;

use crate::{
    Bench, load,
    request::{ACTION, INTEGRATION},
    table::{Goal, Row, Table, median, milliseconds},
    world::World,
};

/// How many connections ask.
const CONNECTIONS: usize = 32;
/// How many rules speak of the action that agents ask for.
const ABOUT_IT: usize = 5;

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let world = World::begin(bench, &bench.settings.program).await;
    world.warm_up(bench).await;
    let numbers = [0, 10, 1000];
    for (version, number) in (1..).zip(numbers) {
        sqlx::query(
            "INSERT INTO policies (workspace_id, version, text, made_by, made_at)
             SELECT id, $1, $2, 'operator', now() FROM workspaces",
        )
        .bind(version)
        .bind(rules(number))
        .execute(&world.db)
        .await
        .unwrap();
    }
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..bench.settings.runs {
        for ((version, number), times) in (1..).zip(numbers).zip(&mut times) {
            // No version is in force if there are no rules.
            let version: i32 = if number == 0 { 0 } else { version };
            sqlx::query("UPDATE workspaces SET policy_version = $1")
                .bind(version)
                .execute(&world.db)
                .await
                .unwrap();
            let measured = load::run_one(world.asks(CONNECTIONS), bench.settings.time).await;
            if !measured.errors.is_empty() {
                table.fault(format!("asks with {number} rules failed: {:?}", measured.errors));
            }
            times.push(measured.at(0.5));
        }
    }
    let [without, some, many] = times.map(median);
    for (name, time) in [("p50 of asks with 10 rules", some), ("p50 of asks with 1,000 rules", many)] {
        table.row(&Row::ratio(
            name,
            milliseconds(time),
            format!("without rules: {}", milliseconds(without)),
            time / without,
            Some(Goal::AtMost(1.1)),
        ));
    }
    world.end(bench).await;
}

/// Rules of which a few speak of the action that agents ask for. All leave it to people.
fn rules(number: usize) -> String {
    let mut text = "rules:\n".to_owned();
    for rule in 0..number {
        let _ = if rule < ABOUT_IT {
            writeln!(
                text,
                "  - {{ action: {INTEGRATION}.{ACTION}, when: 'arguments.sql.contains(\"drop table t{rule}\")', effect: block }}"
            )
        } else {
            writeln!(text, "  - {{ action: other.action_{rule}, when: arguments.amount > 5, effect: ask }}")
        };
    }
    text
}
