//! A backend says that a conversation is over: its grants stop.

use super::{Service, ServiceError, authenticate::Caller, retrying, turn_off};
use crate::{
    domain::{
        audit::Actor, conversations as domain, rejection::Rejection, revocation::Revocation, text::ForeignId,
    },
    storage,
    storage::tables::{conversations, grants::GrantFilter},
};

/// Closes a conversation of this backend. Said twice, it changes nothing more.
#[tracing::instrument(name = "close_conversation", skip_all, fields(workspace = %caller.workspace, backend = %caller.backend))]
pub async fn close(service: &Service, caller: Caller, id: &ForeignId) -> Result<(), ServiceError> {
    retrying!(attempt(service, caller, id))
}

async fn attempt(service: &Service, caller: Caller, id: &ForeignId) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let (workspace, backend, now) = (caller.workspace, caller.backend, work.now());
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    let closed = conversations::lock(&mut work, backend, id).await?.ok_or(Rejection::UnknownConversation)?;
    if closed {
        // Not only read: what was said before was perhaps not confirmed. The locks that were taken are written, so that this
        // commit confirms it.
        return work.commit().await;
    }
    let pending = storage::tables::approvals::pending_in_conversation(&mut work, backend, id).await?;
    let closed = work.record(domain::close(workspace, backend, id, &pending));
    conversations::close(&mut work, &closed, now).await?;
    let (actor, why) = (Actor::Backend(backend), Revocation::ConversationClosed);
    let filter = GrantFilter { conversation: Some((backend, id)), ..GrantFilter::default() };
    turn_off::revoke(&mut work, workspace, &filter, &actor, why).await?;
    work.commit().await
}
