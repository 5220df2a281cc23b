//! Renders a user's Home tab from the current state.

use std::sync::Arc;

use serde_json::json;

use crate::{
    domain::people::PersonKind,
    outbox::{Claim, Outcome},
    service::{Service, ServiceError, homes, show},
    slack::{
        view::home::{HomeState, home},
        web_api::{
            addresses::Addresses,
            client::{Client, PATIENT},
            error::{CallError, Reason},
            users::People,
        },
    },
};

const PUBLISH: &str = "views.publish";

/// Renders Home tabs.
#[derive(Debug, Clone)]
pub struct HomeRenderer {
    /// Publishes the views.
    pub client: Client,
    /// Looks up what the user is in the workspace.
    pub people: Arc<People>,
    /// Where the workspaces' messages are.
    pub addresses: Addresses,
}

impl HomeRenderer {
    /// Renders the Home tab that an outbox row names. This also covers all other waiting rows of the same queue.
    pub async fn render(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        let Some(user) = &claim.user else { return Ok(Outcome::done()) };
        let Some(slack_id) = show::installed(service, claim.workspace).await? else {
            return Ok(Outcome::done());
        };
        let (kind, admin, unknown) = match self.people.rights(&slack_id, user).await {
            Ok(profile) => (profile.kind, Some(profile.is_admin), None),
            Err(CallError::Refused(refusal)) if refusal.reason == Reason::UnknownUser => {
                return Ok(refusal.into());
            }
            // If Slack can't look the user up, the tab shows what they last had access to; clicks are checked when they
            // happen. The row is retried, and renders the tab again once Slack answers.
            Err(error) => {
                tracing::info!(%error, %user, "Home tab drawn from the last known profile");
                let known = self.people.last_known(&slack_id, user).await;
                (known.map_or(PersonKind::Unknown, |profile| profile.kind), None, Some(error))
            }
        };
        // End the other rows first and read afterwards: the state that is read then includes their changes.
        show::absorb(service, claim).await?;
        let Some(shown) = homes::read(service, claim.workspace, user, admin).await? else {
            return Ok(Outcome::done());
        };
        let links = shown.decisions.items.iter().any(|line| line.message.is_some());
        let address = if links { self.addresses.find(&slack_id).await } else { None };
        let view = home(&HomeState { home: &shown, kind, now: service.now(), address: address.as_deref() });
        let body = json!({ "user_id": user.as_str(), "view": view });
        match self.client.post(&slack_id, PUBLISH, &body, PATIENT).await {
            Ok(_) => Ok(unknown.map_or_else(Outcome::done, Outcome::from)),
            Err(CallError::Refused(refusal)) => {
                tracing::error!(%user, code = refusal.code, "Slack refused a Home tab");
                Ok(refusal.into())
            }
            Err(error) => Ok(error.into()),
        }
    }
}
