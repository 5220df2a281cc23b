//! Passes each outbox row to the module that handles its kind.

use crate::{
    outbox::{Claim, Deliver, Kind, Outcome},
    service::{Service, ServiceError},
    slack::outbound::{
        delegation::DelegationRenderer, digest::DigestRenderer, home::HomeRenderer, misuse::MisuseRenderer,
        prompt::PromptRenderer, reminder::ReminderRenderer, revocation::RevocationRenderer,
        unlock_request::UnlockRequestRenderer,
    },
    webhooks::send::{self, Prepared, Sender},
};

/// The handlers of all kinds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Renders prompts.
    pub prompts: PromptRenderer,
    /// Renders Home tabs.
    pub homes: HomeRenderer,
    /// Renders unlock requests and their answers.
    pub unlock_requests: UnlockRequestRenderer,
    /// Tells users what an admin revoked.
    pub revocations: RevocationRenderer,
    /// Tells people for whom they decide.
    pub delegations: DelegationRenderer,
    /// Tells users that an agent tried to run something other than what they approved.
    pub misuses: MisuseRenderer,
    /// Reminds of what waits.
    pub reminders: ReminderRenderer,
    /// Sends digests.
    pub digests: DigestRenderer,
    /// Sends webhooks.
    pub webhooks: Sender,
}

impl Deliver for Delivery {
    /// Webhooks are prepared. The other kinds read what they need one by one.
    type Prepared = Option<Prepared>;

    async fn prepare(
        &self,
        service: &Service,
        claims: &[Claim],
    ) -> Result<Vec<Result<Option<Prepared>, ServiceError>>, ServiceError> {
        match claims {
            [Claim { kind: Kind::Webhook | Kind::Callback, .. }, ..] => send::prepare(service, claims).await,
            _ => Ok(claims.iter().map(|_| Ok(None)).collect()),
        }
    }

    async fn deliver(
        &self,
        service: &Service,
        claim: &Claim,
        prepared: Option<Prepared>,
    ) -> Result<Outcome, ServiceError> {
        // Boxed, except the webhook's: they are much larger, and every attempt's future would be as large as the largest.
        match claim.kind {
            Kind::Prompt | Kind::SharedPrompt => Box::pin(self.prompts.render(service, claim)).await,
            Kind::Webhook | Kind::Callback => self.webhooks.send(service, claim, prepared).await,
            Kind::Home => Box::pin(self.homes.render(service, claim)).await,
            Kind::UnlockRequest => Box::pin(self.unlock_requests.render(service, claim)).await,
            Kind::UnlockAnswer => Box::pin(self.unlock_requests.tell(service, claim)).await,
            Kind::Revocation => Box::pin(self.revocations.send(service, claim)).await,
            Kind::Delegation => Box::pin(self.delegations.send(service, claim)).await,
            Kind::Misuse => Box::pin(self.misuses.send(service, claim)).await,
            Kind::Reminder => Box::pin(self.reminders.render(service, claim)).await,
            Kind::Digest => Box::pin(self.digests.send(service, claim)).await,
        }
    }
}
