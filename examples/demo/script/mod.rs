//! The whole story, played in the terminal. A chapter a file; every step goes over HTTP, and every webhook is verified.

mod always;
mod asking;
mod conversation;
mod ending;
mod refusing;
mod settings;
mod stage;

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use countersign::clock::Clock;

use self::stage::DemoContext;
use crate::{
    say::{Teller, say},
    world::World,
};

/// How often the demo's clock advances.
const TICK: Duration = Duration::from_millis(50);

/// The story's clock: it runs as clocks do, and can be put forward, so that no one waits for a request to expire.
pub(crate) fn clock() -> Clock {
    let now = Clock::system().now();
    Clock::manual(DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now))
}

/// Plays it, and says whether all of it held.
pub(crate) async fn play(world: &World) -> bool {
    let teller = Teller::begin();
    let held = tokio::select! {
        told = tell(world, &teller) => told.is_ok(),
        () = run(&world.clock) => false,
    };
    teller.end(held);
    held
}

async fn tell(world: &World, teller: &Teller) -> anyhow::Result<()> {
    let place =
        if world.postgres().folder().is_some() { "a Postgres of its own" } else { "DATABASE_URL's Postgres" };
    say(&format!(
        "Countersign at {}, on {place} ({}); a local Slack at {}.",
        world.url(),
        world.postgres().version(),
        world.slack.origin(),
    ));
    let stage = &mut DemoContext::set(world, teller).await?;
    let first = asking::play(stage).await?;
    let second = conversation::play(stage).await?;
    always::play(stage).await?;
    refusing::turned_off(stage, &first, &second).await?;
    refusing::locked(stage).await?;
    settings::play(stage).await?;
    refusing::expired(stage).await?;
    ending::play(stage).await
}

/// Lets time pass.
async fn run(clock: &Clock) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        clock.advance(TimeDelta::from_std(TICK).unwrap_or_default());
    }
}
