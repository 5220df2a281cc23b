//! What a digest shows: the calls that ran without asking.

use chrono::{DateTime, Utc};

use super::{approvals::Approval, ids::GrantId, narrowing::Narrowing};

/// What ran without asking a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// The beginning of the time that it counts.
    pub from: DateTime<Utc>,
    /// The end.
    pub until: DateTime<Utc>,
    /// The calls, by agent and action: the unusual first, then those with the most calls.
    pub ran: Vec<Ran>,
    /// How many agents and actions there are in all.
    pub groups: usize,
    /// How many calls there are in all.
    pub calls: usize,
    /// Whether there were even more calls, which are not counted.
    pub more: bool,
}

/// The calls of one action by one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// The agent's name, or else its id.
    pub agent: String,
    /// The integration's name.
    pub integration: String,
    /// The action's name.
    pub action: String,
    /// How many calls.
    pub calls: usize,
    /// How many of them failed, as their backends reported.
    pub failed: usize,
    /// Whether the user had not approved the action in the 30 days before, neither manually nor automatically.
    pub is_first_use: bool,
    /// How many targets it had that no earlier call of these 30 days had. A target is what the values in the action's
    /// title say. 0 for a first use, and for actions without values in their title.
    pub new_targets: usize,
    /// Calls that show what is unusual.
    pub samples: Vec<Sample>,
    /// The grant that approved the last of them, if it is live.
    pub grant: Option<LiveGrant>,
    /// How many other grants approved some of them.
    pub other_grants: usize,
}

impl Ran {
    /// Whether anything about these calls is unusual.
    #[must_use]
    pub const fn is_unusual(&self) -> bool {
        self.failed > 0 || self.is_first_use || self.new_targets > 0
    }
}

/// A grant that can be turned off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGrant {
    /// The grant.
    pub id: GrantId,
    /// The title or id of the only conversation that it is for. `None`: it is for every conversation.
    pub conversation: Option<String>,
    /// What it is narrowed to.
    pub narrowing: Option<Narrowing>,
}

/// A call, and what is unusual about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What is unusual.
    pub unusual: Unusual,
    /// The call.
    pub approval: Approval,
}

/// What is unusual about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusual {
    /// It failed.
    Failed,
    /// The action was used for the first time.
    FirstUse,
    /// It acted on something new.
    NewTarget,
}
