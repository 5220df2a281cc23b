//! 200 clicks a second, of 100 users, at a rate that does not depend on the answers: each click's time counts from when
//! it was due.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::{
    Bench,
    http::Connection,
    load,
    receiver::Receiver,
    request::{self, LOCKED_ACTION, USERS},
    table::{Goal, Row, Table, median, milliseconds},
    usage::Usage,
    world::World,
};

/// Clicks a second.
const RATE: u64 = 200;
/// How long prompts may take to be posted before the clicks, and webhooks to arrive after them.
const PROMPTS: Duration = Duration::from_mins(1);
const WEBHOOKS: Duration = Duration::from_secs(10);

/// What one run of clicks measured, in milliseconds.
pub(crate) struct Clicks {
    /// From the click to the answer.
    pub(crate) answered: Vec<f64>,
    /// From the click to the webhook.
    pub(crate) delivered: Vec<f64>,
}

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let receiver = Receiver::start(Duration::ZERO).await;
    let world = World::begin_with(bench, &bench.settings.program, 1, &receiver.url).await;
    world.warm_up(bench).await;
    let (mut p50, mut answered, mut delivered) = (vec![], vec![], vec![]);
    let mut used = String::new();
    for _ in 0..bench.settings.runs {
        let prepared = Prepared::new(&world, bench.settings.time).await;
        let usage = Usage::now(bench, &world).await;
        let measured = prepared.click(&receiver).await;
        used = usage.describe(&Usage::now(bench, &world).await, measured.answered.len());
        p50.push(load::percentile(measured.answered.clone(), 0.5));
        answered.push(load::percentile(measured.answered, 0.99));
        delivered.push(load::percentile(measured.delivered, 0.99));
    }
    report(table, "", median(answered), median(delivered));
    table.note(&format!("p50 of the answer {}", milliseconds(median(p50))));
    table.note(&used);
    world.end(bench).await;
}

/// The two lines of the table.
pub(crate) fn report(table: &mut Table, when: &str, answered: f64, delivered: f64) {
    let name = format!("click to its 200, 200 clicks/s{when}, p99");
    table.row(&Row::figure(&name, milliseconds(answered)).goal(answered, Goal::AtMost(20.0)));
    let name = format!("click to the webhook{when}, p99");
    table.row(&Row::figure(&name, milliseconds(delivered)).goal(delivered, Goal::AtMost(100.0)));
}

/// Prompts to click on.
pub(crate) struct Prepared {
    address: SocketAddr,
    secret: String,
    /// User and approval.
    prompts: Vec<(String, String)>,
}

impl Prepared {
    pub(crate) async fn new(world: &World, time: Duration) -> Self {
        let count = usize::try_from(RATE * time.as_secs()).unwrap();
        let already: i64 =
            sqlx::query_scalar("SELECT count(*) FROM outbox WHERE kind = 'prompt' AND done_at IS NULL")
                .fetch_one(&world.db)
                .await
                .unwrap();
        let first = world.ask_pending(LOCKED_ACTION, 0..USERS).await;
        let prompts = world.ask_pending(LOCKED_ACTION, 0..count).await;
        world.settle("prompt", already, PROMPTS).await;
        let (address, secret) = (world.address(), world.slack.signing_secret());
        // Who these users are is known for a minute afterwards.
        let mut connection = Connection::open(address).await.unwrap();
        for (user, approval) in first {
            let click = request::approve(&secret, &user, &approval);
            let response = connection.call_until_taken(&click).await;
            assert_eq!(response.status, 200, "{}", response.text());
        }
        world.settle("webhook", 0, WEBHOOKS).await;
        Self { address, secret, prompts }
    }

    pub(crate) async fn click(self, receiver: &Receiver) -> Clicks {
        receiver.take();
        let count = self.prompts.len();
        let (due, answered) = load::on_own_thread(move || self.send()).await;
        let waited = Instant::now();
        while receiver.count() < count && waited.elapsed() < WEBHOOKS {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let delivered: Vec<f64> = receiver
            .take()
            .into_iter()
            .filter_map(|(at, approval)| Some((at - *due.get(&approval)?).as_secs_f64() * 1000.0))
            .collect();
        if delivered.len() < count {
            let late = format!("a click's webhook did not arrive within {} s", WEBHOOKS.as_secs());
            load::note_failures(late, count - delivered.len());
        }
        Clicks { answered, delivered }
    }

    /// Sends each click when it is due: when that was, by approval, and how long the answers took.
    async fn send(self) -> (HashMap<String, Instant>, Vec<f64>) {
        let free = Arc::new(Mutex::new(Vec::new()));
        let started = Instant::now();
        let (mut all_due, mut calls) = (HashMap::new(), Vec::new());
        for (number, (user, approval)) in self.prompts.into_iter().enumerate() {
            let due = started + Duration::from_secs_f64(number as f64 / RATE as f64);
            tokio::time::sleep_until(due.into()).await;
            let click = request::approve(&self.secret, &user, &approval);
            all_due.insert(approval, due);
            let (free, address) = (free.clone(), self.address);
            calls.push(tokio::spawn(async move {
                let idle = free.lock().unwrap().pop();
                let mut connection = match idle {
                    Some(connection) => connection,
                    None => Connection::open(address).await.map_err(|error| error.to_string())?,
                };
                let response = connection.call(&click).await.map_err(|error| error.to_string())?;
                if response.status != 200 {
                    return Err(format!("{} {}", response.status, response.text()));
                }
                free.lock().unwrap().push(connection);
                Ok(due.elapsed().as_secs_f64() * 1000.0)
            }));
        }
        let mut answered = Vec::new();
        for call in calls {
            match call.await.unwrap() {
                Ok(time) => answered.push(time),
                Err(error) => load::note_failures(error, 1),
            }
        }
        (all_due, answered)
    }
}
