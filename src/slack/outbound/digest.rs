//! Sends users their daily digest, in their direct messages.

use std::sync::Arc;

use crate::{
    domain::people::PersonKind,
    outbox::{Claim, Outcome},
    service::{Service, ServiceError, digests, notifications, show},
    slack::{
        outbound::once::{self, QUIET_CHECK, Sent},
        view::digest,
        web_api::{client::Client, users::People},
    },
};

/// Sends digests.
#[derive(Debug, Clone)]
pub struct DigestRenderer {
    /// Posts the messages.
    pub client: Client,
    /// Looks up what the user is in the workspace.
    pub people: Arc<People>,
}

impl DigestRenderer {
    /// Sends the digest of the user whom an outbox row names, if it was not sent yet.
    pub async fn send(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        let Some(user) = &claim.user else { return Ok(Outcome::done()) };
        let Some(slack_id) = show::installed(service, claim.workspace).await? else {
            return Ok(Outcome::done());
        };
        let now = service.now();
        let preferences = notifications::find_in(service, claim.workspace, user).await?;
        if let Some(until) = preferences.quiet_until(now) {
            return Ok(Outcome::Wait((until - now).min(QUIET_CHECK)));
        }
        let Some((day, shown)) = digests::unsent(service, claim.workspace, user).await? else {
            return Ok(Outcome::done());
        };
        match self.people.profile(&slack_id, user).await {
            Ok(profile) if profile.kind == PersonKind::Member => {}
            Ok(_) => {
                digests::postpone(service, claim.workspace, user, None).await?;
                return Ok(Outcome::done());
            }
            Err(error) if error.is_unknown_user() => {
                digests::postpone(service, claim.workspace, user, None).await?;
                return Ok(Outcome::done());
            }
            Err(error) => return Ok(error.into()),
        }
        if !digests::take(service, claim.workspace, user, day).await? {
            return Ok(Outcome::done());
        }
        match once::post(&self.client, &slack_id, user, &digest::message(&shown), claim).await {
            Sent::Yes(_) => {
                metrics::counter!("countersign_digests_total").increment(1);
                Ok(Outcome::done())
            }
            Sent::Perhaps => Ok(Outcome::done()),
            Sent::No(error) => {
                digests::give_back(service, claim.workspace, user, day).await?;
                Ok(error.into())
            }
            Sent::Never(refusal) => Ok(refusal.into()),
        }
    }
}
