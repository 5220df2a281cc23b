//! Passes each outbox row to the module that handles its kind.

use crate::{
    outbox::{Claim, Deliver, Kind, Outcome},
    service::{Service, ServiceError},
    slack::outbound::{home::HomeRenderer, prompt::PromptRenderer, unlock_request::UnlockRequestRenderer},
    webhooks::send::Sender,
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
    /// Sends webhooks.
    pub webhooks: Sender,
}

impl Deliver for Delivery {
    async fn deliver(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        match claim.kind {
            Kind::Prompt => self.prompts.render(service, claim).await,
            Kind::Webhook => self.webhooks.send(service, claim).await,
            Kind::Home => self.homes.render(service, claim).await,
            Kind::UnlockRequest => self.unlock_requests.render(service, claim).await,
            Kind::UnlockAnswer => self.unlock_requests.tell(service, claim).await,
        }
    }
}
