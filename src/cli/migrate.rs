//! `countersign migrate`.

use sqlx::migrate::MigrateError;

use crate::{
    app,
    cli::{error::CliError, output::print},
    clock::Clock,
    config::DatabaseConfig,
    entropy::Entropy,
    service::{audit_era, service_role},
    storage,
};

#[derive(Debug, clap::Args)]
pub(super) struct Command {
    /// The database was restored from a backup: readers of the audit continue from their cursors. Not needed after a
    /// move to another server, which is detected
    #[arg(long)]
    restored: bool,
    /// Let this role run `serve`: grants it what `serve` needs, and revokes everything else. The role is created,
    /// without a login, if it does not exist
    #[arg(long, env = "COUNTERSIGN_SERVICE_ROLE", value_name = "ROLE")]
    service_role: Option<String>,
    /// Let that role drop audit entries after their retention time
    #[arg(long, requires = "service_role")]
    drop_audit: bool,
    #[command(flatten)]
    database: DatabaseConfig,
}

impl Command {
    /// Migrates the schema to this version. A schema of a newer version is accepted: during a rolling update, an older
    /// instance may start beside a newer one.
    pub(super) async fn run(self) -> Result<(), CliError> {
        let service = app::service(&self.database, 1, Clock::system(), Entropy::system())?;
        let ours = storage::MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
        match service.db.migrate().await {
            Ok(()) => print(&format!(
                "The schema is up to date ({} migrations).",
                storage::MIGRATIONS.iter().count()
            ))?,
            // Migrations only go forward, so a newer schema contains all of ours.
            Err(MigrateError::VersionMissing(version)) if version > ours => print(&format!(
                "The schema (version {version}) is newer than this program (version {ours}): nothing to do."
            ))?,
            Err(error) => return Err(error.into()),
        }
        if let Some(role) = &self.service_role {
            let created = service_role::grant(&service, role, self.drop_audit).await?;
            let then = if created {
                format!(" It was created: ALTER ROLE {role} LOGIN PASSWORD '…'.")
            } else {
                String::new()
            };
            print(&format!(
                "The role {role} may run `serve`, and change neither the schema nor the audit.{then}"
            ))?;
        }
        match audit_era::follow(&service, self.restored).await? {
            Some(era) => print(&format!(
                "The database was restored: the audit continues after the restored entries (era {era})."
            )),
            None => Ok(()),
        }
    }
}
