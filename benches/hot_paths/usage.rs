//! What the parts of a measurement took of the machine: processor time, and writes of Postgres.

use std::{fs, time::Instant};

use crate::{Bench, load, world::World};

/// Clock ticks a second in `/proc`, the same on all Linux machines (`USER_HZ`).
const TICKS: f64 = 100.0;

/// The counters at one moment.
pub(crate) struct Usage {
    at: Instant,
    /// Processor time in seconds.
    service: f64,
    postgres: f64,
    load: f64,
    /// The local Slack and the receivers of webhooks.
    others: f64,
    /// Of all processors, everything included: busy, and waiting for the disk while idle.
    busy: f64,
    disk: f64,
    /// Bytes of WAL, and how often it was flushed.
    wal: f64,
    flushes: Option<f64>,
}

impl Usage {
    /// The counters now; zeros where the machine has no `/proc`.
    pub(crate) async fn now(bench: &Bench, world: &World) -> Self {
        let own = process("self").map_or(0.0, |process| process.own);
        let load = *load::PROCESSOR_TIME.lock().unwrap();
        let postgres = bench.postgres.folder().and_then(|folder| {
            let file = fs::read_to_string(folder.join("data/postmaster.pid")).ok()?;
            tree(file.lines().next()?)
        });
        let (busy, disk) = machine().unwrap_or_default();
        let wal = sqlx::query_scalar("SELECT (pg_current_wal_lsn() - '0/0')::float8");
        // Postgres 14 to 17.
        let flushes = sqlx::query_scalar("SELECT wal_sync::float8 FROM pg_stat_wal");
        Self {
            at: Instant::now(),
            service: world
                .instances
                .iter()
                .filter_map(|instance| process(&instance.id().to_string()))
                .map(|process| process.own)
                .sum(),
            postgres: postgres.unwrap_or_default(),
            load,
            others: own - load,
            busy,
            disk,
            wal: wal.fetch_one(&world.db).await.unwrap(),
            flushes: flushes.fetch_one(&world.db).await.ok(),
        }
    }

    /// The processor time of Postgres until then, for each of so many requests, in microseconds.
    pub(crate) fn postgres(&self, until: &Self, requests: f64) -> f64 {
        (until.postgres - self.postgres) / requests * 1_000_000.0
    }

    /// What was used until then, for each of so many requests.
    pub(crate) fn describe(&self, until: &Self, requests: usize) -> String {
        let requests = requests as f64;
        // A difference of whole ticks may be a little below zero.
        let each = |of: fn(&Self) -> f64| ((of(until) - of(self)) / requests * 1_000_000.0).max(0.0);
        let seconds = (until.at - self.at).as_secs_f64();
        let flushes = self
            .flushes
            .zip(until.flushes)
            .map_or(String::new(), |(from, to)| format!(", {:.2} flushes", (to - from) / requests));
        let time = format!(
            "processor time of each: service {:.0} µs, Postgres {:.0} µs, load {:.0} µs, Slack and receivers {:.0} µs",
            each(|usage| usage.service),
            each(|usage| usage.postgres),
            each(|usage| usage.load),
            each(|usage| usage.others),
        );
        let machine = format!(
            "the machine: {:.2} processors busy, {:.2} waiting for the disk; {:.1} KiB of WAL{flushes} for each",
            (until.busy - self.busy) / seconds,
            (until.disk - self.disk) / seconds,
            (until.wal - self.wal) / requests / 1024.0,
        );
        format!("{time}\n    {machine}")
    }
}

struct Process {
    parent: String,
    own: f64,
    /// With children that ended.
    with_ended: f64,
}

/// The processor time of a process, from proc(5), `/proc/[pid]/stat`.
fn process(id: &str) -> Option<Process> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in brackets, may contain anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let own = (ticks(11) + ticks(12)) / TICKS;
    Some(Process {
        parent: (*fields.get(1)?).to_owned(),
        own,
        with_ended: own + (ticks(13) + ticks(14)) / TICKS,
    })
}

/// The processor time of a process and its children, also of those that have ended.
fn tree(id: &str) -> Option<f64> {
    let mut all = process(id)?.with_ended;
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        if let Some(child) =
            name.to_str().filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).and_then(process)
            && child.parent == id
        {
            all += child.with_ended;
        }
    }
    Some(all)
}

/// The processor time of this thread so far, in seconds.
pub(crate) fn of_this_thread() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// Seconds of all processors: busy, and idle while waiting for the disk.
fn machine() -> Option<(f64, f64)> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> =
        text.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq.
    let busy: f64 = [0, 1, 2, 5, 6].iter().filter_map(|index| ticks.get(*index)).sum();
    Some((busy / TICKS, ticks.get(4)? / TICKS))
}

/// How many processes want to run, averaged over a minute: other work disturbs the figures.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|text| !text.is_empty()).unwrap_or("unknown").to_owned()
}
