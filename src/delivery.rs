//! Which module does what an outbox row asks for.

use crate::{
    outbox::{Claim, Deliver, Kind, Outcome},
    service::{Failure, Service},
    slack::outbound::{home::HomeDrawer, prompt::Drawer, unlock_request::UnlockDrawer},
    webhooks::send::Sender,
};

/// Everything that rows may ask for. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Shows prompts.
    pub prompts: Drawer,
    /// Shows Home tabs.
    pub homes: HomeDrawer,
    /// Shows unlock requests and their answers.
    pub unlock_requests: UnlockDrawer,
    /// Sends webhooks.
    pub webhooks: Sender,
}

impl Deliver for Delivery {
    async fn deliver(&self, service: &Service, claim: &Claim) -> Result<Outcome, Failure> {
        match claim.kind {
            Kind::Prompt => self.prompts.draw(service, claim).await,
            Kind::Webhook => self.webhooks.send(service, claim).await,
            Kind::Home => self.homes.draw(service, claim).await,
            Kind::UnlockRequest => self.unlock_requests.draw(service, claim).await,
            Kind::UnlockAnswer => self.unlock_requests.tell(service, claim).await,
        }
    }
}
