//! A backend describes an integration completely. Actions that the description leaves out are retired.

use std::collections::{HashMap, HashSet};

use super::{Service, ServiceError, UnitOfWork, authenticate::Caller, retrying, turn_off};
use crate::{
    domain,
    domain::{
        audit::Actor,
        catalog::Lock,
        descriptions,
        descriptions::{Before, Described, DescribedAction, DescriptionViews, Earlier, RetiredAction, Said},
        field_hints::Presentation,
        ids::{ActionId, ActionVersionId, IntegrationId, WorkspaceId},
        input_schema::InputSchema,
        rejection::Rejection,
        revocation::Revocation,
        risk::Impact,
        text::{ActionKey, IntegrationKey, Link, Name, Prose},
        unlocking::Resolutions,
    },
    storage,
    storage::tables::{
        actions, actions::Action, grants::GrantFilter, integrations, integrations::Integration,
        unlock_requests,
    },
};

/// An integration as a backend describes it.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The integration's display name.
    pub name: Name,
    /// What the integration is.
    pub description: Option<Prose>,
    /// Whether auto-approval requires that the user has connected the integration.
    pub requires_connection: bool,
    /// Where users connect the integration.
    pub connect_url: Option<Link>,
    /// All actions of the integration.
    pub actions: Vec<CatalogAction>,
}

/// An action as a backend describes it.
#[derive(Debug, Clone)]
pub struct CatalogAction {
    /// The action's key.
    pub key: ActionKey,
    /// The action's display name.
    pub name: Name,
    /// What the action does.
    pub description: Option<Prose>,
    /// What the action does to data, money and others.
    pub impact: Impact,
    /// How requests for the action are shown.
    pub presentation: Presentation,
    /// What the action's arguments must look like.
    pub input_schema: Option<InputSchema>,
}

/// A stored integration and its actions.
pub type Stored = (Integration, Vec<Action>);

