//! Ending the grants of conversations that have had no request for 30 days, with an audit entry for each.

use super::{Service, ServiceError, retrying, turn_off};
use crate::{
    domain::{audit::Actor, grants::SILENCE, revocation::Revocation},
    storage::tables::{conversations, grants::GrantFilter},
};

/// The maximum number of conversations per transaction.
const BATCH: i64 = 50;

/// Ends the grants of up to `BATCH` silent conversations. Returns how many conversations it handled. A conversation
/// that a request is using at that moment is skipped.
#[tracing::instrument(name = "end_silent_conversations", skip_all)]
pub async fn end(service: &Service) -> Result<usize, ServiceError> {
    retrying!(attempt(service))
}

async fn attempt(service: &Service) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    let since = work.now() - SILENCE;
    let silent = conversations::lock_silent(&mut work, since, BATCH).await?;
    for conversation in &silent {
        let filter = GrantFilter { conversation: Some(&conversation.conversation), ..GrantFilter::default() };
        let why = Revocation::ConversationSilent;
        turn_off::revoke(&mut work, conversation.workspace, &filter, &Actor::Service, why).await?;
    }
    work.commit().await?;
    Ok(silent.len())
}
