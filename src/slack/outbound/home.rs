//! Making a user's Home tab show what is so now.

use std::sync::Arc;

use serde_json::json;

use crate::{
    domain::people::PersonKind,
    outbox::{Claim, Outcome},
    service::{Service, ServiceError, homes, show},
    slack::{
        view::home::{HomeState, home},
        web_api::{
            client::{Client, PATIENT},
            error::{CallError, Reason},
            users::People,
        },
    },
};

const PUBLISH: &str = "views.publish";

/// Draws Home tabs.
#[derive(Debug, Clone)]
pub struct HomeRenderer {
    /// Slack's Web API.
    pub client: Client,
    /// Who somebody is.
    pub people: Arc<People>,
}

impl HomeRenderer {
    /// Draws the Home tab that a row names, and with it what all other waiting rows of its queue ask for.
    pub async fn draw(&self, service: &Service, claim: &Claim) -> Result<Outcome, ServiceError> {
        let Some(user) = &claim.user else { return Ok(Outcome::done()) };
        let Some(slack_id) = show::installed(service, claim.workspace).await? else {
            return Ok(Outcome::done());
        };
        let (kind, admin, unknown) = match self.people.rights(&slack_id, user).await {
            Ok(profile) => (profile.kind, Some(profile.is_admin), None),
            Err(CallError::Refused(refusal)) if refusal.reason == Reason::UnknownUser => {
                return Ok(refusal.into());
            }
            // Whoever can't be looked up sees what they saw last, and what they click is judged when they click. It is
            // drawn once more when Slack says what they are.
            Err(error) => {
                tracing::info!(%error, %user, "Home tab drawn from the last known profile");
                let known = self.people.last_known(&slack_id, user).await;
                (known.map_or(PersonKind::Unknown, |profile| profile.kind), None, Some(error))
            }
        };
        // First end the other rows, then read: what they were written for is then in what is read.
        show::absorb(service, claim).await?;
        let Some(shown) = homes::read(service, claim.workspace, user, admin).await? else {
            return Ok(Outcome::done());
        };
        let view = home(&HomeState { home: &shown, kind, now: service.now() });
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
