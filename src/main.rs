//! The command line of Countersign.

use std::process::ExitCode;

use countersign::cli::{self, Cli};
use tokio::runtime::Runtime;

/// Faster than the C library's on the path of every ask, and gives memory back after large bodies.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[expect(clippy::print_stderr, reason = "the one line that says why a command failed")]
fn main() -> ExitCode {
    let cli = Cli::read();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("countersign: could not start threads: {error}");
            // A hook must block the call.
            return ExitCode::from(2);
        }
    };
    let ended = runtime.block_on(cli::run(cli));
    // Looking up a name can't be interrupted, and must not keep the process from ending.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("countersign: {error}");
            ExitCode::from(error.exit_status())
        }
    }
}
