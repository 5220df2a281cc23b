//! Tells users, in their direct messages, that an agent tried to run something other than what was approved.

use std::sync::Arc;

use crate::{
    domain::people::PersonKind,
    outbox::{Claim, Outcome},
    service::{Service, ServiceError, permits, show},
    slack::{
        outbound::once::{self, Sent},
        view::misuse,
        web_api::{client::Client, users::People},
    },
};

/// Sends these messages.
#[derive(Debug, Clone)]
pub struct MisuseRenderer {
    /// Posts the messages.
    pub client: Client,
    /// Looks up what the user is in the workspace.
    pub people: Arc<People>,
}

impl MisuseRenderer {
    /// Tells the user of the approval that an outbox row names, once. Those who left are told nothing.
    pub async fn send(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        let Some(id) = claim.approval else { return Ok(Outcome::done()) };
        let Some(slack_id) = show::installed(service, claim.workspace).await? else {
            return Ok(Outcome::done());
        };
        let Some(approval) = permits::take_misuse(service, id).await? else { return Ok(Outcome::done()) };
        let user = &approval.request.user;
        match self.people.profile(&slack_id, user).await {
            Ok(profile) if profile.kind == PersonKind::Member => {}
            Ok(_) => return Ok(Outcome::done()),
            Err(error) if error.is_unknown_user() => return Ok(Outcome::done()),
            Err(error) => {
                permits::give_back_misuse(service, id).await?;
                return Ok(error.into());
            }
        }
        match once::post(&self.client, &slack_id, user, &misuse::message(&approval), claim).await {
            Sent::Yes(_) | Sent::Perhaps => Ok(Outcome::done()),
            Sent::No(error) => {
                permits::give_back_misuse(service, id).await?;
                Ok(error.into())
            }
            Sent::Never(refusal) => Ok(refusal.into()),
        }
    }
}
