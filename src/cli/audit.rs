//! `countersign audit …`.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    cli::{
        actions,
        args::{self, WorkspaceArg},
        audit_log,
        error::CliError,
        grants,
        output::{print, print_text},
    },
    config::DatabaseConfig,
    domain::{
        action_path::ActionPath,
        audit::{ActorKind, AuditAction},
        audit_search::{AuditFilter, AuditLine, Topic},
        ids::UserId,
    },
    service::{
        Service,
        search_audit::{self, Order, Search},
    },
};

/// How many entries are read at once.
const BATCH: i64 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the newest entries that match: who did what, when and why
    #[command(after_help = "Examples:
  countersign audit search --user U012AB3CD --since 7d
  countersign audit search --outcome denied --action stripe.create_refund
  countersign audit search --outcome everything --agent atlas --since 2026-09-01 --until 2026-10-01 --json")]
    Search(SearchArgs),
    /// Print all entries that match, oldest first: a JSON value a line, or CSV
    #[command(after_help = "Examples:
  countersign audit export > audit.ndjson
  countersign audit export --outcome decisions --since 2026-09-01 --csv > september.csv")]
    Export(ExportArgs),
    /// Check that an exported log is as it was sealed: nothing is missing, changed, moved or added. Works offline. Exits with 3
    /// if it is not
    #[command(after_help = "Examples:
  countersign audit verify ./log --jwks jwks.json
  countersign audit verify ./log --jwks jwks.json --since checkpoint-of-last-year")]
    Verify(audit_log::Verify),
    /// Write the log that seals the audit to a directory: entries, hashes and the last checkpoint
    #[command(after_help = "Example:
  countersign audit export-log ./log")]
    ExportLog(audit_log::Export),
    /// Begin another log, after the database lost sealed entries. Run it with the database role that owns the tables
    #[command(after_help = "Example:
  countersign audit begin-log --abandon-present-log")]
    BeginLog(audit_log::Begin),
}

#[derive(Debug, Args)]
struct FilterArgs {
    /// Only entries of this Slack user id: what they did, and what was asked of them
    #[arg(long, value_name = "U…", value_parser = grants::user)]
    user: Option<UserId>,
    /// Only entries about this action
    #[arg(long, value_name = "INTEGRATION.ACTION", value_parser = actions::path)]
    action: Option<ActionPath>,
    /// Only entries about requests of this agent, by id or name
    #[arg(long)]
    agent: Option<String>,
    /// Only entries of this kind, as approval.denied. Repeat it for several
    #[arg(long, value_name = "NOUN.VERB", value_parser = what)]
    what: Vec<AuditAction>,
    /// From when on: 2026-09-21, 2026-09-21T08:00:00Z, or as long ago as 12h or 30d
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<When>,
    /// Until when, which is not included
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<When>,
}

/// Which entries, in one word.
const TOPICS: &str =
    "decisions|approved|denied|expired|cancelled|undeliverable|refused|grants|locks|everything";

#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// How requests ended (decisions, or one outcome), refused attempts, auto-approvals given and ended, actions
    /// unlocked and locked, or everything [default: decisions, or what --what names]
    #[arg(long, value_name = TOPICS, value_parser = topic, conflicts_with = "what")]
    outcome: Option<Topic>,
    /// How many entries to print
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// How requests ended (decisions, or one outcome), refused attempts, auto-approvals given and ended, actions
    /// unlocked and locked, or everything [default: everything, or what --what names]
    #[arg(long, value_name = TOPICS, value_parser = topic, conflicts_with = "what")]
    outcome: Option<Topic>,
    /// Print CSV
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Clone, Copy, Args)]
struct Format {
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
}

/// A time, or how long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    At(DateTime<Utc>),
    Ago(TimeDelta),
}

impl When {
    fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.checked_sub_signed(ago).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}

fn time(text: &str) -> Result<When, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(When::At(at.to_utc()));
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(When::At(day.and_time(NaiveTime::MIN).and_utc()));
    }
    let unit = text.chars().last().unwrap_or_default();
    let number = text.strip_suffix(unit).and_then(|number| number.parse::<u32>().ok());
    let hours = match (number, unit) {
        (Some(hours), 'h') => Some(i64::from(hours)),
        (Some(days), 'd') => Some(i64::from(days) * 24),
        _ => None,
    };
    hours
        .and_then(TimeDelta::try_hours)
        .map(When::Ago)
        .ok_or_else(|| "it should look like 2026-09-21, 2026-09-21T08:00:00Z, 12h or 30d".to_owned())
}

fn topic(text: &str) -> Result<Topic, String> {
    Topic::from_name(text).ok_or_else(|| format!("it should be one of {}", TOPICS.replace('|', ", ")))
}

fn what(text: &str) -> Result<AuditAction, String> {
    let found = AuditAction::ALL.into_iter().find(|action| action.as_str() == text);
    found.ok_or_else(|| {
        let all: Vec<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        format!("it should be one of {}", all.join(", "))
    })
}

