//! How much waiting costs: one instance holds 2,000 calls that wait, each for an approval of its own; on a second one
//! 1,000 of the approvals are ended. Prints the memory that the waiting calls cost the first instance, and how long
//! after a decision they were answered.
//!
//! `cargo bench --bench waiters`. Both instances are processes of their own, release builds, on one Postgres.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that can't be taken ends here, and prints what it found otherwise"
)]

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use countersign::{config::ServeConfig, domain::api_keys::KeyScopes};
use futures::{StreamExt as _, stream};
use sandbox::{
    backend::{Api, Ask},
    postgres::{Postgres, PostgresOptions},
    slack::{Slack, names},
};
use testkit::{DeploymentOptions, LocalDeployment};

/// How many calls wait.
const WAITERS: usize = 2_000;
/// How many of them are answered.
const DECISIONS: usize = 1_000;
/// How many decisions are under way at once.
const AT_ONCE: usize = 4;

/// How long an instance may take from its start until it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);

/// `countersign serve`, ended with this.
struct Instance {
    process: Child,
    url: String,
}

impl Instance {
    async fn start(database_url: &str, slack: &Slack) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .arg("serve")
            .env("DATABASE_URL", database_url)
            .env("COUNTERSIGN_LISTEN", format!("127.0.0.1:{port}"))
            .env("SLACK_SIGNING_SECRET", slack.signing_secret())
            .env("SLACK_BOT_TOKEN", slack.bot_token())
            .env("SLACK_API_URL", slack.api_url())
            .env("COUNTERSIGN_WEBHOOK_ALLOW", "127.0.0.0/8")
            .env("COUNTERSIGN_BACKEND_REQUESTS_PER_SECOND", "1000000")
            .env("COUNTERSIGN_BACKEND_WAITERS", "1000000")
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut instance = Self { process, url: format!("http://127.0.0.1:{port}") };
        let (ready, http) = (format!("{}/readyz", instance.url), sandbox::http::client().unwrap());
        let started = Instant::now();
        while !http.get(&ready).send().await.is_ok_and(|reply| reply.status().is_success()) {
            let ended = instance.process.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < START_LIMIT,
                "an instance did not start: {ended:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        instance
    }

    /// What is resident of it, in KiB (proc(5), `VmRSS`).
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::main]
async fn main() {
    let options = PostgresOptions { durable: true, ..PostgresOptions::default() };
    let postgres = Postgres::start_with(options).await.unwrap();
    let database = testkit::migrated_database(&postgres).await.unwrap();
    let options = DeploymentOptions { database: Some((postgres, database)), ..DeploymentOptions::default() };
    let without_key = |config: &mut ServeConfig, _: &Slack| config.database.encryption_key = None;
    let mut deployment = LocalDeployment::prepare(options, without_key).await.unwrap();
    deployment.create_own_backend("waiting", KeyScopes::DEFAULT).await.unwrap();
    let key = deployment.keys.clone().unwrap().api_key;
    let key = key.as_str();

    let waited_on = Instance::start(deployment.database_url(), &deployment.slack).await;
    let deciding = Instance::start(deployment.database_url(), &deployment.slack).await;
    let http = sandbox::http::client().unwrap();
    let (there, elsewhere) =
        (Api::new(http.clone(), &waited_on.url, key), Api::new(http, &deciding.url, key));

    let asked: Vec<String> = stream::iter(0..WAITERS)
        .map(|number| {
            let ask =
                Ask::new(names::ALICE, "github", "create_issue", serde_json::json!({ "number": number }));
            let elsewhere = elsewhere.clone();
            async move { elsewhere.ask(&ask).await.id().to_owned() }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    // Both have the same connections open before, so that only what waits is counted.
    for id in &asked[..50] {
        assert_eq!(there.get(id).await.status, 200);
    }
    let before = waited_on.resident();
    let began = Instant::now();
    let mut waiting: Vec<_> = asked
        .iter()
        .map(|id| {
            let (there, id) = (there.clone(), id.clone());
            tokio::spawn(async move { (there.wait(&id, 55).await, Instant::now()) })
        })
        .collect();
    // Until all of them are there and have read what they wait for.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let held = waiting.iter().filter(|call| !call.is_finished()).count();
    let during = waited_on.resident();
    println!(
        "{held} calls wait on one instance: {:.1} MiB resident, {:.1} MiB before, {:.1} KiB a call",
        during / 1024.0,
        before / 1024.0,
        (during - before) / held as f64
    );

    let decided: Vec<(Instant, Instant)> = stream::iter(&asked[..DECISIONS])
        .map(|id| {
            let elsewhere = elsewhere.clone();
            async move {
                let sent = Instant::now();
                let reply = elsewhere.cancel(id).await;
                assert_eq!(reply.status, 200, "{reply:?}");
                (sent, Instant::now())
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let took = decided.last().unwrap().1 - decided[0].0;
    let (mut from_sent, mut from_committed) = (Vec::new(), Vec::new());
    for ((sent, committed), call) in decided.iter().zip(waiting.drain(..DECISIONS)) {
        let (reply, answered) = call.await.unwrap();
        assert_eq!(reply.approval_status(), "cancelled", "{reply:?}");
        from_sent.push(answered - *sent);
        // The waiting call may be answered before the one that decided.
        from_committed.push(answered.saturating_duration_since(*committed));
    }
    println!("{DECISIONS} decisions on another instance in {:.2} s, {AT_ONCE} at once", took.as_secs_f64());
    print_percentiles("from sending the decision to the answer, the decision itself included", from_sent);
    print_percentiles(
        "from the decision's own answer, which follows its commit, to the answer",
        from_committed,
    );

    let left = stream::iter(waiting).then(async |call| call.await.unwrap().0.status);
    let statuses: Vec<u16> = left.collect().await;
    let fine = statuses.iter().filter(|status| **status == 200).count();
    println!(
        "{fine} of the {} others were answered `pending` after {:.0} s",
        statuses.len(),
        began.elapsed().as_secs_f64()
    );
    drop((waited_on, deciding));
    deployment.stop().await.unwrap();
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into a thousand numbers"
)]
fn print_percentiles(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    println!(
        "{what}: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}
