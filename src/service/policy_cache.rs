//! The compiled rules that this instance used last.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;

use super::error::ServiceError;
use crate::{
    domain::{
        ids::WorkspaceId,
        policy::{Policy, PolicyVersion, Ruled, Treatment},
    },
    storage::{PgConnection, stored::CorruptRow, tables::policies},
};

/// How often an instance logs that a rule's condition can't be evaluated.
const LOG_EVERY: Duration = Duration::from_secs(3600);

/// The compiled policies that this instance used last. A version never changes, so they are never out of date.
#[derive(Debug, Clone)]
pub struct Policies {
    compiled: Cache<(WorkspaceId, PolicyVersion), Arc<Policy>>,
    /// The rules whose faults were logged.
    logged: Cache<(WorkspaceId, PolicyVersion, Option<u16>), ()>,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            compiled: Cache::new(100),
            logged: Cache::builder().max_capacity(10_000).time_to_live(LOG_EVERY).build(),
        }
    }
}

impl Policies {
    /// A compiled policy. Reads it if this instance has not used it yet.
    pub async fn get(
        &self,
        db: &mut PgConnection,
        workspace: WorkspaceId,
        version: PolicyVersion,
    ) -> Result<Arc<Policy>, ServiceError> {
        let key = (workspace, version);
        if let Some(policy) = self.compiled.get(&key) {
            return Ok(policy);
        }
        let corrupt = || {
            let id = format!("{workspace} version {}", version.get());
            sqlx::Error::from(CorruptRow { table: "policies", column: "text", id })
        };
        let stored = policies::find(db, workspace, version).await?.ok_or_else(corrupt)?;
        let policy = Arc::new(Policy::parse(&stored.text).map_err(|_| corrupt())?);
        self.compiled.insert(key, Arc::clone(&policy));
        Ok(policy)
    }

    /// Reports that a condition can't be evaluated: in the metrics, and once an hour in the log.
    pub(super) fn note_fault(&self, workspace: WorkspaceId, ruled: &Ruled) {
        let Treatment::Failed(fault) = &ruled.treatment else { return };
        metrics::counter!("countersign_rule_faults_total").increment(1);
        let rule = ruled.by.rule.map(|rule| rule.get());
        let version = ruled.by.version;
        if self.logged.entry((workspace, version, rule)).or_insert(()).is_fresh() {
            let (version, rule) = (version.get(), rule.unwrap_or_default());
            tracing::warn!(%workspace, version, rule, %fault, "Rule could not be evaluated; a person is asked");
        }
    }
}
