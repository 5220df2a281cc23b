//! Descriptions: what a backend says of an integration and its actions, and what follows from it.

use serde_json::{Map, Value, json};

use super::{
    audit::{Actor, AuditAction, Entry},
    effects::{Changed, Effect},
    ids::{ActionId, ActionVersionId, ApprovalId, BackendId, IntegrationId, UnlockRequestId, WorkspaceId},
    text::{ActionKey, IntegrationKey},
    unlocking::{OpenRequest, Resolutions},
};
use crate::domain::{ownership::Ownership, unlock_answer::Resolution};

/// An integration as it is described from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The integration.
    pub id: IntegrationId,
    /// Its key.
    pub key: IntegrationKey,
    /// Its name for people.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Whether a user must have connected it.
    pub requires_connection: bool,
    /// Where a user connects it.
    pub connect_url: Option<String>,
    /// Who may describe it.
    pub ownership: Ownership,
    /// Who describes it, if it is a backend.
    pub described_by: Option<BackendId>,
    /// Its actions that are new, or described otherwise than before.
    pub actions: Vec<DescribedAction>,
    /// Its actions that it no longer has.
    pub retired: Vec<RetiredAction>,
    /// The requests to unlock a retired action, which end.
    pub answers: Resolutions,
}

impl AsRef<Resolutions> for Described {
    fn as_ref(&self) -> &Resolutions {
        &self.answers
    }
}

/// An action as it is described from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedAction {
    /// The action.
    pub id: ActionId,
    /// Its key.
    pub key: ActionKey,
    /// The version that holds the description.
    pub version: ActionVersionId,
    /// No earlier version says the same, so it has to be made.
    pub is_new_version: bool,
    /// Its name for people.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// It changes nothing.
    pub read_only: bool,
    /// It destroys something.
    pub destructive: bool,
    /// What it was described as.
    pub before: Before,
}

/// What an action was described as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// It is new.
    New,
    /// The same; only what its integration says is described otherwise.
    Same,
    /// Otherwise.
    Other(Said),
}

/// An action's description as the audit says it; the rest of it is in the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its name for people.
    pub name: String,
    /// It changes nothing.
    pub read_only: bool,
    /// It destroys something.
    pub destructive: bool,
    /// The version that holds the description.
    pub version: ActionVersionId,
}

impl Said {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "read_only": self.read_only, "destructive": self.destructive,
            "version": self.version,
        })
    }
}

/// An action that its integration no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredAction {
    /// The action.
    pub id: ActionId,
    /// Its key.
    pub key: String,
    /// Whether users could auto-approve it.
    pub unlocked: bool,
}

/// What the integration was described as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Its name for people.
    pub name: String,
    /// Whether a user must have connected it.
    pub requires_connection: bool,
    /// Who could describe it.
    pub ownership: Ownership,
}

/// What shows the descriptions that change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Pending approvals.
    pub pending: Vec<ApprovalId>,
    /// Requests to unlock an action.
    pub requests: Vec<UnlockRequestId>,
    /// Requests to unlock an action that is retired.
    pub retired: Vec<OpenRequest>,
}

/// Describes an integration, whose owner `actor` is by now.
pub fn describe(
    workspace: WorkspaceId,
    actor: &Actor,
    earlier: &Earlier,
    mut described: Described,
    shown: Shown,
) -> Changed<Described> {
    let Shown { pending, requests, retired: ended } = shown;
    described.answers = Resolutions::new(&ended, Resolution::Retired, actor.kind().to_owned());
    let retired: Vec<Entry> = described
        .retired
        .iter()
        .map(|action| {
            Entry::new(actor.clone(), AuditAction::ActionRetired)
                .subject(format!("{}.{}", described.key, action.key))
                .before(json!({ "unlocked": action.unlocked }))
        })
        .collect();
    let entry = entry(actor, earlier, &described);
    let requests = requests.into_iter().filter(|id| !described.answers.requests.contains(id));
    let draw: Vec<Effect> = requests.map(Effect::DrawUnlockRequest).collect();
    Changed::new(workspace, described, entry)
        .and_record(retired)
        .and_all(Resolutions::effects(&ended))
        .and_redraw(&pending)
        .and_all(draw)
}

/// What the audit says of it: what people and admins go by, before and after. An action that is new is only named.
fn entry(actor: &Actor, earlier: &Earlier, described: &Described) -> Entry {
    let (mut were, mut are, mut added) = (Map::new(), Map::new(), Vec::new());
    for action in &described.actions {
        let key = action.key.as_str();
        match &action.before {
            Before::Same => {}
            Before::Other(said) => {
                let is = Said {
                    name: action.name.clone(),
                    read_only: action.read_only,
                    destructive: action.destructive,
                    version: action.version,
                };
                were.insert(key.to_owned(), said.to_json());
                are.insert(key.to_owned(), is.to_json());
            }
            Before::New => added.push(key.to_owned()),
        }
    }
    Entry::new(actor.clone(), AuditAction::IntegrationPut)
        .subject(described.key.as_str())
        .before(json!({
            "name": earlier.name, "requires_connection": earlier.requires_connection,
            "owner": earlier.ownership.owner(), "changed": were,
        }))
        .after(json!({
            "name": described.name, "requires_connection": described.requires_connection,
            "owner": described.ownership.owner(), "changed": are,
            "added": added, "retired": described.retired.len(),
        }))
}
