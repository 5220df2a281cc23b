//! The owner of an integration: the actor that describes it.

use serde_json::json;

use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{BackendId, IntegrationId, WorkspaceId},
    rejection::Rejection,
    text::IntegrationKey,
};

/// Records that a backend tried to change another backend's integration, and was refused.
pub fn refuse(
    workspace: WorkspaceId,
    actor: &Actor,
    subject: &str,
    rejection: Rejection,
) -> Changed<Rejection> {
    let entry = Entry::new(actor.clone(), AuditAction::IntegrationRefused)
        .subject(subject)
        .after(json!({ "why": rejection.code() }));
    Changed::new(workspace, rejection, entry)
}

/// An integration and its new owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerChange {
    /// The integration.
    pub integration: IntegrationId,
    /// The new owner.
    pub ownership: Ownership,
}

/// Changes an integration's owner, on the operator's command. `None` if the owner is already the requested one.
#[must_use]
pub fn set_owner(
    workspace: WorkspaceId,
    (integration, key): (IntegrationId, &IntegrationKey),
    before: Ownership,
    after: Ownership,
) -> Option<Changed<OwnerChange>> {
    let what = match after {
        _ if before == after => return None,
        Ownership::Shared => AuditAction::IntegrationShared,
        _ => AuditAction::IntegrationMoved,
    };
    let entry = Entry::new(Actor::Operator, what)
        .subject(key.as_str())
        .before(json!({ "owner": before.owner() }))
        .after(json!({ "owner": after.owner() }));
    Some(Changed::new(workspace, OwnerChange { integration, ownership: after }, entry))
}

/// Who may describe an integration, and report which users have connected it. Creating approvals for its actions is
/// open to every backend of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// Not described yet, only named by a request. The first backend to describe the integration becomes its owner.
    Unclaimed,
    /// This backend.
    Backend(BackendId),
    /// Only the operator at the command line.
    Operator,
    /// Every backend of the workspace.
    Shared,
}

impl Ownership {
    /// The owner once this actor has described the integration. Rejected if the actor may not describe it.
    pub fn described_by(self, actor: &Actor) -> Result<Self, Rejection> {
        match (self, actor) {
            (Self::Unclaimed, Actor::Backend(backend)) => Ok(Self::Backend(*backend)),
            (Self::Unclaimed, Actor::Operator) => Ok(Self::Operator),
            (Self::Shared, Actor::Backend(_)) | (_, Actor::Operator) => Ok(self),
            (Self::Backend(owner), Actor::Backend(backend)) if owner == *backend => Ok(self),
            _ => Err(Rejection::NotOwner),
        }
    }

    /// The owner as the audit names it: a backend's id, or a word. `None` if there is no owner.
    #[must_use]
    pub fn owner(self) -> Option<String> {
        match self {
            Self::Unclaimed => None,
            Self::Backend(backend) => Some(backend.to_string()),
            Self::Operator => Some("operator".to_owned()),
            Self::Shared => Some("shared".to_owned()),
        }
    }

    /// Whether this backend may report who has connected the integration.
    pub fn may_connect(self, backend: BackendId) -> Result<(), Rejection> {
        match self {
            Self::Unclaimed | Self::Shared => Ok(()),
            Self::Backend(owner) if owner == backend => Ok(()),
            Self::Backend(_) | Self::Operator => Err(Rejection::NotOwner),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn backend(number: u128) -> BackendId {
        BackendId::new(Uuid::from_u128(number))
    }

    #[test]
    fn the_first_to_describe_an_integration_owns_it() {
        let (one, other) = (Actor::Backend(backend(1)), Actor::Backend(backend(2)));
        let owned = Ownership::Unclaimed.described_by(&one).unwrap();
        assert_eq!(owned, Ownership::Backend(backend(1)));
        assert_eq!(owned.described_by(&one), Ok(owned));
        assert_eq!(owned.described_by(&other), Err(Rejection::NotOwner));
        assert_eq!(Ownership::Unclaimed.described_by(&Actor::Operator), Ok(Ownership::Operator));
        assert_eq!(Ownership::Operator.described_by(&one), Err(Rejection::NotOwner));
        for ownership in [owned, Ownership::Operator, Ownership::Shared] {
            assert_eq!(ownership.described_by(&Actor::Operator), Ok(ownership));
            assert_eq!(ownership.described_by(&Actor::Service), Err(Rejection::NotOwner));
        }
        assert_eq!(Ownership::Shared.described_by(&other), Ok(Ownership::Shared));
    }

    #[test]
    fn only_those_who_may_describe_it_report_connections_once_it_is_described() {
        assert!(Ownership::Unclaimed.may_connect(backend(1)).is_ok());
        assert!(Ownership::Shared.may_connect(backend(1)).is_ok());
        assert!(Ownership::Backend(backend(1)).may_connect(backend(1)).is_ok());
        assert_eq!(Ownership::Backend(backend(1)).may_connect(backend(2)), Err(Rejection::NotOwner));
        assert_eq!(Ownership::Operator.may_connect(backend(1)), Err(Rejection::NotOwner));
    }
}
