//! `countersign doctor`.

use clap::Args;

use crate::{
    cli::{error::CliError, output::print},
    clock::Clock,
    config::ServeConfig,
    doctor::{
        self,
        finding::{Finding, State},
    },
    entropy::Entropy,
};

#[derive(Debug, Args)]
pub(super) struct Command {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ServeConfig,
}

/// Prints one line for each finding. Returns an error if any of them is a failure.
pub(super) async fn run(command: Command) -> Result<(), CliError> {
    let findings = doctor::examine(command.config, Clock::system(), Entropy::system()).await?;
    if command.json {
        print(&serde_json::to_string_pretty(&findings).unwrap_or_default())?;
    } else {
        for finding in &findings {
            print(&line(finding))?;
        }
    }
    match findings.iter().filter(|finding| finding.state == State::Failed).count() {
        0 => Ok(()),
        1 => Err(CliError::Unhealthy("1 problem to fix".to_owned())),
        count => Err(CliError::Unhealthy(format!("{count} problems to fix"))),
    }
}

fn line(finding: &Finding) -> String {
    let state = match finding.state {
        State::Ok => "ok  ",
        State::Warning => "warn",
        State::Failed => "FAIL",
    };
    let fix = finding.fix.as_ref().map(|fix| format!(" -> {fix}")).unwrap_or_default();
    format!("{state}  {:15} {}{fix}", finding.check, finding.found)
}
