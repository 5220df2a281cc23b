//! A backend describes an integration: the whole of it, so that what it leaves out is retired.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::{Failure, Service, commit, retrying, turn_off};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        grants::Revocation,
        ids::{ActionId, IntegrationId, WorkspaceId},
        text::{ActionKey, IntegrationKey, Link, Name, Prose},
        unlocking::Answer,
    },
    storage::{
        self, Tx,
        actions::{self, Action, Description},
        grants::Which,
        homes::Whose,
        integrations::{self, Integration},
        outbox,
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
    /// Where a user connects it.
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

/// Writes the description down. Locks and grants of what stays are kept; what is left out is retired. When nothing has
/// changed, nothing is written or locked.
pub async fn put(
    service: &Service,
    workspace: WorkspaceId,
    actor: &Actor,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Stored, Failure> {
    if let Some(same) = unchanged(service, workspace, key, catalog).await? {
        return Ok(same);
    }
    retrying!(attempt(service, workspace, actor, key, catalog))
}

/// The integration as it is stored, if that is what the catalog says.
async fn unchanged(
    service: &Service,
    workspace: WorkspaceId,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Option<Stored>, Failure> {
    let mut db = service.db.acquire().await?;
    let Some(known) = integrations::find(&mut db, workspace, key).await? else { return Ok(None) };
    let actions = actions::of(&mut db, &[known.id]).await?;
    let same = Difference::between((&known, &actions), catalog).is_none();
    Ok(same.then_some((known, actions)))
}

/// What a catalog changes.
struct Difference<'c> {
    /// Nothing of the integration itself.
    same: bool,
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
            .filter(|action| !described.get(action.key.as_str()).is_some_and(|known| is_same(known, action)))
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
        (!same || !changed.is_empty() || !retired.is_empty()).then_some(Self { same, changed, retired })
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
    let id = IntegrationId::new(before.id);
    let present = actions::lock_all(&mut tx, id).await?;
    let wanted = Integration {
        id: before.id,
        key: before.key.clone(),
        name: catalog.name.to_string(),
        description: catalog.description.as_ref().map(ToString::to_string),
        requires_connection: catalog.requires_connection,
        connect_url: catalog.connect_url.as_ref().map(|url| url.as_str().to_owned()),
    };
    if let Some(Difference { same, changed, retired }) = Difference::between((&before, &present), catalog) {
        integrations::update(&mut tx, &wanted).await?;
        let descriptions: Vec<Description<'_>> = changed.iter().map(|action| describe(action)).collect();
        actions::put(&mut tx, id, &descriptions, now, || service.fresh()).await?;
        let entry = record(actor, key, (&before, &present), catalog, (&changed, &retired));
        storage::audit::record(&mut tx, workspace, now, &[entry]).await?;
        retire(service, &mut tx, (workspace, actor), key, &present, &retired).await?;
        if wanted.requires_connection && !before.requires_connection {
            // Whoever has not connected it can't auto-approve it any more, and connecting it brings nothing back.
            let which = Which { integration: Some(id), unconnected: true, ..Which::default() };
            turn_off::revoke(service, &mut tx, workspace, &which, actor, Revocation::ConnectionRequired)
                .await?;
        }
        // Prompts show names, warnings and what stands in the way of auto-approval.
        let concerned: Vec<ActionId> = present
            .iter()
            .filter(|known| !same || changed.iter().any(|action| action.key.as_str() == known.key))
            .map(|known| ActionId::new(known.id))
            .chain(retired.iter().copied())
            .collect();
        let pending = storage::approvals::pending_for_actions(&mut tx, &concerned).await?;
        outbox::draw_again(&mut tx, workspace, &pending, now, || service.fresh()).await?;
        service.refresh(&mut tx, workspace, Whose::Everybody).await?;
    }
    let stored = actions::of(&mut tx, &[before.id]).await?;
    commit(tx).await?;
    Ok((wanted, stored))
}

/// What the audit says of it: what people and admins go by, before and after. An action that is new is only named.
fn record(
    actor: &Actor,
    key: &IntegrationKey,
    (before, present): (&Integration, &[Action]),
    catalog: &Catalog,
    (changed, retired): (&[&CatalogAction], &[ActionId]),
) -> Entry {
    let known = |action: &CatalogAction| present.iter().find(|known| known.key == action.key.as_str());
    let (mut were, mut are, mut added) = (serde_json::Map::new(), serde_json::Map::new(), Vec::new());
    for action in changed {
        let key = action.key.to_string();
        let is = json!({ "name": action.name.as_str(), "read_only": action.read_only, "destructive": action.destructive });
        match known(action) {
            Some(known) => {
                let was = json!({ "name": known.name, "read_only": known.read_only, "destructive": known.destructive });
                were.insert(key.clone(), was);
                are.insert(key, is);
            }
            None => added.push(key),
        }
    }
    Entry::new(actor.clone(), What::IntegrationPut)
        .subject(key.as_str())
        .before(json!({
            "name": before.name, "requires_connection": before.requires_connection, "changed": were,
        }))
        .after(json!({
            "name": catalog.name.as_str(), "requires_connection": catalog.requires_connection, "changed": are,
            "added": added, "retired": retired.len(),
        }))
}

fn describe(action: &CatalogAction) -> Description<'_> {
    Description {
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
    let requests = storage::unlock_requests::answer(tx, retired, Answer::Retired, actor.kind(), now).await?;
    outbox::tell_of_unlocking(tx, workspace, &requests, now, || service.fresh()).await?;
    Ok(())
}
