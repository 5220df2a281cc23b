//! A backend, as the audit names it.

use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    ids::{BackendId, WorkspaceId},
};

/// A backend, as the audit names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendRef<'a> {
    /// Its id.
    pub id: BackendId,
    /// Where it belongs.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: &'a str,
}

impl BackendRef<'_> {
    /// What the operator did to it.
    pub(super) fn entry(self, what: AuditAction) -> Entry {
        Entry::new(Actor::Operator, what).subject(self.name)
    }
}
