//! The command line of Countersign.

use clap::Parser as _;
use countersign::cli::{self, Cli};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Ok(cli::run(Cli::parse()).await?)
}
