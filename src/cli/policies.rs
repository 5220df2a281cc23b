//! `countersign policy …`.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};

use crate::{
    cli::{error::CliError, output::print},
    domain::policy::{self, Policy},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check a file with rules, and run the tests in it
    #[command(after_help = "Example:
  countersign policy test refund-limits.yaml")]
    Test(Test),
    /// Print the JSON Schema of policies, for editors
    #[command(after_help = "Example:
  countersign policy schema > policy.schema.json")]
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// The file with the rules and their tests, in YAML
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(command: &Command) -> Result<(), CliError> {
    match command {
        Command::Test(test) => test.run(),
        Command::Schema => print(policy::SCHEMA.trim_end()),
    }
}

/// Reads and checks a file with rules, and runs its tests.
fn read(file: &PathBuf) -> Result<(String, Policy), CliError> {
    let shown = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| CliError::Usage(format!("could not read {shown}: {error}")))?;
    let policy = Policy::parse(&text)
        .map_err(|faults| CliError::Usage(format!("{shown} is not a valid policy:\n{faults}")))?;
    let failures = policy.failures();
    if failures.is_empty() {
        return Ok((text, policy));
    }
    let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let (failed, tests) = (failures.len(), policy.cases().len());
    Err(CliError::Usage(format!("{failed} of {tests} tests in {shown} failed:\n{}", lines.join("\n"))))
}

impl Test {
    fn run(&self) -> Result<(), CliError> {
        let (_, policy) = read(&self.file)?;
        print(&format!("{}, {} passed", rules(policy.rules().len()), tests(policy.cases().len())))
    }
}

fn rules(number: usize) -> String {
    format!("{number} rule{}", if number == 1 { "" } else { "s" })
}

fn tests(number: usize) -> String {
    format!("{number} test{}", if number == 1 { "" } else { "s" })
}
