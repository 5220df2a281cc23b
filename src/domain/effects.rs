//! Effects: what follows from a change of state, as data.
//!
//! The service saves them in the transaction that saves the state; what reaches the outside goes through the outbox.

use super::{
    approvals::Outcome,
    audit::Entry,
    grants::Grant,
    ids::{BackendId, GrantId},
};

/// How soon a screen has to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// At once: somebody may be looking.
    Now,
    /// Soon: many such changes are drawn together.
    Soon,
}

/// One thing that follows from a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write down a standing permission.
    Give(Grant),
    /// Count a use of a standing permission.
    Use(GrantId),
    /// The prompt has to show the approval as it is now.
    Draw,
    /// The user's Home tab, if they ever opened it, has to show what is so now.
    Refresh(Haste),
    /// The backend hears how the approval ended.
    Tell {
        /// Whom.
        backend: BackendId,
        /// What.
        outcome: Outcome,
    },
    /// The audit says so.
    Record(Entry),
}
