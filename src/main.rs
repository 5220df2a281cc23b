//! The command line of Countersign.

use std::process::ExitCode;

use countersign::cli::{self, Cli};

/// A request allocates some hundred times, mostly short texts. That took a fifth of its processor time with the
/// allocator of the C library.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the one line that says why a command failed")]
async fn main() -> ExitCode {
    match cli::run(Cli::read()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("countersign: {error}");
            ExitCode::FAILURE
        }
    }
}
