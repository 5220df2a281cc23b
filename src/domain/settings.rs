//! Settings: users turn auto-approval on or off without waiting for a prompt.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    audit::{Actor, AuditAction, Entry},
    catalog::Eligibility,
    decisions::may_grant,
    effects::Changed,
    grants::{Grant, Reach, Scope},
    ids::{GrantId, UserId, WorkspaceId},
};
use crate::domain::{action_ref::ActionRef, people::ActingUser, rejection::Rejection};

/// The position that a user moved a toggle to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toggle {
    /// Every later call of the action is approved without asking.
    On,
    /// The next call asks, in every conversation.
    Off,
}

/// Whether this person may give grants and request unlocks in this workspace. Turning off doesn't need this check.
pub const fn may_change(acting_user: &ActingUser) -> Result<(), Rejection> {
    acting_user.must_be_member()
}

/// Judges turning auto-approval on. `existing` is the user's live *always* grant, if there is one: then nothing
/// changes. Otherwise `new_id` becomes the id of the new grant.
pub fn turn_on(
    workspace: WorkspaceId,
    action: &ActionRef,
    acting_user: &ActingUser,
    eligibility: Eligibility,
    existing: Option<GrantId>,
    new_id: GrantId,
    now: DateTime<Utc>,
) -> Result<Option<Changed<Grant>>, Rejection> {
    may_change(acting_user)?;
    may_grant(eligibility, Scope::Always)?;
    if existing.is_some() {
        return Ok(None);
    }
    let grant = Grant {
        id: new_id,
        workspace,
        user: acting_user.user.clone(),
        action: action.id,
        reach: Reach::Always,
        narrowing: None,
        created_at: now,
    };
    let record = Entry::new(Actor::User(acting_user.user.clone()), AuditAction::GrantGiven)
        .grant(new_id)
        .subject(action.path())
        .after(json!({ "scope": Scope::Always.as_str(), "from": "settings" }))
        .concerning([acting_user.user.clone()]);
    Ok(Some(Changed::new(workspace, grant, record)))
}

/// Records that a user tried to change settings, and was refused.
pub fn refuse(workspace: WorkspaceId, user: &UserId, rejection: Rejection) -> Changed<Rejection> {
    let entry = Entry::new(Actor::User(user.clone()), AuditAction::SettingsRefused)
        .after(json!({ "why": rejection.code() }))
        .concerning([user.clone()]);
    Changed::new(workspace, rejection, entry)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{
        catalog::{Lock, UnlockedFor},
        field_hints::Presentation,
        ids::{ActionId, ActionVersionId, IntegrationId},
        limits::Bounds,
        people::PersonKind,
        risk::Impact,
        text::{ActionKey, IntegrationKey},
    };

    fn judge(
        kind: PersonKind,
        unlocked: bool,
        connected: bool,
        existing: bool,
    ) -> Result<Option<Grant>, Rejection> {
        let action = ActionRef {
            id: ActionId::new(Uuid::from_u128(1)),
            integration_id: IntegrationId::new(Uuid::from_u128(2)),
            integration: IntegrationKey::new("github").unwrap(),
            action: ActionKey::new("create_issue").unwrap(),
            version: ActionVersionId::new(Uuid::from_u128(1)),
            integration_name: "GitHub".to_owned(),
            action_name: "Create issue".to_owned(),
            description: None,
            impact: Impact::Undeclared,
            presentation: Presentation::default(),
            has_input_schema: false,
            must_read: false,
        };
        let acting_user = ActingUser { user: UserId::parse("U1").unwrap(), kind };
        let lock = Lock::new(unlocked.then_some(UnlockedFor::Always), false, true);
        let eligibility = Eligibility {
            lock,
            outdated: false,
            connected,
            conversation_closed: true,
            bounds: Bounds::default(),
        };
        let grant = GrantId::new(Uuid::from_u128(3));
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let workspace = WorkspaceId::new(Uuid::from_u128(4));
        let judged =
            turn_on(workspace, &action, &acting_user, eligibility, existing.then_some(grant), grant, now)?;
        Ok(judged.map(|changed| changed.state().clone()))
    }

    #[test]
    fn a_member_allows_what_an_admin_unlocked_and_they_connected() {
        let grant = judge(PersonKind::Member, true, true, false).unwrap().unwrap();
        assert_eq!((grant.user.as_str(), grant.reach), ("U1", Reach::Always));
        assert_eq!(judge(PersonKind::Member, true, true, true), Ok(None));
    }

    #[test]
    fn nothing_else_leaves_a_grant() {
        assert_eq!(judge(PersonKind::Member, false, true, true), Err(Rejection::Locked));
        assert_eq!(judge(PersonKind::Member, true, false, false), Err(Rejection::NotConnected));
        assert_eq!(judge(PersonKind::Guest, true, true, false), Err(Rejection::Guest));
        assert_eq!(judge(PersonKind::ExternalUser, true, true, false), Err(Rejection::OtherWorkspace));
        assert_eq!(judge(PersonKind::Unknown, true, true, false), Err(Rejection::LookupUnavailable));
    }
}
