//! A backend describes an integration: the whole of it, so that what it leaves out is retired.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::{Failure, Service, commit, own_integration, retrying, turn_off};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        catalog::Lock,
        grants::Revocation,
        ids::{ActionId, ActionVersionId, IntegrationId, WorkspaceId},
        text::{ActionKey, IntegrationKey, Link, Name, Prose},
        unlocking::Answer,
    },
    storage::{
        self, Tx,
        actions::{self, Action, Described},
        grants::Which,
        homes::Whose,
        integrations::{self, Integration},
        outbox, unlock_requests,
    },
};

/// An integration as a backend describes it.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Its name for people.
    pub name: Name,
    /// What it is.
    pub description: Option<Prose>,
    /// Whether a user must have connected it before anything is auto-approved.
    pub requires_connection: bool,
    /// The address where users connect it.
    pub connect_url: Option<Link>,
    /// Everything it can do.
    pub actions: Vec<CatalogAction>,
}

/// An action as a backend describes it.
#[derive(Debug, Clone)]
pub struct CatalogAction {
    /// Its key.
    pub key: ActionKey,
    /// Its name for people.
    pub name: Name,
    /// What it does.
    pub description: Option<Prose>,
    /// It changes nothing.
    pub read_only: bool,
    /// It destroys something.
    pub destructive: bool,
}

/// An integration as it is stored, with its actions.
pub type Stored = (Integration, Vec<Action>);

/// Stores the description, if the actor owns the integration or it has no owner yet. Locks and grants of what stays are
/// kept; what is left out is retired. An unlocked action that is described otherwise pauses its grants: when this has
/// returned, no request is auto-approved by one until an admin confirms. When nothing has changed, nothing is written or
/// locked.
pub async fn put(
    service: &Service,
    workspace: WorkspaceId,
    actor: &Actor,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Stored, Failure> {
    if let Some(same) = unchanged(service, workspace, actor, key, catalog).await? {
        return Ok(same);
    }
    retrying!(attempt(service, workspace, actor, key, catalog))
}

/// The integration as it is stored, if that is what the catalog says and the actor may say so.
async fn unchanged(
    service: &Service,
    workspace: WorkspaceId,
    actor: &Actor,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Option<Stored>, Failure> {
    let mut db = service.db.acquire().await?;
    let Some(known) = integrations::find(&mut db, workspace, key).await? else { return Ok(None) };
    let actions = actions::of(&mut db, &[known.id]).await?;
    let same = known.ownership.described_by(actor) == Ok(known.ownership)
        && Difference::between((&known, &actions), catalog).is_none();
    Ok(same.then_some((known, actions)))
}

/// What a catalog changes.
#[derive(Default)]
struct Difference<'c> {
    /// Something of the integration itself.
    around: bool,
    /// What needs another version of its description, or comes back.
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
) -> Result<Stored, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    storage::workspaces::hold(&mut tx, workspace).await?;
    integrations::register(&mut tx, IntegrationId::new(service.fresh()), workspace, key, now).await?;
    let before = integrations::lock(&mut tx, workspace, key).await?.ok_or(Rejection::CatalogFull)?;
    let ownership = match before.ownership.described_by(actor) {
        Ok(ownership) => ownership,
        Err(rejection) => {
            return own_integration::refuse(service, tx, workspace, actor, key.as_str(), rejection).await;
        }
    };
    let id = IntegrationId::new(before.id);
    let present = actions::lock_all(&mut tx, id).await?;
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
        return Ok((wanted, actions::of(&mut tx, &[before.id]).await?));
    }
    let Difference { around, changed, retired } = difference.unwrap_or_default();
    integrations::update(&mut tx, &wanted).await?;
    let integration = actions::Integration {
        id,
        name: &wanted.name,
        requires_connection: wanted.requires_connection,
        described_by: match actor {
            Actor::Backend(backend) => Some(*backend),
            _ => None,
        },
    };
    let described: Vec<Described<'_>> = changed.iter().map(|action| describe(action)).collect();
    actions::put(&mut tx, integration, &described, now, || service.fresh()).await?;
    let stored = actions::of(&mut tx, &[before.id]).await?;
    let entry = record(actor, (&before, &present), (&wanted, &stored), (&changed, &retired));
    storage::audit::record(&mut tx, workspace, now, &[entry]).await?;
    retire(service, &mut tx, (workspace, actor), key, &present, &retired).await?;
    let stored: Vec<Action> =
        stored.into_iter().filter(|action| !retired.contains(&ActionId::new(action.id))).collect();
    if wanted.requires_connection && !before.requires_connection {
        // Whoever has not connected it can't auto-approve it any more, and connecting it brings nothing back.
        let which = Which { integration: Some(id), unconnected: true, ..Which::default() };
        turn_off::revoke(service, &mut tx, workspace, &which, actor, Revocation::ConnectionRequired).await?;
    }
    // Prompts and requests to unlock show what stands in the way of auto-approval.
    let concerned: Vec<ActionId> = present
        .iter()
        .filter(|known| around || changed.iter().any(|action| action.key.as_str() == known.key))
        .map(|known| ActionId::new(known.id))
        .chain(retired.iter().copied())
        .collect();
    let pending = storage::approvals::pending_for_actions(&mut tx, &concerned).await?;
    outbox::draw_again(&mut tx, workspace, &pending, now, || service.fresh()).await?;
    let open = unlock_requests::open_for(&mut tx, &concerned).await?;
    let open: Vec<_> = open.into_iter().map(|request| (request, Vec::new())).collect();
    outbox::tell_of_unlocking(&mut tx, workspace, &open, now, || service.fresh()).await?;
    service.refresh(&mut tx, workspace, Whose::Everybody).await?;
    commit(tx).await?;
    warn_of_changes(key, &present, &stored);
    Ok((wanted, stored))
}

