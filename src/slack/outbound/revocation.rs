//! Tells users, in their direct messages, which of their grants an admin or the operator revoked.

use std::sync::Arc;

use crate::{
    domain::people::PersonKind,
    outbox::{Claim, Outcome},
    service::{Service, ServiceError, revoke_grants, show},
    slack::{
        outbound::once::{self, Sent},
        view::revocation,
        web_api::{client::Client, users::People},
    },
};

/// The most messages of one row: each revocation has a row of its own.
const MOST: usize = 20;

/// Sends notices.
#[derive(Debug, Clone)]
pub struct RevocationRenderer {
    /// Posts the messages.
    pub client: Client,
    /// Looks up what the user is in the workspace.
    pub people: Arc<People>,
}

impl RevocationRenderer {
    /// Tells the user whom an outbox row names what they were not told yet. Those who left are told nothing.
    pub async fn send(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        let Some(user) = &claim.user else { return Ok(Outcome::done()) };
        let Some(slack_id) = show::installed(service, claim.workspace).await? else {
            return Ok(Outcome::done());
        };
        let is_member = match self.people.profile(&slack_id, user).await {
            Ok(profile) => profile.kind == PersonKind::Member,
            Err(error) if error.is_unknown_user() => false,
            Err(error) => return Ok(error.into()),
        };
        for _ in 0..MOST {
            let Some((id, notice)) = revoke_grants::untold(service, claim.workspace, user).await? else {
                break;
            };
            if !revoke_grants::take(service, id).await? || !is_member {
                continue;
            }
            match once::post(&self.client, &slack_id, user, &revocation::message(&notice), claim).await {
                Sent::Yes(_) | Sent::Perhaps => {}
                Sent::No(error) => {
                    revoke_grants::give_back(service, id).await?;
                    return Ok(error.into());
                }
                Sent::Never(refusal) => return Ok(refusal.into()),
            }
        }
        Ok(Outcome::done())
    }
}
