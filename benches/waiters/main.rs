//! How much waiting costs, and how fast an instance starts.
//!
//! `cargo bench --bench waiters`. One instance holds 10,000 calls that wait, each for an approval of its own. A second
//! instance takes 200 decisions a second. Then the first one's listening connection is cut, which makes every waiting
//! call read its approval again. The instances are processes of their own, release builds, on one Postgres that flushes
//! to disk; only the first one's memory is counted. The clients are raw sockets in this process.
//!
//! Both sides need files, 20,000 are enough (`ulimit -n`). With fewer it measures with fewer calls, and says so.
//! `WAITERS=2000` measures with so many.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that can't be taken ends here, and prints what it found otherwise"
)]

mod client;
mod instance;

use std::time::{Duration, Instant};

use countersign::{
    config::ServeConfig,
    domain::api_keys::KeyScopes,
    server::capacity::{self, Capacity},
};
use futures::{StreamExt as _, stream};
use sandbox::{
    backend::{Api, Ask},
    postgres::{Postgres, PostgresOptions},
    slack::{Slack, names},
};
use sqlx::{Connection as _, PgConnection};
use testkit::{DeploymentOptions, LocalDeployment};
use tokio::{task::JoinHandle, time::MissedTickBehavior};

use self::{
    client::{Answered, Client},
    instance::Instance,
};

/// How many calls wait.
const WAITERS: usize = 10_000;
/// How many event streams are open, on an instance of their own.
const STREAMS: usize = 2_000;
/// How many of the approvals are decided, at this rate.
const DECISIONS: usize = 2_000;
const DECISIONS_PER_SECOND: u32 = 200;
/// How many approvals are asked for, and how many calls begin to wait, at once.
const AT_ONCE: usize = 16;
/// Connections to Postgres that an instance has by default.
const DATABASE_CONNECTIONS: u32 = 20;
/// How many starts are measured.
const STARTS: usize = 5;

#[tokio::main]
async fn main() {
    let waiters = waiters();
    let options = PostgresOptions { durable: true, ..PostgresOptions::default() };
    let postgres = Postgres::start_with(options).await.unwrap();
    let database = testkit::migrated_database(&postgres).await.unwrap();
    let options = DeploymentOptions { database: Some((postgres, database)), ..DeploymentOptions::default() };
    let without_key = |config: &mut ServeConfig, _: &Slack| config.database.encryption_key = None;
    let mut deployment = LocalDeployment::prepare(options, without_key).await.unwrap();
    deployment.create_own_backend("waiting", KeyScopes::DEFAULT).await.unwrap();
    println!("{:58} {:>12} {:>12}", "", "measured", "goal");

    starts(&deployment).await;
    let asked = ask(&deployment, waiters).await;
    wait(&deployment, &asked).await;
    // The approvals at the end are still pending.
    follow(&deployment, &asked[asked.len() - STREAMS.min(asked.len() / 2)..]).await;
    deployment.stop().await.unwrap();
}

/// How many calls can wait: fewer than wanted if there are too few files.
fn waiters() -> usize {
    let wanted = std::env::var("WAITERS").ok().and_then(|text| text.parse().ok()).unwrap_or(WAITERS);
    let files = capacity::raise_file_limit().unwrap();
    let room = Capacity::for_limit(files, DATABASE_CONNECTIONS).waiters;
    if room < wanted {
        println!("Only {room} calls can wait, because {files} files may be open: see `ulimit -n`.");
    }
    wanted.min(room)
}

fn row(what: &str, measured: &str, goal: &str) {
    println!("{what:58} {measured:>12} {goal:>12}");
}

/// The time from the start of an instance until `/readyz` answers 200, and its memory while idle.
async fn starts(deployment: &LocalDeployment) {
    let (mut took, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let (instance, ready) = Instance::start(deployment).await;
        took.push(ready);
        tokio::time::sleep(Duration::from_secs(3)).await;
        resident.push(instance.resident());
    }
    took.sort_unstable();
    resident.sort_by(f64::total_cmp);
    let median = took[STARTS / 2].as_secs_f64() * 1000.0;
    row("start of `serve` until ready, median", &format!("{median:.0} ms"), "300 ms");
    row("resident while idle, median", &format!("{:.1} MiB", resident[STARTS / 2] / 1024.0), "30 MiB");
}

