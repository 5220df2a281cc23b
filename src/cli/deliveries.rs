//! `countersign delivery …`.

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    cli::{
        args::{self, WorkspaceArg},
        error::CliError,
        output::print,
    },
    config::DatabaseConfig,
    domain::{
        audit::Actor,
        ids::{DeliveryId, WorkspaceId},
        rejection::Rejection,
    },
    service::{
        Service, ServiceError,
        authenticate::BackendCaller,
        backends,
        read::{self, Delivery, DeliveryFilter, DeliveryState},
        redeliver,
    },
    storage::tables::backends::Summary,
};

/// How many deliveries are read at once.
const PAGE: i64 = 100;
/// How many deliveries are printed unless the operator asks for more.
const LIMIT: usize = 100;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the webhooks to the backends, newest first
    #[command(after_help = "Examples:
  countersign delivery list --backend agents
  countersign delivery list --failed --json")]
    List(List),
    /// Send webhooks again, under the same id. A receiver that saw one already ignores it
    #[command(after_help = "Examples:
  countersign delivery resend dlv_0192f7c3b1157c33a0e1f2a3b4c5d6e7
  countersign delivery resend --failed --backend agents")]
    Resend(Resend),
}

#[derive(Debug, Args)]
pub(super) struct Selected {
    /// Only those to this backend, by its name or id
    #[arg(long, value_name = "BACKEND")]
    backend: Option<String>,
    /// Only those that were given up
    #[arg(long)]
    failed: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    selected: Selected,
    /// At most this many of each backend
    #[arg(long, value_name = "COUNT", default_value_t = LIMIT)]
    limit: usize,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("chosen").required(true).args(["deliveries", "failed"])))]
pub(super) struct Resend {
    /// The deliveries, by id: `countersign delivery list` prints them. Or give --failed
    #[arg(value_name = "DELIVERY", value_parser = delivery)]
    deliveries: Vec<DeliveryId>,
    #[command(flatten)]
    selected: Selected,
}

fn delivery(text: &str) -> Result<DeliveryId, String> {
    text.parse().map_err(|_| "it should be the id of a delivery, as dlv_…".to_owned())
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::List(list) => list.run().await,
        Command::Resend(resend) => resend.run().await,
    }
}

impl Selected {
    /// The backends of the workspace, or the named one.
    async fn find(&self) -> Result<(Service, WorkspaceId, Vec<Summary>), CliError> {
        if let Some(name) = &self.backend {
            let (service, backend) = args::find(&self.database, &self.workspace, name).await?;
            return Ok((service, backend.workspace, vec![backend]));
        }
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let mut all = backends::list(&service, None).await?;
        all.retain(|backend| backend.workspace == workspace);
        Ok((service, workspace, all))
    }
}

/// A backend's deliveries, newest first.
async fn deliveries(
    service: &Service,
    backend: &Summary,
    failed: bool,
    limit: usize,
) -> Result<Vec<Delivery>, CliError> {
    let caller = BackendCaller { backend: backend.id, workspace: backend.workspace };
    let state = failed.then_some(DeliveryState::Dead);
    let (mut found, mut before) = (Vec::new(), None);
    while found.len() < limit {
        let filter = DeliveryFilter { state, before, ..DeliveryFilter::default() };
        let page = read::deliveries(service, caller, &filter, PAGE).await?;
        let is_last = i64::try_from(page.len()).is_ok_and(|read| read < PAGE);
        before = page.last().map(|last| last.id);
        found.extend(page);
        if is_last {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

fn to_json(delivery: &Delivery, backend: &Summary) -> Value {
    json!({
        "id": delivery.id, "backend": backend.name, "approval": delivery.approval, "type": delivery.event,
        "status": delivery.state().as_str(), "attempt_count": delivery.attempts, "created_at": delivery.created_at,
        "delivered_at": delivery.done_at, "dead_at": delivery.dead_at, "last_error": delivery.last_error,
        "callback_host": delivery.callback_host, "paused": delivery.paused,
    })
}

fn in_words(delivery: &Delivery, backend: &Summary) -> String {
    let error = delivery.last_error.as_deref().filter(|_| delivery.done_at.is_none());
    let error = error.map(|error| format!("  {}", error.escape_debug())).unwrap_or_default();
    format!(
        "{}  {:16}  {:9}  {:20}  {}  attempts {}{error}",
        delivery.id,
        backend.name,
        delivery.state().as_str(),
        delivery.event,
        delivery.created_at.format("%Y-%m-%d %H:%M UTC"),
        delivery.attempts
    )
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let (service, _, backends) = self.selected.find().await?;
        let mut all = Vec::new();
        for backend in &backends {
            for delivery in deliveries(&service, backend, self.selected.failed, self.limit).await? {
                if self.selected.json {
                    all.push(to_json(&delivery, backend));
                } else {
                    all.push(Value::Null);
                    print(&in_words(&delivery, backend))?;
                }
            }
        }
        match (self.selected.json, all.is_empty()) {
            (true, _) => print(&Value::Array(all).to_string()),
            (false, true) if self.selected.failed => print("No webhook was given up."),
            (false, true) => print("No webhooks."),
            (false, false) => Ok(()),
        }
    }
}

impl Resend {
    async fn run(self) -> Result<(), CliError> {
        let (service, _, backends) = self.selected.find().await?;
        let mut sent = Vec::new();
        if self.selected.failed {
            for backend in &backends {
                for delivery in deliveries(&service, backend, true, usize::MAX).await? {
                    sent.extend(resend(&service, &backends, delivery.id).await?);
                }
            }
        }
        for id in &self.deliveries {
            let found = resend(&service, &backends, *id).await?;
            sent.push(found.ok_or_else(|| {
                CliError::Usage(format!("unknown delivery {id}: `countersign delivery list` shows them"))
            })?);
        }
        if self.selected.json {
            return print(&json!({ "resent": sent }).to_string());
        }
        print(&match sent.len() {
            0 => "No webhook was given up.".to_owned(),
            1 => "1 webhook is sent again now.".to_owned(),
            count => format!("{count} webhooks are sent again now."),
        })
    }
}

/// Sends a delivery of one of these backends again. `None`: none of them has it.
async fn resend(
    service: &Service,
    backends: &[Summary],
    id: DeliveryId,
) -> Result<Option<DeliveryId>, CliError> {
    for backend in backends {
        let caller = BackendCaller { backend: backend.id, workspace: backend.workspace };
        match redeliver::resend(service, caller, id, &Actor::Operator).await {
            Ok(delivery) => return Ok(Some(delivery.id)),
            Err(ServiceError::Rejected(Rejection::UnknownDelivery)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
