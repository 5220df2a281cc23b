//! The state that a prompt shows.

use chrono::{DateTime, Utc};

use crate::domain::{approvals::Approval, catalog::Eligibility, precedent::Precedent};

/// The state that a prompt shows.
#[derive(Debug, Clone, Copy)]
pub struct PromptState<'a> {
    /// The request, and its decision if there is one.
    pub approval: &'a Approval,
    /// Whether the user may auto-approve the action.
    pub standing: Eligibility,
    /// Whether the grant that the decision created still holds.
    pub grant_live: bool,
    /// Where the user can connect the integration, if its backend said so: an http or https URL.
    pub connect_url: Option<&'a str>,
    /// Whether the user has asked the admins to unlock the action, and has no answer yet.
    pub requested: bool,
    /// How the request compares with what the user approved before.
    pub precedent: Option<&'a Precedent>,
    /// The time of the render, for the time left.
    pub now: DateTime<Utc>,
}
