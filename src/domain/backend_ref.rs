//! A backend, as audit entries name it.

use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    ids::{BackendId, WorkspaceId},
};

/// A backend, with what its audit entries need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendRef<'a> {
    /// The backend's id.
    pub id: BackendId,
    /// The workspace that the backend belongs to.
    pub workspace: WorkspaceId,
    /// The backend's name.
    pub name: &'a str,
}

impl BackendRef<'_> {
    /// An entry for what the operator did to the backend.
    pub(super) fn entry(self, what: AuditAction) -> Entry {
        Entry::new(Actor::Operator, what).subject(self.name)
    }
}
