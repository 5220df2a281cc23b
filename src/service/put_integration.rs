//! A backend describes an integration: the whole of it, so that what it leaves out is retired.

use serde_json::json;

use super::{Failure, Service, authenticate::Caller, commit, retrying, turn_off};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        grants::Revocation,
        ids::{ActionId, IntegrationId},
        text::{ActionKey, IntegrationKey, Link, Name, Prose},
    },
    storage::{
        self, Tx,
        actions::{self, Action, Description},
        grants::Which,
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

/// Writes the description down. Locks and grants of what stays are kept; what is left out is retired.
pub async fn put(
    service: &Service,
    caller: Caller,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Stored, Failure> {
    retrying!(attempt(service, caller, key, catalog))
}

async fn attempt(
    service: &Service,
    caller: Caller,
    key: &IntegrationKey,
    catalog: &Catalog,
) -> Result<Stored, Failure> {
    let mut tx = service.begin().await?;
    let (workspace, now) = (caller.workspace, service.now());
    integrations::register(&mut tx, IntegrationId::new(service.fresh()), workspace, key, now).await?;
    let before = integrations::lock(&mut tx, workspace, key).await?.ok_or(Rejection::UnknownIntegration)?;
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
    let changed: Vec<&CatalogAction> =
        catalog.actions.iter().filter(|action| !present.iter().any(|known| is_same(known, action))).collect();
    let retired: Vec<ActionId> = present
        .iter()
        .filter(|known| known.retired_at.is_none())
        .filter(|known| !catalog.actions.iter().any(|action| action.key.as_str() == known.key))
        .map(|known| ActionId::new(known.id))
        .collect();
    let same = before.name == wanted.name
        && before.description == wanted.description
        && before.requires_connection == wanted.requires_connection
        && before.connect_url == wanted.connect_url;
    if !(same && changed.is_empty() && retired.is_empty()) {
        integrations::update(&mut tx, &wanted).await?;
        for action in &changed {
            let description = Description {
                key: &action.key,
                name: action.name.as_str(),
                description: action.description.as_ref().map(|text| text.as_str()),
                read_only: action.read_only,
                destructive: action.destructive,
            };
            actions::put(&mut tx, ActionId::new(service.fresh()), id, &description, now).await?;
        }
        let entry = Entry::new(Actor::Backend(caller.backend), What::IntegrationPut)
            .subject(key.as_str())
            .before(json!({ "requires_connection": before.requires_connection, "actions": present.len() }))
            .after(
                json!({ "requires_connection": wanted.requires_connection, "actions": catalog.actions.len(),
                           "changed": changed.len(), "retired": retired.len() }),
            );
        storage::audit::record(&mut tx, workspace, now, &[entry]).await?;
        retire(service, &mut tx, caller, key, &present, &retired).await?;
    }
    let stored = actions::of(&mut tx, &[before.id]).await?;
    commit(tx).await?;
    Ok((wanted, stored))
}

fn is_same(known: &Action, action: &CatalogAction) -> bool {
    known.retired_at.is_none()
        && known.key == action.key.as_str()
        && known.name == action.name.as_str()
        && known.description.as_deref() == action.description.as_ref().map(|text| text.as_str())
        && known.read_only == action.read_only
        && known.destructive == action.destructive
}

/// Retires actions: their grants stop, and pending prompts lose the menu.
async fn retire(
    service: &Service,
    tx: &mut Tx,
    caller: Caller,
    key: &IntegrationKey,
    present: &[Action],
    retired: &[ActionId],
) -> Result<(), Failure> {
    if retired.is_empty() {
        return Ok(());
    }
    let (workspace, now) = (caller.workspace, service.now());
    let actor = Actor::Backend(caller.backend);
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
    turn_off::revoke(service, tx, workspace, &which, &actor, Revocation::ActionRetired).await?;
    for id in retired {
        let pending = storage::approvals::pending_for_action(tx, *id).await?;
        outbox::draw_again(tx, workspace, &pending, now, || service.fresh()).await?;
    }
    Ok(())
}