/// Saves a description that a caller of the API sends. A bound key describes only the backend's own integrations.
pub async fn put_for(
    service: &Service,
    caller: &Caller,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Stored, ServiceError> {
    caller.may_describe(key)?;
    put(service, caller.workspace(), &Actor::Backend(caller.own().backend()), key, catalog).await
}

/// Saves a description, if the actor owns the integration or it has no owner yet. Actions that stay keep their locks
/// and grants; the others are retired. If an unlocked action's description changes, its grants are paused: once this
/// returns, they approve nothing until an admin confirms. If nothing differs, nothing is written or locked.
#[tracing::instrument(name = "put_integration", skip_all, fields(%workspace))]
pub async fn put(
    service: &Service,
    workspace: WorkspaceId,
    actor: &Actor,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Stored, ServiceError> {
    if let Some(same) = unchanged(service, workspace, actor, key, catalog).await? {
        return Ok(same);
    }
    retrying!(attempt(service, workspace, actor, key, catalog))
}

/// The stored integration, if it equals the description already and the actor may describe it.
async fn unchanged(
    service: &Service,
    workspace: WorkspaceId,
    actor: &Actor,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Option<Stored>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(known) = integrations::find(&mut db, workspace, key).await? else { return Ok(None) };
    let actions = actions::for_integrations(&mut db, &[known.id]).await?;
    let same = known.ownership.described_by(actor) == Ok(known.ownership)
        && Difference::between((&known, &actions), catalog).is_none();
    Ok(same.then_some((known, actions)))
}

/// What differs between a description and the stored integration.
#[derive(Default)]
struct Difference<'c> {
    /// Whether the integration itself differs.
    around: bool,
    /// The actions that need another version of their description, or are no longer retired.
    changed: Vec<&'c CatalogAction>,
    retired: Vec<ActionId>,
}

impl<'c> Difference<'c> {
    fn between((known, present): (&Integration, &[Action]), catalog: &'c Catalog) -> Option<Self> {
        let described: HashMap<&str, &Action> =
            present.iter().map(|action| (action.key.as_str(), action)).collect();
        let wanted: HashSet<&str> = catalog.actions.iter().map(|action| action.key.as_str()).collect();
        let changed: Vec<_> = catalog
            .actions
            .iter()
            .filter(|action| {
                let known = described.get(action.key.as_str());
                !known.is_some_and(|known| is_same(known, action) && is_same_around(known, catalog))
            })
            .collect();
        let retired: Vec<_> = present
            .iter()
            .filter(|known| known.retired_at.is_none() && !wanted.contains(known.key.as_str()))
            .map(|known| ActionId::new(known.id))
            .collect();
        let same = known.name == catalog.name.as_str()
            && known.description.as_deref() == catalog.description.as_ref().map(Prose::as_str)
            && known.requires_connection == catalog.requires_connection
            && known.connect_url.as_deref() == catalog.connect_url.as_ref().map(Link::as_str);
        (!same || !changed.is_empty() || !retired.is_empty()).then_some(Self {
            around: !same,
            changed,
            retired,
        })
    }
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    actor: &Actor,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Stored, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    integrations::register(&mut work, IntegrationId::new(service.new_id()), workspace, key, now).await?;
    let before = integrations::lock(&mut work, workspace, key).await?.ok_or(Rejection::CatalogFull)?;
    let ownership = match before.ownership.described_by(actor) {
        Ok(ownership) => ownership,
        Err(rejection) => {
            return work.refuse(domain::ownership::refuse(workspace, actor, key.as_str(), rejection)).await;
        }
    };
    let id = IntegrationId::new(before.id);
    let present = actions::lock_all(&mut work, id).await?;
    let wanted = Integration {
        id: before.id,
        key: before.key.clone(),
        name: catalog.name.to_string(),
        description: catalog.description.as_ref().map(ToString::to_string),
        requires_connection: catalog.requires_connection,
        connect_url: catalog.connect_url.as_ref().map(|url| url.as_str().to_owned()),
        ownership,
    };
    let difference = Difference::between((&before, &present), catalog);
    if difference.is_none() && ownership == before.ownership {
        return Ok((wanted, actions::for_integrations(&mut work, &[before.id]).await?));
    }
    let Difference { around, changed, retired } = difference.unwrap_or_default();
    let described = Described {
        id,
        key: key.clone(),
        name: wanted.name.clone(),
        description: wanted.description.clone(),
        requires_connection: wanted.requires_connection,
        connect_url: wanted.connect_url.clone(),
        ownership,
        described_by: match actor {
            Actor::Backend(backend) => Some(*backend),
            _ => None,
        },
        actions: describe(service, &mut work, catalog, &changed, &present).await?,
        retired: retire(&present, &retired),
        answers: Resolutions::none(),
    };
    // Prompts and unlock requests show the descriptions, and what prevents auto-approval.
    let concerned: Vec<ActionId> = present
        .iter()
        .filter(|known| around || changed.iter().any(|action| action.key.as_str() == known.key))
        .map(|known| ActionId::new(known.id))
        .chain(retired.iter().copied())
        .collect();
    let requests = unlock_requests::open_of(&mut work, &concerned).await?;
    let shown = DescriptionViews {
        pending: storage::tables::approvals::pending_for_actions(&mut work, &concerned).await?,
        requests: requests.into_iter().map(|request| request.id).collect(),
        retired: unlock_requests::open_of(&mut work, &retired).await?,
    };
    let earlier = Earlier {
        name: before.name.clone(),
        requires_connection: before.requires_connection,
        ownership: before.ownership,
    };
    let described = work.record(descriptions::describe(workspace, actor, &earlier, described, shown));
    integrations::update(&mut work, &described).await?;
    actions::put(&mut work, &described, now).await?;
    actions::retire(&mut work, &described, now).await?;
    unlock_requests::answer(&mut work, &described, now).await?;
    if !retired.is_empty() {
        let filter = GrantFilter { actions: Some(&retired), ..GrantFilter::default() };
        turn_off::revoke(&mut work, workspace, &filter, actor, Revocation::ActionRetired).await?;
    }
    if wanted.requires_connection && !before.requires_connection {
        // Users without a connection can no longer auto-approve. Their grants end now, so that connecting later does
        // not revive them.
        let filter = GrantFilter { integration: Some(id), unconnected: true, ..GrantFilter::default() };
        turn_off::revoke(&mut work, workspace, &filter, actor, Revocation::ConnectionRequired).await?;
    }
    let stored = actions::for_integrations(&mut work, &[before.id]).await?;
    work.commit().await?;
    warn_of_changes(key, &present, &stored);
    Ok((wanted, stored))
}

/// Logs which actions have paused grants.
fn warn_of_changes(key: &IntegrationKey, present: &[Action], stored: &[Action]) {
    let paused = stored.iter().filter(|action| matches!(action.lock(), Lock::Changed(_)));
    let paused = paused.filter(|action| {
        present.iter().any(|known| known.id == action.id && known.version != action.version)
    });
    let paused = paused.count();
    if paused > 0 {
        tracing::warn!(
            integration = %key,
            actions = paused,
            "Descriptions of unlocked actions changed; their grants are paused until an admin confirms"
        );
    }
}

/// The actions that change, each with the version that holds its new description: an earlier version with the same
/// content, or a new one. An action's first version has the action's id.
async fn describe(
    service: &Service,
    work: &mut UnitOfWork,
    catalog: &Catalog,
    changed: &[&CatalogAction],
    present: &[Action],
) -> Result<Vec<DescribedAction>, ServiceError> {
    let known = |action: &CatalogAction| present.iter().find(|known| known.key == action.key.as_str());
    let mut described: Vec<DescribedAction> = changed
        .iter()
        .map(|action| {
            let new_id = service.new_id();
            DescribedAction {
                id: ActionId::new(known(action).map_or(new_id, |known| known.id)),
                key: action.key.clone(),
                version: ActionVersionId::new(new_id),
                is_new_version: true,
                name: action.name.to_string(),
                description: action.description.as_ref().map(ToString::to_string),
                impact: action.impact,
                presentation: action.presentation.clone(),
                input_schema: action.input_schema.clone(),
                before: match known(action) {
                    None => Before::New,
                    Some(was) if is_same(was, action) => Before::Same,
                    Some(was) => Before::Other(Said {
                        name: was.name.clone(),
                        impact: was.impact,
                        version: ActionVersionId::new(was.version),
                    }),
                },
            }
        })
        .collect();
    let (name, requires_connection) = (catalog.name.as_str(), catalog.requires_connection);
    let earlier = actions::earlier_versions(work, name, requires_connection, &described).await?;
    for action in &mut described {
        if let Some(version) = earlier.get(&action.id) {
            (action.version, action.is_new_version) = (*version, false);
        }
    }
    Ok(described)
}

fn is_same(known: &Action, action: &CatalogAction) -> bool {
    known.retired_at.is_none()
        && known.key == action.key.as_str()
        && known.name == action.name.as_str()
        && known.description.as_deref() == action.description.as_ref().map(Prose::as_str)
        && known.impact == action.impact
        && known.presentation == action.presentation
        && known.input_schema == action.input_schema
}

/// Whether the integration's part of the action's stored version equals the new description.
fn is_same_around(known: &Action, catalog: &Catalog) -> bool {
    known.integration_name == catalog.name.as_str()
        && known.requires_connection == catalog.requires_connection
}

fn retire(present: &[Action], retired: &[ActionId]) -> Vec<RetiredAction> {
    let actions = present.iter().filter(|known| retired.contains(&ActionId::new(known.id)));
    let actions = actions.map(|known| RetiredAction {
        id: ActionId::new(known.id),
        key: known.key.clone(),
        unlocked: known.unlocked.is_some(),
    });
    actions.collect()
}
