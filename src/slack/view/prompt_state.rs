//! What a prompt shows.

use chrono::{DateTime, Utc};

use crate::domain::{approvals::Approval, catalog::Eligibility};

/// What a prompt is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct PromptState<'a> {
    /// The request, and its decision if there is one.
    pub approval: &'a Approval,
    /// Whether it may be auto-approved.
    pub standing: Eligibility,
    /// Whether the grant that the decision left still holds.
    pub grant_live: bool,
    /// Where the integration can be connected, if its backend said so: an http or https URL.
    pub connect_url: Option<&'a str>,
    /// Whether the user has asked the admins to unlock the action, and has no answer yet.
    pub requested: bool,
    /// When it is drawn.
    pub now: DateTime<Utc>,
}
