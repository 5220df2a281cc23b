//! The state that a prompt shows.

use chrono::{DateTime, Utc};

use crate::domain::{
    approvals::Approval, approvers::Why, catalog::Eligibility, panel::Panel, precedent::Precedent,
};

/// The person for whom a prompt is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader<'a> {
    /// The approval's user.
    User,
    /// Another person, who may decide it.
    Approver(&'a Why),
    /// A person who could decide it and no longer can.
    Former,
    /// The approval's user, if others decide it.
    Onlooker,
}

impl Reader<'_> {
    /// Whether it is the approval's user, whose grants and connections the prompt is about.
    #[must_use]
    pub const fn is_user(self) -> bool {
        matches!(self, Self::User)
    }
}

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
    /// Whether a caller tried to run something other than what was approved.
    pub misused: bool,
    /// How the request compares with what the user approved before.
    pub precedent: Option<&'a Precedent>,
    /// For whom the prompt is rendered.
    pub reader: Reader<'a>,
    /// How far the people are who decide it instead of its user.
    pub panel: Option<&'a Panel>,
    /// The time of the render, for the time left.
    pub now: DateTime<Utc>,
}
