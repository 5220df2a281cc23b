//! `countersign policy …`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::{
    app,
    cli::{
        args::{self, WorkspaceArg},
        error::CliError,
        output::print,
        user_keys::must_be_member,
    },
    config::{DatabaseConfig, SlackConfig, postgres_url},
    domain::{
        audit::Actor,
        ids::WorkspaceId,
        policy::{self, Policy, PolicyReason, PolicyVersion},
    },
    service::{
        Service,
        policies::{self, Apply as NewPolicy},
        workspaces,
    },
    slack::web_api::users::People,
    storage::{Limits, tables::policies::StoredPolicy},
};

/// How many past requests new rules are tried on before they are put in force.
const TRIED: usize = 100;
/// Over which time.
const TRIED_OVER: TimeDelta = TimeDelta::days(90);
/// How many versions are listed.
const HISTORY: i64 = 50;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Put the rules in a file in force, after running its tests and showing what changes for the last 100 requests
    #[command(after_help = "Examples:
  countersign policy apply rules.yaml --reason \"Refunds over 500 ask\"
  countersign policy apply rules.yaml --expect 3")]
    Apply(Apply),
    /// Show how the rules in a file differ from those in force
    #[command(after_help = "Example:
  countersign policy diff rules.yaml")]
    Diff(File),
    /// Print the rules in force, or those of an earlier version
    #[command(after_help = "Examples:
  countersign policy show
  countersign policy show --version 3 > rules.yaml
  countersign policy show --history")]
    Show(Show),
    /// Check a file with rules, and run the tests in it
    #[command(after_help = "Examples:
  countersign policy test refund-limits.yaml
  countersign policy test rules.yaml --since 30d")]
    Test(Test),
    /// Print the JSON Schema of policies, for editors
    #[command(after_help = "Example:
  countersign policy schema > policy.schema.json")]
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct File {
    /// The file with the rules and their tests, in YAML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// Why, for the history. At most 500 characters
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<PolicyReason>,
    /// Only if this is the version in force; 0 for none
    #[arg(long, value_name = "VERSION")]
    expect: Option<i32>,
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    slack: SlackConfig,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// An earlier version
    #[arg(long, value_name = "VERSION", conflicts_with = "history")]
    version: Option<i32>,
    /// List the versions: who made them, when and why
    #[arg(long)]
    history: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// The file with the rules and their tests, in YAML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Also show which of the requests of this time the rules would have treated differently. Needs the database
    #[arg(long, value_name = "DAYSd", value_parser = days, requires = "database_url")]
    since: Option<TimeDelta>,
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// Postgres, for --since
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = postgres_url)]
    database_url: Option<SecretString>,
}

fn reason(text: &str) -> Result<PolicyReason, String> {
    PolicyReason::new(text).map_err(|fault| format!("it {fault}"))
}

fn days(text: &str) -> Result<TimeDelta, String> {
    let days =
        text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| (1..=3650).contains(days));
    days.and_then(TimeDelta::try_days).ok_or_else(|| "it should be a number of days, as 30d".to_owned())
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Apply(apply) => apply.run().await,
        Command::Diff(file) => file.diff().await,
        Command::Show(show) => show.run().await,
        Command::Test(test) => test.run().await,
        Command::Schema => print(policy::SCHEMA.trim_end()),
    }
}

/// Reads and checks a file with rules, and runs its tests.
fn read(file: &Path) -> Result<(String, Policy), CliError> {
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

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

type InForce = Option<(StoredPolicy, Arc<Policy>)>;

fn version_of(in_force: &InForce) -> i32 {
    in_force.as_ref().map_or(0, |(stored, _)| stored.version.get())
}

impl File {
    /// The service, the workspace, and the policy in force there.
    async fn open(&self) -> Result<(Service, WorkspaceId, InForce), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let in_force = policies::current(&service, workspace).await?;
        Ok((service, workspace, in_force))
    }

    async fn diff(self) -> Result<(), CliError> {
        let (text, _) = read(&self.file)?;
        let (_, _, in_force) = self.open().await?;
        let before = in_force.as_ref().map_or("", |(stored, _)| stored.text.as_str());
        if before == text {
            return print(&format!("No difference to version {}.", version_of(&in_force)));
        }
        for line in diff(before, &text) {
            print(&line)?;
        }
        Ok(())
    }
}

impl Apply {
    async fn run(self) -> Result<(), CliError> {
        let (text, policy) = read(&self.file.file)?;
        let (service, workspace, in_force) = self.file.open().await?;
        let version = version_of(&in_force);
        if self.expect.is_some_and(|expected| expected != version) {
            let message =
                format!("version {version} is in force: `countersign policy diff` shows the difference");
            return Err(CliError::Usage(message));
        }
        if in_force.as_ref().is_some_and(|(stored, _)| stored.text == text) {
            return print(&format!("Version {version} is the same. Nothing was changed."));
        }
        self.check_approvers(&service, workspace, &policy).await?;
        let since = service.now() - TRIED_OVER;
        let simulation = policies::simulate(&service, workspace, &policy, (since, TRIED)).await?;
        print(&simulation.to_string())?;
        let new = NewPolicy {
            text,
            expected: PolicyVersion::from_stored(version),
            reason: self.reason,
            actor: Actor::Operator,
        };
        let version = policies::apply(&service, workspace, &new, &policy).await?;
        let rules = counted(policy.rules().len(), "rule");
        print(&format!("Version {} is in force: {rules}. Every request is judged by it now.", version.get()))
    }
}