impl FilterArgs {
    fn read(self, topic: Topic, now: DateTime<Utc>) -> AuditFilter {
        AuditFilter {
            user: self.user,
            action: self.action,
            agent: self.agent,
            what: if self.what.is_empty() { topic.actions() } else { self.what },
            since: self.since.map(|when| when.at(now)),
            until: self.until.map(|when| when.at(now)),
        }
    }
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Search(search) => search.run().await,
        Command::Export(export) => export.run().await,
        Command::Verify(verify) => verify.run().await,
        Command::ExportLog(export) => export.run().await,
        Command::BeginLog(begin) => begin.run().await,
    }
}

/// Passes at most `limit` entries on, batch by batch.
async fn each(
    service: &Service,
    search: Search,
    limit: Option<u32>,
    mut take: impl FnMut(&[AuditLine]) -> Result<(), CliError>,
) -> Result<i64, CliError> {
    let (mut search, mut count) = (Some(search), 0);
    while let Some(now) = search.take() {
        let left = limit.map_or(BATCH, |limit| i64::from(limit) - count);
        if left <= 0 {
            break;
        }
        let (lines, rest) = now.batch(service, left.min(BATCH)).await?;
        count += i64::try_from(lines.len()).unwrap_or(BATCH);
        take(&lines)?;
        search = rest;
    }
    Ok(count)
}

impl SearchArgs {
    async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let filter = self.filter.read(self.outcome.unwrap_or_default(), service.now());
        let search = Search::begin(&service, workspace, &filter, Order::NewestFirst).await?;
        if self.format.csv {
            return print_csv(&service, search, Some(self.limit)).await;
        }
        let mut all = Vec::new();
        let count = each(&service, search, Some(self.limit), |lines| {
            if self.format.json {
                all.extend(lines.iter().map(to_json));
                return Ok(());
            }
            lines.iter().try_for_each(|line| print(&in_words(line)))
        })
        .await?;
        match (self.format.json, count) {
            (true, _) => print(&Value::Array(all).to_string()),
            (false, 0) => print("No entries match."),
            (false, _) => Ok(()),
        }
    }
}

impl ExportArgs {
    async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let filter = self.filter.read(self.outcome.unwrap_or(Topic::Everything), service.now());
        let search = Search::begin(&service, workspace, &filter, Order::OldestFirst).await?;
        if self.csv {
            return print_csv(&service, search, None).await;
        }
        each(&service, search, None, |lines| {
            lines.iter().try_for_each(|line| print(&to_json(line).to_string()))
        })
        .await?;
        Ok(())
    }
}

async fn print_csv(service: &Service, search: Search, limit: Option<u32>) -> Result<(), CliError> {
    print_text(&search_audit::header())?;
    each(service, search, limit, |lines| {
        let mut text = String::new();
        for line in lines {
            search_audit::push(&mut text, line);
        }
        print_text(&text)
    })
    .await?;
    Ok(())
}

fn to_json(line: &AuditLine) -> Value {
    json!({
        "at": line.at, "what": line.what, "actor": { "kind": line.actor_kind.as_str(), "id": line.actor },
        "user": line.user, "action": line.path, "agent": line.agent, "by": line.by, "scope": line.scope,
        "why": line.why, "approval": line.approval, "grant": line.grant, "subject": line.subject,
    })
}

fn in_words(line: &AuditLine) -> String {
    let actor = match (line.actor_kind, &line.actor) {
        (ActorKind::User | ActorKind::Backend | ActorKind::Operator, Some(id)) => id.clone(),
        (kind, _) => kind.as_str().to_owned(),
    };
    let at = line.at.format("%Y-%m-%d %H:%M:%S");
    let subject = line.path.as_deref().or(line.subject.as_deref()).unwrap_or("-");
    let user = line.user.as_deref().filter(|user| line.actor.as_deref() != Some(user));
    let mut text = format!("{at}  {:24}  {actor:12}  {subject}", line.what);
    let more = [("for", user), ("agent", line.agent.as_deref()), ("scope", line.scope.as_deref())];
    for (name, value) in more {
        if let Some(value) = value {
            let _ = write!(text, "  {name} {value:?}");
        }
    }
    if let Some(why) = &line.why {
        let _ = write!(text, "  why {why:?}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_three_ways() {
        let now = "2026-09-21T08:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let read = |text: &str| time(text).map(|when| when.at(now).to_rfc3339());
        assert_eq!(read("2026-09-01").unwrap(), "2026-09-01T00:00:00+00:00");
        assert_eq!(read("2026-09-01T10:00:00+02:00").unwrap(), "2026-09-01T08:00:00+00:00");
        assert_eq!(read("12h").unwrap(), "2026-09-20T20:00:00+00:00");
        assert_eq!(read("30d").unwrap(), "2026-08-22T08:00:00+00:00");
        for wrong in ["", "d", "7", "-1d", "1w", "yesterday", "4294967295d é"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
