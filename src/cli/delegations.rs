//! `countersign delegation …`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    cli::{
        args::{self, WorkspaceArg},
        error::CliError,
        grants,
        output::print,
    },
    config::DatabaseConfig,
    domain::{
        audit::Actor,
        delegations::Delegation,
        ids::{DelegationId, UserId},
        rejection::Rejection,
        text::Text,
    },
    service::{ServiceError, delegations},
};

/// How many delegations are read at once.
const PAGE: i64 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List who decides for whom, and until when
    #[command(after_help = "Examples:
  countersign delegation list
  countersign delegation list --user U012AB3CD --json")]
    List(List),
    /// End a delegation. Its user and its delegate get a message
    #[command(after_help = "Example:
  countersign delegation end dlg_0199c0ffee007000800000000000000a")]
    End(End),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those that this Slack user gave or received
    #[arg(long, value_name = "U…", value_parser = grants::user)]
    user: Option<UserId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct End {
    /// The delegation, by id: `countersign delegation list` prints it
    #[arg(value_name = "DELEGATION", value_parser = delegation)]
    delegation: DelegationId,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

fn delegation(text: &str) -> Result<DelegationId, String> {
    text.parse().map_err(|_| "it should be the id of a delegation, as dlg_…".to_owned())
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::List(list) => list.run().await,
        Command::End(end) => end.run().await,
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let (mut before, mut all) = (None, Vec::new());
        loop {
            let page = delegations::list(&service, workspace, self.user.as_ref(), before, PAGE).await?;
            let is_last = i64::try_from(page.len()).is_ok_and(|found| found < PAGE);
            before = page.last().map(|last| last.id);
            all.extend(page);
            if is_last {
                break;
            }
        }
        if self.json {
            return print(&all.iter().map(to_json).collect::<Value>().to_string());
        }
        if all.is_empty() {
            return print("No delegations.");
        }
        all.iter().try_for_each(|delegation| print(&in_words(delegation)))
    }
}

fn to_json(delegation: &Delegation) -> Value {
    json!({
        "id": delegation.id, "user": delegation.user, "delegate": delegation.delegate,
        "reason": delegation.reason.as_ref().map(Text::as_str),
        "began_at": delegation.began_at, "until": delegation.until,
    })
}

fn in_words(delegation: &Delegation) -> String {
    let Delegation { id, user, delegate, until, .. } = delegation;
    format!("{id}  {delegate} decides for {user} until {}", until.format("%Y-%m-%d %H:%M UTC"))
}

impl End {
    async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let id = self.delegation;
        match delegations::end_by_operator(&service, workspace, id, &Actor::Operator).await {
            Ok(true) => print("Ended. Both get a message."),
            Ok(false) => print("It had ended already."),
            Err(ServiceError::Rejected(Rejection::UnknownDelegation)) => Err(CliError::Usage(format!(
                "unknown delegation {id}: `countersign delegation list` shows them"
            ))),
            Err(error) => Err(error.into()),
        }
    }
}