impl Apply {
    /// Asks Slack about everyone whom a rule names. Without approvers, the command needs no Slack.
    async fn check_approvers(
        &self,
        service: &Service,
        workspace: WorkspaceId,
        policy: &Policy,
    ) -> Result<(), CliError> {
        let named = policy.people();
        if named.is_empty() {
            return Ok(());
        }
        let slack_id = workspaces::slack_id(service, workspace).await?.unwrap_or_default();
        let client = app::slack_client(&self.slack, service, TaskTracker::new())?;
        let people = People::new(client, service.clone(), Vec::new());
        for person in named {
            let who = person.as_str();
            must_be_member(&people, &slack_id, person, who, "a rule can\u{2019}t name them as approvers")
                .await?;
        }
        Ok(())
    }
}

impl Show {
    async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        if self.history {
            return self.print_history(&policies::history(&service, workspace, HISTORY).await?);
        }
        let found = match self.version {
            Some(version) => policies::version(&service, workspace, version).await?,
            None => policies::current(&service, workspace).await?.map(|(stored, _)| stored),
        };
        match found {
            Some(stored) if self.json => print(&as_json(&stored).to_string()),
            Some(stored) => print(stored.text.trim_end()),
            None if self.version.is_some() => Err(CliError::Usage(
                "no such version: `countersign policy show --history` lists them".to_owned(),
            )),
            None if self.json => print("null"),
            None => print("No rules yet: whether an action is unlocked decides."),
        }
    }

    fn print_history(&self, history: &[StoredPolicy]) -> Result<(), CliError> {
        if self.json {
            let all: Vec<_> = history.iter().map(as_json).collect();
            return print(&serde_json::Value::Array(all).to_string());
        }
        for StoredPolicy { version, made_by, reason, made_at, .. } in history {
            let (version, at) = (version.get(), made_at.format("%Y-%m-%d %H:%M UTC"));
            print(
                format!("{version:>4}  {at}  {made_by}  {}", reason.as_deref().unwrap_or_default())
                    .trim_end(),
            )?;
        }
        Ok(())
    }
}

fn as_json(stored: &StoredPolicy) -> serde_json::Value {
    let StoredPolicy { version, text, made_by, reason, made_at } = stored;
    json!({ "version": version.get(), "made_by": made_by, "reason": reason, "made_at": made_at, "text": text })
}

impl Test {
    async fn run(self) -> Result<(), CliError> {
        let (_, policy) = read(&self.file)?;
        let (rules, tests) = (counted(policy.rules().len(), "rule"), counted(policy.cases().len(), "test"));
        print(&format!("{rules}, {tests} passed"))?;
        let (Some(since), Some(database_url)) = (self.since, self.database_url) else { return Ok(()) };
        let database = DatabaseConfig { database_url, encryption_key: None, limits: Limits::default() };
        let service = args::open(&database)?;
        let workspace = self.workspace.find(&service).await?;
        let since = service.now() - since;
        let simulation = policies::simulate(&service, workspace, &policy, (since, usize::MAX)).await?;
        print(&simulation.to_string())
    }
}

/// The lines that differ: those before with `-`, those after with `+`, between unchanged ones.
fn diff(before: &str, after: &str) -> Vec<String> {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same_start = before.iter().zip(&after).take_while(|(one, two)| one == two).count();
    let rest = before.len().min(after.len()) - same_start;
    let same_end =
        before.iter().rev().zip(after.iter().rev()).take(rest).take_while(|(one, two)| one == two).count();
    let removed = before.iter().take(before.len() - same_end).skip(same_start).map(|line| format!("-{line}"));
    let added = after.iter().take(after.len() - same_end).skip(same_start).map(|line| format!("+{line}"));
    let place = format!("@@ line {} @@", same_start + 1);
    std::iter::once(place).chain(removed).chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_begins_and_ends_where_lines_differ() {
        assert_eq!(diff("a\nb\nc\n", "a\nx\ny\nc\n"), ["@@ line 2 @@", "-b", "+x", "+y"]);
        assert_eq!(diff("", "a\n"), ["@@ line 1 @@", "+a"]);
        assert_eq!(diff("a\na\n", "a\n"), ["@@ line 2 @@", "-a"]);
    }

    #[test]
    fn days_are_read() {
        assert_eq!(days("30d"), Ok(TimeDelta::days(30)));
        assert!(days("30").is_err() && days("0d").is_err() && days("d").is_err());
    }
}
