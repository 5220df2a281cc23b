//! Standing permissions end: a user turns one off, or what it rested on goes away.

use serde_json::json;

use super::{
    Failure, Service, commit, retrying,
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        grants::Revocation,
        ids::{ActionId, GrantId, UserId, WorkspaceId},
    },
    storage::{
        self, Tx,
        grants::{Revoked, Which},
        homes::Whose,
        outbox,
    },
};

/// Turns one of the user's grants off. From the moment this returns no request is approved by it.
pub async fn turn_off(
    service: &Service,
    origin: Origin<'_>,
    user: &UserId,
    grant: GrantId,
) -> Result<(), Failure> {
    retrying!(attempt(service, origin, user, grant))
}

async fn attempt(
    service: &Service,
    origin: Origin<'_>,
    user: &UserId,
    grant: GrantId,
) -> Result<(), Failure> {
    let mut tx = service.begin().await?;
    let workspace = workspaces::enter(service, &mut tx, origin, user).await?;
    let which = Which { id: Some(grant), user: Some(user), ..Which::default() };
    let actor = Actor::User(user.clone());
    let revoked = revoke(service, &mut tx, workspace.id, &which, &actor, Revocation::TurnedOff).await?;
    if revoked.is_empty() {
        let rejection = match storage::grants::owner(&mut tx, workspace.id, grant).await? {
            Some(owner) => Rejection::WrongPerson { owner },
            None => Rejection::UnknownGrant,
        };
        if matches!(rejection, Rejection::WrongPerson { .. }) {
            let entry = Entry::new(actor, What::SettingsRefused)
                .grant(grant)
                .after(json!({ "why": rejection.code() }));
            storage::audit::record(&mut tx, workspace.id, service.now(), &[entry]).await?;
        }
        // A screen that still offers it is behind.
        service.refresh(&mut tx, workspace.id, Whose::Users(std::slice::from_ref(user))).await?;
        commit(tx).await?;
        return Err(rejection.into());
    }
    // Whoever turns off "always" means every conversation: the next request asks, in whichever it comes.
    let always: Vec<ActionId> =
        revoked.iter().filter(|grant| !grant.is_for_one_conversation()).map(|grant| grant.action).collect();
    if !always.is_empty() {
        let which = Which { user: Some(user), actions: Some(&always), ..Which::default() };
        revoke(service, &mut tx, workspace.id, &which, &actor, Revocation::TurnedOff).await?;
    }
    commit(tx).await
}

/// Ends live grants within the caller's transaction, with audit entries that name who and why, and has the prompts
/// that offer to turn them off drawn again.
pub(super) async fn revoke(
    service: &Service,
    tx: &mut Tx,
    workspace: WorkspaceId,
    which: &Which<'_>,
    actor: &Actor,
    why: Revocation,
) -> Result<Vec<Revoked>, Failure> {
    let now = service.now();
    let by = actor.id().unwrap_or_else(|| actor.kind().to_owned());
    let revoked = storage::grants::revoke(tx, workspace, which, Some(&by), why, now).await?;
    if revoked.is_empty() {
        return Ok(revoked);
    }
    let entries: Vec<Entry> = revoked
        .iter()
        .map(|grant| {
            Entry::new(actor.clone(), What::GrantRevoked)
                .grant(grant.id)
                .subject(grant.user.to_string())
                .before(json!({ "scope": grant.scope_name() }))
                .after(json!({ "why": why.as_str() }))
        })
        .collect();
    storage::audit::record(tx, workspace, now, &entries).await?;
    let ids: Vec<GrantId> = revoked.iter().map(|grant| grant.id).collect();
    let shown = storage::approvals::that_left(tx, &ids).await?;
    outbox::draw_again(tx, workspace, &shown, now, || service.fresh()).await?;
    let mut users: Vec<UserId> = revoked.iter().map(|grant| grant.user.clone()).collect();
    users.sort();
    users.dedup();
    service.refresh(tx, workspace, Whose::Users(&users)).await?;
    Ok(revoked)
}
