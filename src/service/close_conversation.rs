//! A backend says that a conversation is over: its grants stop.

use super::{Failure, Service, authenticate::Caller, commit, retrying, turn_off};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        grants::Revocation,
        text::ForeignId,
    },
    storage::{
        self,
        conversations::{self, Closing},
        grants::Which,
        homes::Whose,
        outbox,
    },
};

/// Closes a conversation of this backend. Said twice, it changes nothing more.
pub async fn close(service: &Service, caller: Caller, id: &ForeignId) -> Result<(), Failure> {
    retrying!(attempt(service, caller, id))
}

async fn attempt(service: &Service, caller: Caller, id: &ForeignId) -> Result<(), Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    storage::workspaces::hold(&mut tx, caller.workspace).await?;
    match conversations::close(&mut tx, caller.backend, id, now).await? {
        Closing::Closed => {}
        // Not only read: what was said before was perhaps not confirmed, and this confirms it.
        Closing::Before => return commit(tx).await,
        Closing::Unknown => return Err(Rejection::UnknownConversation.into()),
    }
    let actor = Actor::Backend(caller.backend);
    let entry = Entry::new(actor.clone(), What::ConversationClosed).subject(id.as_str());
    storage::audit::record(&mut tx, caller.workspace, now, &[entry]).await?;
    let which = Which { conversation: Some((caller.backend, id)), ..Which::default() };
    turn_off::revoke(service, &mut tx, caller.workspace, &which, &actor, Revocation::ConversationClosed)
        .await?;
    // What is pending in it can no longer be auto-approved for it.
    let (pending, users): (Vec<_>, Vec<_>) =
        storage::approvals::pending_in_conversation(&mut tx, caller.backend, id).await?.into_iter().unzip();
    outbox::draw_again(&mut tx, caller.workspace, &pending, now, || service.fresh()).await?;
    service.refresh(&mut tx, caller.workspace, Whose::Users(&users)).await?;
    commit(tx).await
}
