//! A conversation in which nobody has asked for 30 days: its grants end, and the audit says so.

use super::{Failure, Service, commit, retrying, turn_off};
use crate::{
    domain::{
        audit::Actor,
        grants::{Revocation, SILENCE},
    },
    storage::{conversations, grants::Which},
};

/// How many conversations one transaction looks after.
const BATCH: i64 = 50;

/// Ends the grants of up to [`BATCH`] silent conversations; says of how many. A conversation in which somebody is
/// asking at this moment is left to them.
pub async fn end(service: &Service) -> Result<usize, Failure> {
    retrying!(attempt(service))
}

async fn attempt(service: &Service) -> Result<usize, Failure> {
    let mut tx = service.begin().await?;
    let silent = conversations::lock_silent(&mut tx, service.now() - SILENCE, BATCH).await?;
    for conversation in &silent {
        let which =
            Which { conversation: Some((conversation.backend, &conversation.id)), ..Which::default() };
        let why = Revocation::ConversationSilent;
        turn_off::revoke(service, &mut tx, conversation.workspace, &which, &Actor::Service, why).await?;
    }
    commit(tx).await?;
    Ok(silent.len())
}
