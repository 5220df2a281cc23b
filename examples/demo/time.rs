//! The demo's clock: it runs as the machine's does, and can be put forward, so that no one waits for a request to expire.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use countersign::clock::Clock;
use sandbox::ambient::TimeSkip;

/// How often the clock advances.
const TICK: Duration = Duration::from_millis(50);
/// The most that it is put forward at once. What happens by the clock then happens in its order, also within a day.
const LEAP: TimeDelta = TimeDelta::minutes(30);
/// The pause between leaps, in ticks: a webhook that is sent in it arrives in it, and is not taken for an old one.
const PAUSE: u32 = 5;

/// The clock, and what puts it forward.
#[derive(Debug)]
pub(crate) struct Time {
    clock: Clock,
    /// What is to be skipped still.
    owed: Arc<Mutex<TimeDelta>>,
}

impl Time {
    /// Starts the clock. It runs until the process ends.
    pub(crate) fn start() -> Self {
        let time = Self { clock: Clock::manual(Clock::system().now()), owed: Arc::default() };
        tokio::spawn(run(time.clock.clone(), time.owed.clone()));
        time
    }

    /// The clock.
    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// What puts it forward.
    pub(crate) fn skip(&self) -> TimeSkip {
        let owed = self.owed.clone();
        TimeSkip::from_fn(move |by| *owed.lock().unwrap_or_else(PoisonError::into_inner) += by)
    }
}

async fn run(clock: Clock, owed: Arc<Mutex<TimeDelta>>) {
    let machine = Clock::system();
    let mut last = machine.now();
    let mut ticks = tokio::time::interval(TICK);
    let mut pause = 0;
    loop {
        ticks.tick().await;
        let leap = if pause > 0 {
            pause -= 1;
            TimeDelta::zero()
        } else {
            let mut owed = owed.lock().unwrap_or_else(PoisonError::into_inner);
            let leap = LEAP.min(*owed);
            *owed -= leap;
            leap
        };
        if leap > TimeDelta::zero() {
            pause = PAUSE;
        }
        let now = machine.now();
        clock.advance((now - last).max(TimeDelta::zero()) + leap);
        last = now;
    }
}
