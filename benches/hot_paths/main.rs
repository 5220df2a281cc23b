//! The performance figures, each by a scenario of its own: `docs/performance.md` explains them.
//!
//! `cargo bench --bench hot_paths` runs all scenarios, `cargo bench --bench hot_paths -- asks hot_grant` only the named
//! ones. The service runs as a process of its own, on a Postgres of its own that flushes to disk, with a local Slack.
//!
//! | variable | what |
//! | --- | --- |
//! | `SECONDS` | how long each measurement takes; 10 |
//! | `SECONDS_FRESH` | how long the load on a fresh database takes; 120 |
//! | `RUNS` | how often measurements that are compared alternate; 5 |
//! | `COUNTERSIGN` | the program to measure, if not the one that was built with the benchmark |
//! | `BASELINE` | another version of the program, measured in alternation with the first |
//! | `COUNTERSIGN_ASSERT_RATIOS` | `1`: fail if a ratio misses its goal by more than its slack, which is usually a factor of two, twice in a row |
//!
//! A call that fails and should not is counted, and fails the benchmark at its end.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints, reads the clock, and stops where something is missing"
)]

mod asks;
mod backlog;
mod clicks;
mod fresh;
mod hot_grant;
mod http;
mod instance;
mod instances;
mod load;
mod locked_action;
mod one_connection;
mod pending;
mod pgbench;
mod receiver;
mod request;
mod rules;
mod settings;
mod table;
mod usage;
mod waiting;
mod webhooks;
mod world;

use std::process::ExitCode;

use sandbox::postgres::{Postgres, PostgresOptions};

use self::{settings::Settings, table::Table};

/// What every scenario needs.
struct Bench {
    settings: Settings,
    postgres: Postgres,
}

/// The scenarios, in the order of the table.
const SCENARIOS: [&str; 12] = [
    "asks",
    "hot_grant",
    "fresh",
    "locked_action",
    "rules",
    "one_connection",
    "pending",
    "webhooks",
    "hanging_receiver",
    "clicks",
    "instances",
    "waiting",
];

async fn run(scenario: &str, bench: &Bench, table: &mut Table) {
    match scenario {
        "asks" => asks::run(bench, table).await,
        "hot_grant" => hot_grant::run(bench, table).await,
        "fresh" => fresh::run(bench, table).await,
        "rules" => rules::run(bench, table).await,
        "locked_action" => locked_action::run(bench, table).await,
        "one_connection" => one_connection::run(bench, table).await,
        "pending" => pending::run(bench, table).await,
        "webhooks" => webhooks::run(bench, table).await,
        "hanging_receiver" => webhooks::run_lag(bench, table).await,
        "clicks" => clicks::run(bench, table).await,
        "instances" => instances::run(bench, table).await,
        "waiting" => waiting::run(bench, table).await,
        other => unreachable!("{other} is not in the list"),
    }
}

// The local Slack and the receivers of webhooks run here; the load has a thread of its own.
#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let settings = Settings::read();
    // Cargo adds `--bench`.
    let named: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let Some(unknown) = named.iter().find(|name| !SCENARIOS.contains(&name.as_str())) {
        println!("Unknown scenario {unknown}. The scenarios are: {}", SCENARIOS.join(", "));
        return ExitCode::FAILURE;
    }
    let options = PostgresOptions { durable: true, ..PostgresOptions::default() };
    let postgres = Postgres::start_with(options).await.unwrap();
    println!(
        "{} cores; Postgres {}; {} s a measurement, {} runs; load average {}",
        std::thread::available_parallelism().unwrap(),
        postgres.version(),
        settings.time.as_secs(),
        settings.runs,
        usage::load_average()
    );
    let bench = Bench { settings, postgres };
    let (mut table, mut missed) = (Table::begin(), Vec::new());
    for scenario in SCENARIOS.into_iter().filter(|name| named.is_empty() || named.iter().any(|n| n == name)) {
        run(scenario, &bench, &mut table).await;
        let mut missed_now = table.take_missed();
        if bench.settings.assert_ratios && !missed_now.is_empty() {
            // Other work on the machine may have begun or ended between the two sides of a ratio.
            table.note("measured again, because a ratio missed its goal by far:");
            run(scenario, &bench, &mut table).await;
            missed_now = table.take_missed();
        }
        missed.extend(missed_now);
        let failures = load::take_failures();
        if !failures.is_empty() {
            table.fault(format!("{scenario}: calls failed: {failures:?}"));
        }
    }
    table.end(&missed, bench.settings.assert_ratios)
}
