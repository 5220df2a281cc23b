//! The row of one action held locked for 5 s, or as long as a measurement takes if that is less, as by an admin's transaction that hangs.

use std::time::{Duration, Instant};

use crate::{
    Bench,
    http::Connection,
    load::{self, Group},
    request::{ACTION, ASKING, Ask, OTHER_ACTION},
    table::{Goal, Row, Table, median, milliseconds},
    world::World,
};

/// How long the lock is held at most.
const HELD: Duration = Duration::from_secs(5);
/// How many connections ask for the locked action, and how many for another one.
const BLOCKED: usize = 16;
const OTHERS: usize = 48;
/// How long a blocked call may take, after the lock is released too.
const LIMIT: Duration = Duration::from_secs(15);

pub(crate) async fn run(bench: &Bench, table: &mut Table) {
    let world = World::begin(bench, &bench.settings.program).await;
    world.grant(OTHER_ACTION).await;
    world.warm_up(bench).await;
    let others = || Group { ask: Ask::new(&world.key, OTHER_ACTION), ..world.asks(OTHERS) };
    let held = HELD.min(bench.settings.time);
    let (mut without, mut with, mut ratios) = (vec![], vec![], vec![]);
    let (mut usual_without, mut usual_with, mut usual_ratios) = (vec![], vec![], vec![]);
    let (mut answered, mut refused) = (0, std::collections::BTreeMap::<String, usize>::new());
    for _ in 0..bench.settings.runs {
        let before = load::run_one(others(), held).await;
        let mut lock = world.db.begin().await.unwrap();
        sqlx::query("SELECT FROM actions WHERE key = $1 FOR UPDATE")
            .bind(ACTION)
            .execute(&mut *lock)
            .await
            .unwrap();
        let started = Instant::now();
        let blocked: Vec<_> = (0..BLOCKED).map(|number| tokio::spawn(ask_once(&world, number))).collect();
        let during = load::run(vec![others()], held).await.remove(0);
        tokio::time::sleep(held.saturating_sub(started.elapsed())).await;
        lock.rollback().await.unwrap();
        for call in blocked {
            match call.await.unwrap() {
                Ok(()) => answered += 1,
                Err(error) => *refused.entry(error).or_default() += 1,
            }
        }
        if !during.errors.is_empty() {
            table.fault(format!("asks for other actions failed: {:?}", during.errors));
        }
        without.push(before.at(0.99));
        with.push(during.at(0.99));
        ratios.push(during.at(0.99) / before.at(0.99));
        usual_without.push(before.at(0.9));
        usual_with.push(during.at(0.9));
        usual_ratios.push(during.at(0.9) / before.at(0.9));
    }
    table.row(&Row::ratio(
        "p90 of asks while another action's row is locked",
        milliseconds(median(usual_with)),
        format!("without the lock: {}", milliseconds(median(usual_without))),
        median(usual_ratios),
        Some(Goal::AtMost(1.0)),
    ));
    table.row(
        &Row::ratio(
            "p99 of asks while another action's row is locked",
            milliseconds(median(with)),
            format!("without the lock: {}", milliseconds(median(without))),
            median(ratios),
            Some(Goal::AtMost(1.0)),
        )
        .with_slack(f64::INFINITY),
    );
    let (all, refused) = (BLOCKED * bench.settings.runs, format!("{refused:?}"));
    table.note(&format!(
        "{answered} of {all} asks for the locked action were approved, the others: {refused}"
    ));
    world.end(bench).await;
}

/// One ask for the locked action, of a client that tries again when it is told to.
fn ask_once(world: &World, number: usize) -> impl Future<Output = Result<(), String>> + 'static {
    let (address, mut ask) = (world.address(), Ask::new(&world.key, ACTION));
    async move {
        let started = Instant::now();
        let request = ask.for_user(number % ASKING).to_vec();
        loop {
            let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
            let call = tokio::time::timeout(LIMIT, connection.call(&request)).await;
            let response = call.map_err(|_| "no answer".to_owned())?.map_err(|error| error.to_string())?;
            match response.status {
                201 => return Ok(()),
                503 if started.elapsed() < LIMIT => {}
                status => return Err(format!("{status} {}", response.text())),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}
