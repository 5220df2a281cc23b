//! The whole story, played in the terminal. A chapter a file; every step goes over HTTP, and every webhook is verified.

mod always;
mod asking;
mod conversation;
mod editing;
mod ending;
mod refusing;
mod settings;
mod stage;

use self::stage::DemoContext;
use crate::{
    say::{Teller, say},
    world::World,
};

/// Plays it, and says whether all of it held.
pub(crate) async fn play(world: &World) -> bool {
    let teller = Teller::begin();
    let held = tell(world, &teller).await.is_ok();
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
    editing::play(stage).await?;
    refusing::turned_off(stage, &first, &second).await?;
    refusing::locked(stage).await?;
    settings::play(stage).await?;
    refusing::expired(stage).await?;
    ending::play(stage).await
}
