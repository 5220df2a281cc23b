//! Countersign with nothing but this repository: `cargo run --example demo`.
//!
//! Starts a Postgres of its own, the service, a local Slack with a web page and an agent backend, and says what to try.
//! With `--script` the whole story is played in the terminal instead, each step checked over HTTP.
//!
//! | module | what |
//! | --- | --- |
//! | `world` | everything that runs, started and stopped together |
//! | `show` | the page, with a prompt waiting on it |
//! | `script` | the story, a chapter a file |
//! | `time` | the clock, which can be put forward |
//! | `say` | what is written to the terminal |

mod say;
mod script;
mod show;
mod time;
mod world;

use std::{
    pin::{Pin, pin},
    process::ExitCode,
};

use clap::Parser as _;
use countersign::{shutdown, telemetry};

use self::{
    say::{reason, say, warn},
    time::Time,
    world::World,
};

/// Try Countersign: a Postgres, the service, a local Slack and an agent backend, all on this machine.
///
/// The Postgres is a database on the server that `DATABASE_URL` names, else one of the machine's own binaries in a fresh
/// folder, else a downloaded one, which is kept. Nothing is left running. `RUST_LOG=info` shows what the service logs.
#[derive(Debug, clap::Parser)]
#[command(name = "demo", max_term_width = 110)]
struct Options {
    /// Play the whole story here in the terminal; the exit status is 0 only if all of it held
    #[arg(long)]
    script: bool,

    /// The port of the local Slack's page [default: 8181, or any that is free]
    #[arg(long, conflicts_with = "script")]
    port: Option<u16>,

    /// Webhook address of your own backend; the demo creates the backend and prints its key and secret. After the
    /// demo's clock was put forward, webhooks are signed ahead of your backend's clock, which refuses them
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8000/webhook",
        conflicts_with = "script"
    )]
    webhook_url: String,

    /// Let Slack send through connections that the service opens (Socket Mode), instead of posting to it
    #[arg(long)]
    socket_mode: bool,
}

/// How the demo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All of it held.
    Well,
    /// Something did not hold; it has been said.
    Badly,
    /// It was told to stop.
    Told,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    if std::env::var_os("RUST_LOG").is_some() {
        telemetry::start_logging();
    }
    let end = match run(&options, pin!(shutdown::requested())).await {
        Ok(end) => end,
        Err(error) => {
            warn(&format!("The demo can't continue: {}", reason(&error)));
            End::Badly
        }
    };
    // Telling the page to stop is how it ends; a story that was told to stop has not held.
    if end == End::Well || (end == End::Told && !options.script) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs it all, and takes it all down again, however it ends.
async fn run(options: &Options, mut stop: Pin<&mut impl Future<Output = ()>>) -> anyhow::Result<End> {
    let time = Time::start();
    // What is under way when this is dropped ends with the process: the sandbox sees to its Postgres.
    let world = tokio::select! {
        world = World::start(&time, options.port, options.socket_mode) => world?,
        () = &mut stop => return Ok(End::Told),
    };
    let result = tokio::select! {
        result = act(options, &world) => result,
        () = &mut stop => Ok(End::Told),
    };
    if result.as_ref().is_ok_and(|end| *end == End::Told) {
        say("\nStopping.");
    }
    tokio::select! {
        () = world.stop() => {}
        () = shutdown::requested() => warn("Stopped at once."),
    }
    result
}

async fn act(options: &Options, world: &World) -> anyhow::Result<End> {
    if options.script {
        return Ok(if script::play(world).await { End::Well } else { End::Badly });
    }
    show::open(world, &options.webhook_url).await?;
    std::future::pending().await
}
