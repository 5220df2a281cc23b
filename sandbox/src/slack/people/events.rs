//! The Events API (<https://docs.slack.dev/apis/events-api/>): opening the app's Home, and any other event.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    ActError, Delivery, Signing,
    deliver::{DeliveryError, Endpoint, Reply, deliver},
};
use crate::slack::{
    Slack,
    core::Core,
    state::{Rights, User},
};

/// The tabs of the app's own page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// The Home tab.
    Home,
    /// The Messages tab, which is the direct messages with the app.
    Messages,
}

impl Slack {
    /// Opens the app's page on this tab, which sends `app_home_opened`. Creates the direct messages with the app if
    /// they don't exist yet.
    pub async fn open_home(&self, user: &str, tab: Tab) -> Result<Delivery, ActError> {
        let now = self.core().clock.now();
        let (team_id, event) = self.core().change(|state| {
            let person =
                state.users.get(user).cloned().ok_or_else(|| ActError::NoSuchUser(user.to_owned()))?;
            let app = state.installation_of(&person).cloned();
            let team_id = app.as_ref().map(|app| state.home_of(user, &app.team_id));
            let channel = app.map(|app| state.open_direct(user, &app).id);
            let mut event = json!({
                "type": "app_home_opened",
                "user": user,
                "channel": channel,
                "tab": match tab { Tab::Home => "home", Tab::Messages => "messages" },
                "event_ts": state.next_ts(now),
            });
            if let Some(home) = state.homes.get(user).filter(|_| tab == Tab::Home) {
                event["view"] = home.to_json();
            }
            Ok((team_id.unwrap_or(person.team_id), event))
        })?;
        Ok(self.send_event(&team_id, event).await)
    }

    /// Changes a user's profile or role, as an admin or the user would, and sends `user_change`
    /// (<https://docs.slack.dev/reference/events/user_change>). [`Slack::change_user`] makes the same change without
    /// the event.
    pub async fn change_user_loudly<R>(
        &self,
        user: &str,
        change: impl FnOnce(&mut User) -> R,
    ) -> Result<Delivery, ActError> {
        let now = self.core().clock.now();
        let (team_id, event) = self.core().change(|state| {
            let nobody = || ActError::NoSuchUser(user.to_owned());
            change(state.users.get_mut(user).ok_or_else(nobody)?);
            let person = state.users.get(user).cloned().ok_or_else(nobody)?;
            let app = state.installation_of(&person).cloned().ok_or_else(nobody)?;
            let rights = if app.team_id.starts_with('E') { Rights::Organisation } else { Rights::Workspace };
            let event = json!({
                "type": "user_change",
                "user": state.user_object(&app, &person, rights),
                "cache_ts": now.timestamp(),
                "event_ts": state.next_ts(now),
            });
            Ok((state.home_of(user, &app.team_id), event))
        })?;
        Ok(self.send_event(&team_id, event).await)
    }

    /// Sends an event in its envelope. If the app does not accept it, retries in the background as Slack does:
    /// immediately, after a minute and after five, unless [`SlackOptions`](crate::slack::SlackOptions) says otherwise.
    /// Returns the delivery of the first attempt; [`Slack::sent`] has all of them.
    pub async fn send_event(&self, team_id: &str, event: Value) -> Delivery {
        let envelope = self.envelope(team_id, &event);
        self.send_envelope(envelope).await
    }

    /// Sends events of these workspaces in order, without waiting for the app.
    pub(crate) fn send_in_background(self, events: Vec<(String, Value)>) {
        if !events.is_empty() {
            tokio::spawn(async move {
                for (team_id, event) in events {
                    self.send_event(&team_id, event).await;
                }
            });
        }
    }

    /// Sends an event's envelope unchanged, for instance a second time with the same id.
    pub async fn send_envelope(&self, envelope: Value) -> Delivery {
        let reply = attempt(self.core(), &envelope, None).await;
        if let Some(reason) = retry_reason(&reply) {
            tokio::spawn(retry(Arc::clone(self.core_arc()), envelope.clone(), reason));
        }
        Delivery::from_reply(reply, envelope)
    }

    /// An event's envelope, with a new id.
    #[must_use]
    pub fn envelope(&self, team_id: &str, event: &Value) -> Value {
        let now = self.core().clock.now();
        self.core().change(|state| {
            let event_id = state.next_id("Ev");
            let installed = state.installation(team_id);
            let bot = installed.map(|token| token.bot_user_id.clone());
            let org = installed.map(|token| token.team_id.clone()).filter(|id| id.starts_with('E'));
            // For an organisation's installation the envelope names no workspace.
            let team_id = Some(team_id).filter(|_| org.is_none());
            json!({
                "token": state.app.verification_token,
                "team_id": team_id,
                "context_team_id": team_id,
                "context_enterprise_id": org,
                "api_app_id": state.app.id,
                "event": event,
                "type": "event_callback",
                "event_id": event_id,
                "event_time": now.timestamp(),
                "authorizations": [{
                    "enterprise_id": org,
                    "team_id": team_id,
                    "user_id": bot,
                    "is_bot": true,
                    "is_enterprise_install": org.is_some(),
                }],
                "is_ext_shared_channel": false,
            })
        })
    }
}

async fn attempt(core: &Core, body: &Value, retry: Option<(u32, &str)>) -> Reply {
    let endpoint = Endpoint::Events;
    let bytes = body.to_string().into_bytes();
    deliver(core, endpoint, endpoint.content_type(), bytes, &Signing::default(), retry).await
}

/// Slack's reason for a retry. `None` if the event needs no retry.
fn retry_reason(reply: &Reply) -> Option<&'static str> {
    match &reply.error {
        _ if reply.no_retry => None,
        None | Some(DeliveryError::NotConnected) => None,
        Some(DeliveryError::TimedOut) => Some("http_timeout"),
        Some(DeliveryError::Unreachable(_)) => Some("connection_failed"),
        Some(DeliveryError::Status(_) | DeliveryError::BadAnswer(_)) => Some("http_error"),
    }
}

async fn retry(core: Arc<Core>, envelope: Value, mut reason: &'static str) {
    for (number, wait) in (1..).zip(core.event_retries.clone()) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = core.stop.cancelled() => return,
        }
        let reply = attempt(&core, &envelope, Some((number, reason))).await;
        match retry_reason(&reply) {
            Some(again) => reason = again,
            None => return,
        }
    }
}
