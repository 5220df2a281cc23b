//! Descriptions: what a backend declares about an integration and its actions, and the effects of changing that.

use serde_json::{Map, Value, json};

use super::{
    audit::{Actor, AuditAction, Entry},
    effects::{Changed, Effect},
    field_hints::Presentation,
    ids::{ActionId, ActionVersionId, ApprovalId, BackendId, IntegrationId, UnlockRequestId, WorkspaceId},
    input_schema::InputSchema,
    risk::{Impact, Risks},
    text::{ActionKey, IntegrationKey},
    unlocking::{OpenRequest, Resolutions},
};
use crate::domain::{ownership::Ownership, unlock_answer::Resolution};

/// An integration's new description.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// The integration's id.
    pub id: IntegrationId,
    /// The integration's key.
    pub key: IntegrationKey,
    /// The integration's display name.
    pub name: String,
    /// What the integration is.
    pub description: Option<String>,
    /// Whether auto-approval requires that the user has connected the integration.
    pub requires_connection: bool,
    /// Where a user can connect the integration.
    pub connect_url: Option<String>,
    /// The integration's owner after this change.
    pub ownership: Ownership,
    /// The backend that describes the integration. `None` for the operator.
    pub described_by: Option<BackendId>,
    /// The actions that are new or whose description differs.
    pub actions: Vec<DescribedAction>,
    /// The actions that the new description leaves out.
    pub retired: Vec<RetiredAction>,
    /// Answers to the open unlock requests of retired actions.
    pub answers: Resolutions,
}

impl AsRef<Resolutions> for Described {
    fn as_ref(&self) -> &Resolutions {
        &self.answers
    }
}

/// An action's new description.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedAction {
    /// The action's id.
    pub id: ActionId,
    /// The action's key.
    pub key: ActionKey,
    /// The version that holds the new description.
    pub version: ActionVersionId,
    /// Whether the version has to be created. False if an earlier version has the same content.
    pub is_new_version: bool,
    /// The action's display name.
    pub name: String,
    /// What the action does.
    pub description: Option<String>,
    /// What the action does to data, money and others.
    pub impact: Impact,
    /// How requests for the action are shown.
    pub presentation: Presentation,
    /// What the action's arguments must look like.
    pub input_schema: Option<InputSchema>,
    /// How the action was described before.
    pub before: Before,
}

/// How an action was described before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// The action is new.
    New,
    /// The same way. Only the integration's part of the version differs.
    Same,
    /// Differently.
    Other(Said),
}

/// The part of an action's description that the audit shows. The version holds the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The action's display name.
    pub name: String,
    /// What the action does to data, money and others.
    pub impact: Impact,
    /// The version that holds the description.
    pub version: ActionVersionId,
}

impl Said {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "read_only": self.impact.is_read_only(), "destructive": self.impact.is_destructive(),
            "risk": self.impact.declared().map(Risks::names), "version": self.version,
        })
    }
}

/// An action that its integration no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredAction {
    /// The action's id.
    pub id: ActionId,
    /// The action's key.
    pub key: String,
    /// Whether users could auto-approve the action until now.
    pub unlocked: bool,
}

/// How an integration was described before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The integration's display name.
    pub name: String,
    /// Whether auto-approval required a connection.
    pub requires_connection: bool,
    /// The integration's owner.
    pub ownership: Ownership,
}

/// The messages that show the descriptions that change, and so have to be updated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DescriptionViews {
    /// Pending approvals for the integration's actions.
    pub pending: Vec<ApprovalId>,
    /// Open unlock requests for the integration's actions. Those in `retired` are answered, not updated.
    pub requests: Vec<UnlockRequestId>,
    /// Open unlock requests for actions that are retired: the change answers these.
    pub retired: Vec<OpenRequest>,
}

/// Describes an integration. The caller has already checked that `actor` owns it.
pub fn describe(
    workspace: WorkspaceId,
    actor: &Actor,
    earlier: &Earlier,
    mut described: Described,
    views: DescriptionViews,
) -> Changed<Described> {
    let DescriptionViews { pending, requests, retired: ended } = views;
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

/// The audit entry: what people and rules depend on, before and after. For new actions it lists only the keys.
fn entry(actor: &Actor, earlier: &Earlier, described: &Described) -> Entry {
    let (mut were, mut are, mut added) = (Map::new(), Map::new(), Vec::new());
    for action in &described.actions {
        let key = action.key.as_str();
        match &action.before {
            Before::Same => {}
            Before::Other(said) => {
                let is = Said { name: action.name.clone(), impact: action.impact, version: action.version };
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
