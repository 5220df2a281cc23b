//! A conversation in which nobody has asked for 30 days: its grants end, and the audit says so.

use super::{Service, ServiceError, retrying, turn_off};
use crate::{
    domain::{audit::Actor, grants::SILENCE, revocation::Revocation},
    storage::tables::{conversations, grants::GrantFilter},
};

/// How many conversations one transaction looks after.
const BATCH: i64 = 50;

/// Ends the grants of up to `BATCH` silent conversations; says of how many. A conversation in which somebody is
/// asking at this moment is left to them.
#[tracing::instrument(name = "end_silent_conversations", skip_all)]
pub async fn end(service: &Service) -> Result<usize, ServiceError> {
    retrying!(attempt(service))
}

async fn attempt(service: &Service) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    let since = work.now() - SILENCE;
    let silent = conversations::lock_silent(&mut work, since, BATCH).await?;
    for conversation in &silent {
        let filter = GrantFilter {
            conversation: Some((conversation.backend, &conversation.id)),
            ..GrantFilter::default()
        };
        let why = Revocation::ConversationSilent;
        turn_off::revoke(&mut work, conversation.workspace, &filter, &Actor::Service, why).await?;
    }
    work.commit().await?;
    Ok(silent.len())
}
