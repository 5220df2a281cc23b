//! The load: connections that ask again as soon as they are answered, on one thread.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::Range,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use futures::future::join_all;
use tokio::sync::oneshot;

use crate::{http::Connection, request::Ask, usage};

/// Connections that do the same.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) ask: Ask,
    /// Whose requests these are: each connection takes the users in turn.
    pub(crate) users: Range<usize>,
    /// What an approval should be.
    pub(crate) status: &'static str,
}

/// What a group's calls took, and how many failed.
#[derive(Default)]
pub(crate) struct Measured {
    /// Each answered call, in milliseconds.
    pub(crate) each: Vec<f64>,
    /// What went wrong how often.
    pub(crate) errors: BTreeMap<String, usize>,
    /// The whole time, in seconds.
    pub(crate) seconds: f64,
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        self.each.len() as f64 / self.seconds
    }

    /// The time within which this part of the calls was answered, in milliseconds.
    pub(crate) fn at(&self, part: f64) -> f64 {
        percentile(self.each.clone(), part)
    }

    /// Counts the calls that failed, and fails the benchmark at its end if there are any.
    pub(crate) fn without_errors(self) -> Self {
        for (error, count) in &self.errors {
            note_failures(error.clone(), *count);
        }
        self
    }
}

/// What calls failed of which none may, and how often, since it was last taken.
static FAILURES: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Counts calls that failed. The benchmark goes on, and fails at its end.
pub(crate) fn note_failures(error: String, count: usize) {
    *FAILURES.lock().unwrap().entry(error).or_default() += count;
}

/// All that failed since the last call.
pub(crate) fn take_failures() -> BTreeMap<String, usize> {
    std::mem::take(&mut *FAILURES.lock().unwrap())
}

/// The value below which this part of the values is.
pub(crate) fn percentile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let index = ((values.len() as f64 * part) as usize).min(values.len().saturating_sub(1));
    values.get(index).copied().unwrap_or(f64::NAN)
}

/// The processor time that the load took so far, in seconds.
pub(crate) static PROCESSOR_TIME: Mutex<f64> = Mutex::new(0.0);

/// Does something on a thread of its own, the only one of the load.
pub(crate) async fn on_own_thread<T: Send + 'static, F: Future<Output = T>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> T {
    let (done, result) = oneshot::channel();
    let thread = thread::Builder::new().name("load".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let result = runtime.block_on(work());
        *PROCESSOR_TIME.lock().unwrap() += usage::of_this_thread();
        let _ = done.send(result);
    });
    thread.unwrap();
    result.await.unwrap()
}

/// All groups at the same time, for some time: what each measured.
pub(crate) async fn run(groups: Vec<Group>, time: Duration) -> Vec<Measured> {
    on_own_thread(move || async move { join_all(groups.into_iter().map(|group| group.run(time))).await })
        .await
}

/// One group that must not fail.
pub(crate) async fn run_one(group: Group, time: Duration) -> Measured {
    run(vec![group], time).await.remove(0).without_errors()
}

impl Group {
    async fn run(self, time: Duration) -> Measured {
        let started = Instant::now();
        let connections =
            (0..self.connections).map(|number| self.clone().keep_asking(number, started + time));
        let mut all = Measured::default();
        for part in join_all(connections).await {
            all.each.extend(part.each);
            for (error, count) in part.errors {
                *all.errors.entry(error).or_default() += count;
            }
        }
        all.seconds = started.elapsed().as_secs_f64();
        all
    }

    async fn keep_asking(mut self, number: usize, until: Instant) -> Measured {
        let mut measured = Measured::default();
        let mut connection = match Connection::open(self.address).await {
            Ok(connection) => connection,
            Err(error) => {
                measured.errors.insert(error.to_string(), 1);
                return measured;
            }
        };
        let mut round = number * 7;
        while Instant::now() < until {
            let user = self.users.start + round % self.users.len();
            round += 1;
            let begun = Instant::now();
            match connection.call(self.ask.for_user(user)).await {
                Ok(response) if response.status == 201 && response.has_status(self.status) => {
                    measured.each.push(begun.elapsed().as_secs_f64() * 1000.0);
                }
                Ok(response) => {
                    let error = format!("{} {}", response.status, response.text());
                    *measured.errors.entry(error).or_default() += 1;
                }
                // The connection is gone.
                Err(error) => {
                    *measured.errors.entry(error.to_string()).or_default() += 1;
                    break;
                }
            }
        }
        measured
    }
}