/// Says in the log that grants are paused.
fn warn_of_changes(key: &IntegrationKey, present: &[Action], stored: &[Action]) {
    let paused = stored.iter().filter(|action| action.lock() == Lock::Changed);
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

/// What the audit says of it: what people and admins go by, before and after. An action that is new is only named.
fn record(
    actor: &Actor,
    (before, present): (&Integration, &[Action]),
    (after, stored): (&Integration, &[Action]),
    (changed, retired): (&[&CatalogAction], &[ActionId]),
) -> Entry {
    let (mut were, mut are, mut added) = (serde_json::Map::new(), serde_json::Map::new(), Vec::new());
    for action in changed {
        let key = action.key.as_str();
        let was = present.iter().find(|known| known.key == key);
        let is = stored.iter().find(|known| known.key == key);
        match (was, is) {
            (Some(was), _) if is_same(was, action) => {}
            (Some(was), Some(is)) => {
                were.insert(key.to_owned(), said(was));
                are.insert(key.to_owned(), said(is));
            }
            _ => added.push(key.to_owned()),
        }
    }
    Entry::new(actor.clone(), What::IntegrationPut)
        .subject(after.key.as_str())
        .before(json!({
            "name": before.name, "requires_connection": before.requires_connection,
            "owner": own_integration::name(before.ownership), "changed": were,
        }))
        .after(json!({
            "name": after.name, "requires_connection": after.requires_connection,
            "owner": own_integration::name(after.ownership), "changed": are,
            "added": added, "retired": retired.len(),
        }))
}

/// An action's description as the audit says it; the rest of it is in the version.
fn said(action: &Action) -> Value {
    json!({
        "name": action.name, "read_only": action.read_only, "destructive": action.destructive,
        "version": ActionVersionId::new(action.version),
    })
}

fn describe(action: &CatalogAction) -> Described<'_> {
    Described {
        key: &action.key,
        name: action.name.as_str(),
        description: action.description.as_ref().map(Prose::as_str),
        read_only: action.read_only,
        destructive: action.destructive,
    }
}

fn is_same(known: &Action, action: &CatalogAction) -> bool {
    known.retired_at.is_none()
        && known.key == action.key.as_str()
        && known.name == action.name.as_str()
        && known.description.as_deref() == action.description.as_ref().map(Prose::as_str)
        && known.read_only == action.read_only
        && known.destructive == action.destructive
}

/// Whether the rest of its description, which is its integration's, is what the catalog says.
fn is_same_around(known: &Action, catalog: &Catalog) -> bool {
    known.integration_name == catalog.name.as_str()
        && known.requires_connection == catalog.requires_connection
}

/// Retires actions: their grants stop, and so do requests to unlock them.
async fn retire(
    service: &Service,
    tx: &mut Tx,
    (workspace, actor): (WorkspaceId, &Actor),
    key: &IntegrationKey,
    present: &[Action],
    retired: &[ActionId],
) -> Result<(), Failure> {
    if retired.is_empty() {
        return Ok(());
    }
    let now = service.now();
    actions::retire(tx, retired, now).await?;
    let entries: Vec<Entry> = present
        .iter()
        .filter(|known| retired.contains(&ActionId::new(known.id)))
        .map(|known| {
            Entry::new(actor.clone(), What::ActionRetired)
                .subject(format!("{key}.{}", known.key))
                .before(json!({ "unlocked": known.unlocked_at.is_some() }))
        })
        .collect();
    storage::audit::record(tx, workspace, now, &entries).await?;
    let which = Which { actions: Some(retired), ..Which::default() };
    turn_off::revoke(service, tx, workspace, &which, actor, Revocation::ActionRetired).await?;
    let requests = unlock_requests::answer(tx, retired, Answer::Retired, actor.kind(), now).await?;
    outbox::tell_of_unlocking(tx, workspace, &requests, now, || service.fresh()).await?;
    Ok(())
}
