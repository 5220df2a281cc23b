//! A backend closes a conversation, which ends the conversation's grants.

use super::{Service, ServiceError, authenticate::Caller, retrying, turn_off};
use crate::{
    domain::{
        audit::Actor, conversations as domain, rejection::Rejection, revocation::Revocation, text::ForeignId,
    },
    storage,
    storage::tables::{conversations, grants::GrantFilter},
};

/// Closes a conversation of this caller. Closing it again changes nothing.
#[tracing::instrument(name = "close_conversation", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend()))]
pub async fn close(service: &Service, caller: &Caller, id: &ForeignId) -> Result<(), ServiceError> {
    retrying!(attempt(service, caller, id))
}

async fn attempt(service: &Service, caller: &Caller, id: &ForeignId) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let (workspace, now) = (caller.workspace(), work.now());
    let key = caller.own().conversation(id);
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    let closed = conversations::lock(&mut work, &key).await?.ok_or(Rejection::UnknownConversation)?;
    if closed {
        // The earlier request may have had no confirmed commit. Taking row locks is a write too, so this commit waits
        // for the same confirmation.
        return work.commit().await;
    }
    let pending = storage::tables::approvals::pending_in_conversation(&mut work, &key).await?;
    let closed = work.record(domain::close(workspace, key.clone(), &pending));
    conversations::close(&mut work, &closed, now).await?;
    let (actor, why) = (Actor::Backend(key.backend()), Revocation::ConversationClosed);
    let filter = GrantFilter { conversation: Some(&key), ..GrantFilter::default() };
    turn_off::revoke(&mut work, workspace, &filter, &actor, why).await?;
    work.commit().await
}
