//! What an approval means for the call: run it, or not and why.

use crate::{
    domain::{arguments::Arguments, outcome::Outcome},
    gateway::approval::{Approval, DecidedBy, Decision, Expected, Request},
};

/// What the model is told after every refusal, so that it does not try the same in another way.
const NO_RETRY: &str = "Do not retry this, in the same or another way, unless the user asks you to.";

/// Whether the call may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was approved.
    Run {
        /// What to run it with instead, if the person changed arguments.
        edited: Option<Arguments>,
        /// Who approved it.
        why: String,
    },
    /// It was not.
    Refuse {
        /// How it ended, who ended it and why, and not to retry.
        why: String,
    },
}

impl Verdict {
    /// What this approval means for the request that it is of. Only an approved one of the same call lets it run.
    #[must_use]
    pub fn new(request: &Request, approval: &Approval) -> Self {
        Self::for_expected(&request.expected(), approval)
    }

    /// What this approval means for the request that it should be of. Only an approved one of the same call lets it run.
    #[must_use]
    pub fn for_expected(expected: &Expected, approval: &Approval) -> Self {
        let Some(decision) = &approval.decision else {
            let minutes = minutes(expected.expires_in);
            return Self::refuse(&format!("No one answered the request in Slack within {minutes}."));
        };
        let user = expected.user.as_deref().unwrap_or(&approval.user);
        let who = match &decision.user {
            Some(other) if *other != approval.user => other.as_str(),
            _ => user,
        };
        if decision.outcome == Outcome::Approved && approval.is_of(expected) {
            Self::Run { edited: decision.edited.clone(), why: approved(decision, who) }
        } else {
            Self::refuse(&refused(decision, who, user, expected.expires_in))
        }
    }

    /// Not to run the call, for this reason, and not to retry.
    #[must_use]
    pub fn refuse(what: &str) -> Self {
        Self::Refuse { why: format!("{what} {NO_RETRY}") }
    }
}

fn approved(decision: &Decision, who: &str) -> String {
    match (decision.by, &decision.edited) {
        (DecidedBy::User, None) => format!("Approved in Slack by {who}."),
        (DecidedBy::User, Some(_)) => format!("Approved in Slack by {who}, who changed the arguments."),
        (DecidedBy::Auto, _) => format!("Approved automatically: {who} allowed this action before."),
        (DecidedBy::Policy | DecidedBy::Backend, _) => "Approved automatically by a rule.".to_owned(),
    }
}

fn refused(decision: &Decision, who: &str, user: &str, expires_in: u32) -> String {
    let reason = decision.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    match (decision.outcome, decision.by, reason) {
        (Outcome::Denied, DecidedBy::Policy, None) => {
            "Denied by a rule of the workspace's admins.".to_owned()
        }
        (Outcome::Denied, DecidedBy::Policy, Some(reason)) => {
            format!("Denied by a rule of the workspace's admins: {reason}")
        }
        (Outcome::Denied, _, None) => format!("Denied in Slack by {who}, who gave no reason."),
        (Outcome::Denied, _, Some(reason)) => {
            format!("Denied in Slack by {who}. Their reason: \u{201c}{reason}\u{201d}.")
        }
        (Outcome::Expired, ..) => {
            format!("Expired: {user} did not answer in Slack within {}.", minutes(expires_in))
        }
        (Outcome::Cancelled, _, None) => "Cancelled before anyone answered in Slack.".to_owned(),
        (Outcome::Cancelled, _, Some(reason)) => {
            format!("Cancelled before anyone answered in Slack: {reason}")
        }
        (Outcome::Undeliverable, _, None) => format!("Slack could not show the request to {user}."),
        (Outcome::Undeliverable, _, Some(reason)) => {
            format!("Slack could not show the request to {user}: {reason}")
        }
        // The approval of another call.
        (Outcome::Approved, ..) => "The approval is for a different call.".to_owned(),
    }
}

fn minutes(seconds: u32) -> String {
    match seconds {
        0..=89 => format!("{seconds} seconds"),
        90..=5399 => format!("{} minutes", (seconds + 30) / 60),
        _ => format!("{} hours", (seconds + 1800) / 3600),
    }
}
