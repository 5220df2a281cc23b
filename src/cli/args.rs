//! Arguments that several commands take.

use crate::{
    app,
    cli::error::CliError,
    clock::Clock,
    config::DatabaseConfig,
    domain::ids::WorkspaceId,
    entropy::Entropy,
    service::{Service, backends},
    storage::{self, tables::backends::Summary},
};

/// The workspace that a command applies to.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct WorkspaceArg {
    /// Slack's id of the workspace (T… or E…). Not needed while there is only one
    #[arg(long, value_name = "T…")]
    pub(super) workspace: Option<String>,
}

impl WorkspaceArg {
    /// The named workspace, or the only one.
    pub(super) async fn find(&self, service: &Service) -> Result<WorkspaceId, CliError> {
        let mut db = service.db.acquire().await?;
        if let Some(slack_id) = &self.workspace {
            let found = storage::tables::workspaces::find_by_slack_id(&mut db, slack_id).await?;
            return found.map(|workspace| workspace.id).ok_or_else(|| {
                CliError::Usage(format!("unknown workspace {slack_id}: install the app there first"))
            });
        }
        match storage::tables::workspaces::list(&mut db, 2).await?.as_slice() {
            [only] => Ok(only.id),
            [] => Err(CliError::Usage(
                "no workspaces yet: start `countersign serve` with SLACK_BOT_TOKEN, or choose one with --workspace"
                    .to_owned(),
            )),
            _ => Err(CliError::Usage("there are several workspaces: choose one with --workspace".to_owned())),
        }
    }
}

/// The use cases, on the configured database.
pub(super) fn open(config: &DatabaseConfig) -> Result<Service, CliError> {
    Ok(app::service(config, 2, Clock::system(), Entropy::system())?)
}

/// The backend with this name or id.
pub(super) async fn find(
    database: &DatabaseConfig,
    workspace: &WorkspaceArg,
    name: &str,
) -> Result<(Service, Summary), CliError> {
    let service = open(database)?;
    let backends = backends::list(&service, workspace.workspace.as_deref()).await?;
    let mut found =
        backends.into_iter().filter(|backend| backend.name == name || backend.id.to_string() == name);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok((service, only)),
        (None, _) => Err(CliError::Usage(format!(
            "unknown backend {name}: `countersign backend list` shows all backends"
        ))),
        (Some(_), Some(_)) => Err(CliError::Usage(format!(
            "several workspaces have a backend called {name}: choose one with --workspace, or give the id"
        ))),
    }
}
