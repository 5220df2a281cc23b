//! Standard output.

use crate::cli::error::CliError;

/// Writes a line to standard output.
pub(super) fn print(line: &str) -> Result<(), CliError> {
    use std::io::Write as _;
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}
