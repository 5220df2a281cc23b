//! Tells people, in their direct messages, that they decide for another, or no longer do.

use std::sync::Arc;

use crate::{
    domain::{delegations::NoticeKind, people::PersonKind},
    outbox::{Claim, Outcome},
    service::{Service, ServiceError, delegations, show},
    slack::{
        outbound::once::{self, Sent},
        view::delegation,
        web_api::{client::Client, users::People},
    },
};

/// The most messages of one row: each notice has a row of its own.
const MOST: usize = 20;

/// Sends notices.
#[derive(Debug, Clone)]
pub struct DelegationRenderer {
    /// Posts the messages.
    pub client: Client,
    /// Looks up what the person is in the workspace.
    pub people: Arc<People>,
}

impl DelegationRenderer {
    /// Tells the person whom an outbox row names what they were not told yet. Those who left are told nothing.
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
            let Some(notice) = delegations::untold(service, claim.workspace, user).await? else { break };
            if notice.kind == NoticeKind::Begun && notice.ended.is_none() {
                delegations::show_pending(service, &notice.delegation).await?;
            }
            if !delegations::take(service, notice.id).await? || !is_member {
                continue;
            }
            let message = match (notice.kind, notice.ended) {
                (NoticeKind::Begun, None) => delegation::begun(&notice.delegation),
                (NoticeKind::Ended, Some(why)) => delegation::ended(&notice.delegation, user, why),
                // It has ended, which another notice says.
                (NoticeKind::Begun, Some(_)) | (NoticeKind::Ended, None) => continue,
            };
            match once::post(&self.client, &slack_id, user, &message, claim).await {
                Sent::Yes(_) | Sent::Perhaps => {}
                Sent::No(error) => {
                    delegations::give_back(service, notice.id).await?;
                    return Ok(error.into());
                }
                Sent::Never(refusal) => return Ok(refusal.into()),
            }
        }
        Ok(Outcome::done())
    }
}
