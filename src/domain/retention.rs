//! Retention: how long records are kept, and the audit of what was dropped.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::WorkspaceId,
};

/// The shortest time for which records can be kept: longer than any approval is pending and any webhook is retried.
pub const SHORTEST: TimeDelta = TimeDelta::days(30);

/// The shortest time for which arguments can be kept: longer than any approval is pending.
pub const SHORTEST_FOR_ARGUMENTS: TimeDelta = TimeDelta::days(8);

/// How long records are kept. `None`: for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Approvals, their prompts, and deliveries.
    pub records: Option<TimeDelta>,
    /// Audit entries.
    pub audit: Option<TimeDelta>,
    /// Arguments, reasons and metadata of approvals that ended.
    pub arguments: Option<TimeDelta>,
}

/// A partition was dropped, which held records of this workspace from before a time.
pub fn dropped(workspace: WorkspaceId, partition: &str, before: DateTime<Utc>) -> Changed<()> {
    let entry = Entry::new(Actor::Service, AuditAction::RecordsDropped)
        .subject(partition)
        .after(serde_json::json!({ "before": before.to_rfc3339_opts(chrono::SecondsFormat::Secs, true) }));
    Changed::new(workspace, (), entry)
}
