//! Triggers and response URLs: their lifetimes and how often they may be used.

use chrono::{DateTime, TimeDelta, Utc};

use super::{ResponseUrl, State, Trigger};
use crate::ambient::random_hex;

/// A trigger expires after three seconds
/// (<https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses>).
const TRIGGER_LIFE: TimeDelta = TimeDelta::seconds(3);
/// A response URL expires after half an hour
/// (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).
const RESPONSE_URL_LIFE: TimeDelta = TimeDelta::minutes(30);
/// A response URL may be used five times (same page).
const RESPONSE_URL_USES: u32 = 5;

/// Why a trigger is refused. The names are Slack's (<https://docs.slack.dev/reference/methods/views.open>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TriggerError {
    #[error("invalid_trigger_id")]
    Invalid,
    #[error("expired_trigger_id")]
    Expired,
    #[error("exchanged_trigger_id")]
    Exchanged,
}

/// Why a response URL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TicketError {
    #[error("expired_url")]
    Expired,
    #[error("used_url")]
    Used,
}

impl State {
    /// A new trigger for the user, in Slack's three-part format.
    pub(crate) fn new_trigger(&mut self, user: &str, team_id: &str, now: DateTime<Utc>) -> String {
        let id = format!("{}.{}.{}", self.next_id("1"), now.timestamp_millis(), &random_hex()[..32]);
        let (user, team_id) = (user.to_owned(), team_id.to_owned());
        self.triggers.insert(id.clone(), Trigger { user, team_id, born: now, used: false });
        id
    }

    /// The user of a trigger that is still valid in this workspace.
    pub(crate) fn trigger_user(
        &self,
        id: &str,
        team_id: &str,
        now: DateTime<Utc>,
    ) -> Result<String, TriggerError> {
        let trigger = self.triggers.get(id).filter(|trigger| self.covers(team_id, &trigger.team_id));
        let trigger = trigger.ok_or(TriggerError::Invalid)?;
        if trigger.used {
            Err(TriggerError::Exchanged)
        } else if now - trigger.born > TRIGGER_LIFE {
            Err(TriggerError::Expired)
        } else {
            Ok(trigger.user.clone())
        }
    }

    /// Marks a trigger as used, after it opened its view.
    pub(crate) fn exchange_trigger(&mut self, id: &str) {
        if let Some(trigger) = self.triggers.get_mut(id) {
            trigger.used = true;
        }
    }

    /// Stores a response URL and returns its secret part.
    pub(crate) fn new_response_url(&mut self, ticket: ResponseUrl) -> String {
        let token = random_hex();
        self.response_urls.insert(token.clone(), ticket);
        token
    }

    /// Counts one more use of the response URL.
    pub(crate) fn use_response_url(
        &mut self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<ResponseUrl, TicketError> {
        let ticket = self.response_urls.get_mut(token).ok_or(TicketError::Expired)?;
        if now - ticket.born > RESPONSE_URL_LIFE {
            return Err(TicketError::Expired);
        }
        if ticket.uses >= RESPONSE_URL_USES {
            return Err(TicketError::Used);
        }
        ticket.uses += 1;
        Ok(ticket.clone())
    }
}
