//! Standard output.

use crate::cli::error::CliError;

/// Writes a line to standard output.
pub(super) fn print(line: &str) -> Result<(), CliError> {
    use std::io::Write as _;
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}

/// Writes text that has its own line ends to standard output.
pub(super) fn print_text(text: &str) -> Result<(), CliError> {
    use std::io::Write as _;
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
