//! The command line of Countersign.

use std::process::ExitCode;

use countersign::cli::{self, Cli};

/// Faster than the C library's on the path of every ask, and gives memory back after large bodies.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the one line that says why a command failed")]
async fn main() -> ExitCode {
    match cli::run(Cli::read()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("countersign: {error}");
            ExitCode::from(error.exit_status())
        }
    }
}
