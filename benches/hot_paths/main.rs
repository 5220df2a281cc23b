//! The two hot paths under a bounded load on loopback: asks that a grant approves, and clicks.
//!
//! `cargo bench --bench hot_paths` runs each for some seconds over 32 connections, and `pgbench` with the statements of
//! an ask at 32 clients beside them, on a Postgres of its own that really flushes to disk; then both once more with
//! 87,000 requests pending, whose prompts and webhooks wait. `SECONDS=30` runs longer.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints, reads the clock, and stops where something is missing"
)]

mod backlog;
mod pgbench;
mod world;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;

use self::world::{USERS, World};

/// How many connections ask or click at the same time.
const CONNECTIONS: usize = 32;
/// How many approvals there are to click on.
const CLICKS: usize = 3000;

#[tokio::main]
async fn main() {
    let seconds = std::env::var("SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let limit = Duration::from_secs(seconds);
    let world = World::begin().await;
    println!(
        "{CONNECTIONS} connections, {USERS} users, {seconds} s each; Postgres {}",
        world.postgres().version()
    );
    println!("{:42} {:>8} {:>9} {:>9} {:>9}", "", "per s", "p50 ms", "p99 ms", "max ms");
    asks(&world, Duration::from_secs(2)).await;
    report("asks, approved by a grant (HTTP)", &asks(&world, limit).await);
    pgbench::run(&world, CONNECTIONS, seconds).await;
    report("clicks on Approve (HTTP, signed)", &clicks(&world, limit).await);
    backlog::pile_up(world.database_url()).await;
    println!("with {} requests, prompts and webhooks also waiting:", backlog::MANY);
    report("asks, approved by a grant (HTTP)", &asks(&world, limit).await);
    report("clicks on Approve (HTTP, signed)", &clicks(&world, limit).await);
    world.end().await;
}

/// How long each took, and all together.
struct Measured {
    each: Vec<Duration>,
    all: Duration,
}

/// Does something over and over on every connection until the time is up or nothing is left.
async fn load<F: Future<Output = bool> + Send>(
    limit: Duration,
    once: impl Fn(usize, usize) -> F + Clone + Send + Sync + 'static,
) -> Measured {
    let started = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|worker| {
            let once = once.clone();
            async move {
                let mut each = Vec::new();
                let mut round = 0;
                while started.elapsed() < limit {
                    let begun = Instant::now();
                    if !once(worker, round).await {
                        break;
                    }
                    each.push(begun.elapsed());
                    round += 1;
                }
                each
            }
        })
        .collect();
    let each = futures::future::join_all(workers).await.concat();
    Measured { each, all: started.elapsed() }
}

async fn asks(world: &World, limit: Duration) -> Measured {
    let (http, url, key) = (world.http.clone(), format!("{}/v1/approvals", world.url), world.key.clone());
    load(limit, move |worker, round| {
        let user = world::user((worker * 7 + round) % USERS);
        let call =
            http.post(&url).bearer_auth(&key).json(&world::request(&user, &format!("run-{worker}-{round}")));
        async move {
            let answer: serde_json::Value = call.send().await.unwrap().json().await.unwrap();
            assert_eq!(answer["status"], "approved", "{answer}");
            true
        }
    })
    .await
}

async fn clicks(world: &World, limit: Duration) -> Measured {
    let pending = std::sync::Arc::new(world.ask_pending(CLICKS).await);
    let next = std::sync::Arc::new(AtomicUsize::new(0));
    let (http, url) = (world.http.clone(), format!("{}/slack/interactivity", world.url));
    let secret = world.slack.signing_secret();
    load(limit, move |_, _| {
        let taken = pending.get(next.fetch_add(1, Ordering::Relaxed)).cloned();
        let (http, url, secret) = (http.clone(), url.clone(), secret.clone());
        async move {
            let Some((user, approval)) = taken else { return false };
            let payload = json!({
                "type": "block_actions", "team": { "id": sandbox::slack::names::TEAM }, "user": { "id": user },
                "actions": [{ "action_id": "approve", "value": approval }],
            });
            let body = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("payload", &payload.to_string())
                .finish();
            let timestamp = chrono::Utc::now().timestamp();
            let signature = sandbox::slack::sign(&secret, timestamp, body.as_bytes());
            let answer = http
                .post(&url)
                .header("x-slack-request-timestamp", timestamp)
                .header("x-slack-signature", signature)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
            true
        }
    })
    .await
}

fn report(name: &str, measured: &Measured) {
    let mut each = measured.each.clone();
    each.sort_unstable();
    let at = |fraction: f64| {
        let index = ((each.len() as f64 * fraction) as usize).min(each.len().saturating_sub(1));
        each.get(index).copied().unwrap_or_default().as_secs_f64() * 1000.0
    };
    let rate = each.len() as f64 / measured.all.as_secs_f64();
    println!("{name:42} {rate:>8.0} {:>9.2} {:>9.2} {:>9.2}", at(0.5), at(0.99), at(1.0));
}
