//! `countersign stats`.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{
        args::{self, WorkspaceArg},
        error::CliError,
        output::print,
    },
    config::DatabaseConfig,
    domain::fatigue::{Advice, PersonFigures, QUICK_SECONDS},
    service::fatigue,
};

#[derive(Debug, Args)]
pub(super) struct Command {
    /// How many people to show
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

impl Command {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let figures = fatigue::of_workspace(&service, workspace, i64::from(self.limit)).await?;
        if self.json {
            return print(&figures.iter().map(to_json).collect::<Value>().to_string());
        }
        if figures.is_empty() {
            return print("No one approved anything manually in the last 30 days.");
        }
        figures.iter().try_for_each(|figures| print(&in_words(figures)))
    }
}

fn to_json(figures: &PersonFigures) -> Value {
    json!({
        "user": figures.user, "approved_last_7_days": figures.last_week, "approved_last_30_days": figures.last_month,
        "is_lower_bound": figures.is_more, "sampled": figures.sampled, "timed": figures.timed, "quick": figures.quick,
        "quick_seconds": QUICK_SECONDS, "quick_percent": figures.quick_percent(),
        "most_frequent_action": figures.most.as_ref().map(|most| &most.path),
        "advice": figures.advice().map(Advice::as_str),
    })
}

fn in_words(figures: &PersonFigures) -> String {
    let quick = match figures.quick_percent() {
        Some(percent) => format!("{percent} % within {QUICK_SECONDS} s"),
        None => "too few to tell how quickly".to_owned(),
    };
    let least = if figures.is_more { "at least " } else { "" };
    let most = figures.most.as_ref().map_or("-", |most| most.path.as_str());
    let then = match figures.advice() {
        Some(Advice::Unlock) => format!("  consider unlocking {most}"),
        Some(Advice::AutoApprove) => "  it is unlocked: they can auto-approve it".to_owned(),
        Some(Advice::Confirm) => format!("  confirm the changed description of {most}"),
        Some(Advice::Review) => "  ask why agents want it so often".to_owned(),
        None => String::new(),
    };
    let (week, month) = (figures.last_week, figures.last_month);
    format!(
        "{:11}  7 days: {least}{week}, 30 days: {least}{month}  {quick}  most often {most}{then}",
        figures.user.as_str()
    )
}
