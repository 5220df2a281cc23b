//! The command line of Countersign.

use countersign::cli::{self, Cli};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Ok(cli::run(Cli::read()).await?)
}
