//! A backend closes a conversation, which ends the conversation's grants.

use super::{Service, ServiceError, authenticate::Caller, read::Filter, retrying, turn_off};
use crate::{
    domain::{
        audit::Actor, conversations as domain, rejection::Rejection, revocation::Revocation, text::ForeignId,
    },
    storage,
    storage::{
        read_models::approvals as approvals_list,
        tables::{conversations, grants::GrantFilter},
    },
};

/// Closes a conversation of this backend. Closing it again changes nothing. For a bound key, it ends only that user's
/// grants: other users may have some in a conversation of the same id.
#[tracing::instrument(name = "close_conversation", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend()))]
pub async fn close(service: &Service, caller: &Caller, id: &ForeignId) -> Result<(), ServiceError> {
    retrying!(attempt(service, caller, id))
}

async fn attempt(service: &Service, caller: &Caller, id: &ForeignId) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let (workspace, backend, now) = (caller.workspace(), caller.own().backend(), work.now());
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    if let Some(user) = caller.own().user() {
        let filter = Filter { conversation: Some(id.as_str().to_owned()), ..Filter::default() };
        let asked = approvals_list::list(&mut work, workspace, caller.own(), &filter, 1).await?;
        if asked.is_empty() {
            return Err(Rejection::UnknownConversation.into());
        }
        storage::tables::members::lock(&mut work, workspace, user).await?;
        conversations::lock(&mut work, backend, id).await?;
        let (actor, why) = (Actor::Backend(backend), Revocation::ConversationClosed);
        let filter =
            GrantFilter { user: Some(user), conversation: Some((backend, id)), ..GrantFilter::default() };
        turn_off::revoke(&mut work, workspace, &filter, &actor, why).await?;
        return work.commit().await;
    }
    let closed = conversations::lock(&mut work, backend, id).await?.ok_or(Rejection::UnknownConversation)?;
    if closed {
        // The earlier request may have had no confirmed commit. Taking row locks is a write too, so this commit waits
        // for the same confirmation.
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
