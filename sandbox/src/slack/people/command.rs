//! Slash commands (<https://docs.slack.dev/interactivity/implementing-slash-commands>).

use serde_json::{Value, json};

use super::{
    ActError, Delivery, DeliveryError, Feedback, Signing,
    deliver::{Endpoint, deliver},
};
use crate::slack::{
    Slack,
    response_url::respond,
    state::{ResponseUrl, State},
};

impl Slack {
    /// Sends `command` (`/approvals`) with the text after it from a channel that the user sees. Shows the app's
    /// immediate answer as a message, and an error in Slack's own words.
    pub async fn command(
        &self,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> Result<Delivery, ActError> {
        let fields = self.prepare_command(user, channel, command, text)?;
        Ok(self.send_command(fields, &Signing::default()).await)
    }

    /// The fields that [`Slack::command`] sends, as a JSON object of strings.
    pub fn prepare_command(
        &self,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> Result<Value, ActError> {
        let now = self.core().clock.now();
        let origin = self.core().origin();
        self.core().change(|state| {
            let person =
                state.users.get(user).cloned().ok_or_else(|| ActError::NoSuchUser(user.to_owned()))?;
            let not_visible =
                || ActError::ChannelNotVisible { user: user.to_owned(), channel: channel.to_owned() };
            if !state.sees_channel(user, channel) {
                return Err(not_visible());
            }
            let place = state.channels.get(channel).cloned().ok_or_else(not_visible)?;
            // The app's commands exist only where its token has this scope.
            let installed = state.installation(&place.team_id);
            if !installed.is_some_and(|token| token.scopes.contains("commands")) {
                return Err(ActError::NotOffered(command.to_owned()));
            }
            let ticket = ResponseUrl {
                user: person.id.clone(),
                team_id: place.team_id.clone(),
                channel: place.id.clone(),
                born: now,
                uses: 0,
                original: None,
            };
            let response_url = format!("{origin}/response/{}", state.new_response_url(ticket));
            let trigger_id = state.new_trigger(user, &place.team_id, now);
            let workspace = state.workspaces.get(&place.team_id);
            let domain = workspace.map(|workspace| workspace.domain.clone());
            let org_wide =
                state.installation(&place.team_id).is_some_and(|token| token.team_id.starts_with('E'));
            let mut fields = json!({
                "token": state.app.verification_token,
                "team_id": place.team_id,
                "team_domain": domain,
                "channel_id": place.id,
                "channel_name": place.name,
                "user_id": person.id,
                "user_name": person.name,
                "command": command,
                "text": text,
                "api_app_id": state.app.id,
                "is_enterprise_install": org_wide.to_string(),
                "response_url": response_url,
                "trigger_id": trigger_id,
            });
            if let Some(enterprise_id) = workspace.and_then(|workspace| workspace.enterprise_id.clone()) {
                fields["enterprise_id"] = json!(enterprise_id);
            }
            Ok(fields)
        })
    }

    /// Sends the fields of a command to the app unchanged, signed as given, and shows the app's answer.
    pub async fn send_command(&self, fields: Value, signing: &Signing) -> Delivery {
        let (endpoint, body) = (Endpoint::Commands, form(&fields));
        let reply = deliver(self.core(), endpoint, endpoint.content_type(), body, signing, None).await;
        let mut delivery = Delivery::from_reply(reply, fields);
        if let Some(error) = &delivery.error {
            let command = delivery.payload["command"].as_str().unwrap_or_default();
            let why = match error {
                DeliveryError::TimedOut => "operation_timeout",
                _ => "dispatch_failed",
            };
            delivery.feedback = Feedback::Error(format!("{command} failed with the error \"{why}\""));
            return delivery;
        }
        if delivery.body.is_empty() {
            return delivery;
        }
        let now = self.core().clock.now();
        self.core().change(|state| match show(state, &delivery, now) {
            Ok(feedback) => Delivery { feedback, ..delivery },
            Err(faults) => delivery.refused(faults),
        })
    }
}

fn form(fields: &Value) -> Vec<u8> {
    let pairs = fields.as_object().into_iter().flatten();
    let pairs = pairs.map(|(key, value)| (key, value.as_str().unwrap_or_default()));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
}

/// Turns the immediate answer into a message, as if it had come to the response URL.
fn show(
    state: &mut State,
    delivery: &Delivery,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Feedback, Vec<String>> {
    // Slack treats an answer that isn't a JSON object as plain text.
    let answer = match serde_json::from_str::<Value>(&delivery.body) {
        Ok(answer @ Value::Object(_)) => answer,
        _ => json!({ "text": delivery.body }),
    };
    if answer.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Feedback::Nothing);
    }
    let field = |key: &str| delivery.payload[key].as_str().unwrap_or_default().to_owned();
    let ticket = ResponseUrl {
        user: field("user_id"),
        team_id: field("team_id"),
        channel: field("channel_id"),
        born: now,
        uses: 0,
        original: None,
    };
    respond(state, &ticket, &answer, now).map_err(|error| vec![error.to_json().to_string()])?;
    let posted = state.in_channel(&ticket.channel).last().cloned();
    Ok(posted.map_or(Feedback::Nothing, |message| Feedback::Message(Box::new(message))))
}
