//! Runs the statements of one ask, one ask in a transaction, with pgbench: what Postgres itself manages that way.

use std::process::Command;

use crate::{
    request::{ACTION, INTEGRATION},
    world::World,
};

/// How many clients it has.
pub(crate) const CLIENTS: usize = 32;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/hot_paths/ask.sql");

/// Transactions a second.
pub(crate) async fn run(world: &World, seconds: u64) -> f64 {
    let (key, workspace, backend): (String, String, String) = sqlx::query_as(
        "SELECT k.id::text, b.workspace_id::text, b.id::text
         FROM api_keys k JOIN backends b ON b.id = k.backend_id WHERE b.name = 'load'",
    )
    .fetch_one(&world.db)
    .await
    .unwrap();
    let arguments = r#"{"sql":"SELECT region, sum(amount) FROM orders WHERE placed_at > now() - interval '1 day' GROUP BY 1"}"#;
    let mut command = Command::new("pgbench");
    command.args(["--no-vacuum", "--protocol=prepared", "--jobs=1", "--file", SCRIPT]);
    command.args(["--client", &CLIENTS.to_string(), "--time", &seconds.to_string()]);
    for (name, value) in [
        ("key", key.as_str()),
        ("workspace", &workspace),
        ("backend", &backend),
        ("integration", INTEGRATION),
        ("action", ACTION),
        ("arguments", arguments),
    ] {
        command.args(["--define", &format!("{name}={value}")]);
    }
    command.arg(&world.database.url);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let output =
        output.unwrap_or_else(|error| unreachable!("pgbench, a program of Postgres, is needed: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    assert!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    rate.unwrap()
}