/// Pending approvals.
async fn ask(deployment: &LocalDeployment, count: usize) -> Vec<String> {
    let (instance, _) = Instance::start(deployment).await;
    let api = api(deployment, &instance);
    stream::iter(0..count)
        .map(|number| {
            let arguments = serde_json::json!({ "number": number });
            let ask = Ask::new(names::ALICE, "github", "create_issue", arguments);
            let api = api.clone();
            async move { api.ask(&ask).await.id().to_owned() }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

fn api(deployment: &LocalDeployment, instance: &Instance) -> Api {
    let key = &deployment.keys.as_ref().unwrap().api_key;
    Api::new(sandbox::http::client().unwrap(), &instance.url, key)
}

/// Calls that wait: their memory, how fast decisions reach them, and what a lost listening connection costs.
async fn wait(deployment: &LocalDeployment, asked: &[String]) {
    let (waited_on, _) = Instance::start(deployment).await;
    let (deciding, _) = Instance::start(deployment).await;
    let there = api(deployment, &waited_on);
    // Both have their connections to Postgres open before, so that only the waiting calls are counted.
    let reads = asked[..200.min(asked.len())].iter().map(|id| there.get(id));
    stream::iter(reads).buffer_unordered(AT_ONCE).for_each(async |reply| assert_eq!(reply.status, 200)).await;
    let before = waited_on.resident();
    let client = Client::new(deployment, &waited_on);
    let mut waiting: Vec<JoinHandle<Answered>> = Vec::new();
    for ids in asked.chunks(100) {
        let calls = ids.iter().map(|id| client.open(format!("/v1/approvals/{id}?wait=55")));
        waiting.extend(stream::iter(calls).buffered(AT_ONCE).map(Client::answer).collect::<Vec<_>>().await);
        // Each reads once before it waits, so this one is answered after most of them have.
        assert_eq!(there.get(&ids[0]).await.status, 200);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let held = waiting.iter().filter(|call| !call.is_finished()).count();
    let during = waited_on.resident();
    row("calls that wait on one instance", &held.to_string(), "10000");
    row("resident while they wait", &format!("{:.1} MiB", during / 1024.0), "");
    let each = format!("{:.1} KiB", (during - before) / held as f64);
    row("for each of them", &each, "16 KiB");

    let decisions = DECISIONS.min(asked.len() / 2);
    decide(deployment, &deciding, &asked[..decisions], waiting.drain(..decisions)).await;

    cut(deployment, &waited_on, &asked[decisions]).await;
    let open = waiting.iter().filter(|call| !call.is_finished()).count();
    row("calls that still wait", &open.to_string(), &(held - decisions).to_string());
    drop(waiting);
}

/// Takes decisions on another instance at an even rate, whether or not earlier ones have been answered.
async fn decide(
    deployment: &LocalDeployment,
    deciding: &Instance,
    ids: &[String],
    waiting: impl Iterator<Item = JoinHandle<Answered>>,
) {
    let elsewhere = api(deployment, deciding);
    let mut tick = tokio::time::interval(Duration::from_secs(1) / DECISIONS_PER_SECOND);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    let mut deciding = Vec::new();
    for id in ids {
        tick.tick().await;
        let (elsewhere, id) = (elsewhere.clone(), id.clone());
        deciding.push(tokio::spawn(async move {
            let sent = Instant::now();
            let reply = elsewhere.cancel(&id).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            (sent, Instant::now())
        }));
    }
    let (mut from_sent, mut from_committed) = (Vec::new(), Vec::new());
    let mut last = began;
    for (decided, call) in deciding.into_iter().zip(waiting) {
        let (sent, committed) = decided.await.unwrap();
        let answered = call.await.unwrap();
        assert!(answered.text.contains(r#""status":"cancelled""#), "{}", answered.text);
        from_sent.push(answered.at.saturating_duration_since(sent));
        // The waiting call may be answered before the one that decided.
        from_committed.push(answered.at.saturating_duration_since(committed));
        last = last.max(committed);
    }
    let rate = ids.len() as f64 / (last - began).as_secs_f64();
    row("decisions on another instance, per second", &format!("{rate:.0}"), "200");
    percentiles("from its answer, after the commit, to the waiting call's", from_committed, "20 ms");
    percentiles("from sending the decision to the waiting call's answer", from_sent, "");
}

fn percentiles(what: &str, mut times: Vec<Duration>, goal: &str) {
    times.sort_unstable();
    for (name, hundredths) in [("p50", 50), ("p99", 99), ("longest", 100)] {
        let time = times[(times.len() - 1) * hundredths / 100].as_secs_f64() * 1000.0;
        let goal = if name == "p99" { goal } else { "" };
        row(&format!("{what}, {name}"), &format!("{time:.1} ms"), goal);
    }
}

/// Cuts the listening connection. After the reconnect all waiting calls read their approvals, because a notification
/// may have been missed. Other calls must not notice.
async fn cut(deployment: &LocalDeployment, instance: &Instance, id: &str) {
    let there = api(deployment, instance);
    let mut db = PgConnection::connect(deployment.database_url()).await.unwrap();
    let worked = instance.worked();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .execute(&mut db)
    .await
    .unwrap();
    let (cut, mut others) = (Instant::now(), Vec::new());
    while cut.elapsed() < Duration::from_secs(4) {
        let sent = Instant::now();
        assert_eq!(there.get(id).await.status, 200);
        others.push(sent.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    percentiles("other reads while all waiting calls read again", others, "");
    let worked = instance.worked().saturating_sub(worked);
    row("processor time of that, all in all", &format!("{:.0} ms", worked.as_secs_f64() * 1000.0), "");
}

/// Event streams: their memory.
async fn follow(deployment: &LocalDeployment, ids: &[String]) {
    let (instance, _) = Instance::start(deployment).await;
    let there = api(deployment, &instance);
    let reads = ids[..200.min(ids.len())].iter().map(|id| there.get(id));
    stream::iter(reads).buffer_unordered(AT_ONCE).for_each(async |reply| assert_eq!(reply.status, 200)).await;
    let client = Client::new(deployment, &instance);
    let before = instance.resident();
    let calls = ids.iter().map(|id| client.open(format!("/v1/approvals/{id}/events")));
    let mut streams: Vec<_> = stream::iter(calls).buffered(AT_ONCE).collect().await;
    for stream in &mut streams {
        stream.read_past("\n\n").await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let each = (instance.resident() - before) / streams.len() as f64;
    row(&format!("for each of {} event streams", streams.len()), &format!("{each:.1} KiB"), "16 KiB");
}
