//! Slack's payloads, read tolerantly: only the fields that are needed, by name, and any of them may be missing.
//!
//! slack-morphism's typed events fail on payloads that Slack really sends (`team: null`, `values: []`, unknown types),
//! and a payload that can't be parsed can't be answered.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::{
    ids::UserId,
    people::{ActingUser, PersonKind},
    prompts::Prompt,
    repeats::RequestDigest,
};

/// An interaction, event or command, and the request that delivered it.
#[derive(Debug, Clone)]
pub struct Payload {
    value: Value,
    request: RequestDigest,
}

impl Payload {
    /// Parses JSON text.
    pub fn read(json: &[u8], request: RequestDigest) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json).map(|value| Self::new(value, request))
    }

    /// Parses the `payload` field of a form (<https://docs.slack.dev/interactivity/handling-user-interaction>).
    #[must_use]
    pub fn read_form(body: &[u8], request: RequestDigest) -> Option<Self> {
        let (_, payload) = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload")?;
        Self::read(payload.as_bytes(), request).ok()
    }

    /// Parses the fields of a form, which is how slash commands arrive
    /// (<https://docs.slack.dev/interactivity/implementing-slash-commands>).
    #[must_use]
    pub fn read_fields(body: &[u8], request: RequestDigest) -> Self {
        let fields = url::form_urlencoded::parse(body);
        Self::new(fields.map(|(name, value)| (name.into_owned(), Value::from(value))).collect(), request)
    }

    /// Wraps a JSON value. Characters that Postgres can't store are replaced.
    #[must_use]
    pub fn new(value: Value, request: RequestDigest) -> Self {
        Self { value: without_nul(value), request }
    }

    /// The request that delivered it.
    #[must_use]
    pub const fn request(&self) -> RequestDigest {
        self.request
    }

    /// The complete JSON value.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The text at a JSON pointer; `None` if it is missing or empty.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Slack's `type`, such as `block_actions` or `view_submission`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/type").unwrap_or_default()
    }

    /// The installation that the payload belongs to: the organisation for an organisation-wide one, otherwise the team.
    /// Clicks in a view name it inside `view`, because their `team` is the user's workspace, which differs on
    /// Enterprise Grid and with Slack Connect. Events name it in `authorizations`; their own `team_id` may be the
    /// workspace where the event happened.
    #[must_use]
    pub fn workspace(&self) -> Option<&str> {
        let of_view = self.text("/view/app_installed_team_id");
        if let Some(organisation) = of_view.filter(|id| id.starts_with('E')) {
            return Some(organisation);
        }
        let installed = match &self.value["authorizations"][0] {
            Value::Null => &self.value,
            authorization => authorization,
        };
        let text = |pointer| installed.pointer(pointer).and_then(Value::as_str).filter(|id| !id.is_empty());
        let org_wide = match &installed["is_enterprise_install"] {
            Value::Bool(flag) => *flag,
            Value::String(flag) => flag == "true",
            _ => false,
        };
        if org_wide {
            text("/enterprise/id").or_else(|| text("/enterprise_id"))
        } else {
            of_view.or_else(|| text("/team/id")).or_else(|| text("/team_id"))
        }
    }

    /// The user who acted. The payload does not prove their role; `users.info` does.
    #[must_use]
    pub fn acting_user(&self) -> Option<ActingUser> {
        let user = UserId::parse(self.text("/user/id").or_else(|| self.text("/user_id"))?)?;
        Some(ActingUser { user, kind: PersonKind::Unknown })
    }

    /// The clicked control: its `action_id`, and the value of the button or of the selected option.
    #[must_use]
    pub fn action(&self) -> Option<(&str, Cow<'_, str>)> {
        let action_id = self.text("/actions/0/action_id")?;
        if self.text("/actions/0/type") == Some("checkboxes") {
            return Some((action_id, self.checked().into()));
        }
        let value = self.text("/actions/0/selected_option/value").or_else(|| self.text("/actions/0/value"));
        Some((action_id, value.unwrap_or_default().into()))
    }

    /// The state of a check box. A cleared one sends no value, so the action comes from the start of its block id.
    fn checked(&self) -> String {
        if let Some(value) = self.text("/actions/0/selected_options/0/value") {
            return value.to_owned();
        }
        let block = self.text("/actions/0/block_id").unwrap_or_default();
        format!("off:{}", block.split_once(':').map_or(block, |(about, _)| about))
    }

    /// When the user clicked, by Slack's clock.
    #[must_use]
    pub fn clicked_at(&self) -> Option<DateTime<Utc>> {
        let (seconds, micros) = self.text("/actions/0/action_ts")?.split_once('.')?;
        let nanos = micros.get(..6)?.parse::<u32>().ok()?.checked_mul(1000)?;
        DateTime::from_timestamp(seconds.parse().ok()?, nanos)
    }

    /// Whether the user clicked on an ephemeral message.
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        self.value.pointer("/container/is_ephemeral") == Some(&Value::Bool(true))
    }

    /// The message that the user clicked on.
    #[must_use]
    pub fn message(&self) -> Option<Prompt> {
        // An ephemeral message can't be updated by its `ts`.
        if self.is_ephemeral() {
            return None;
        }
        Some(Prompt {
            channel: self.text("/container/channel_id")?.to_owned(),
            ts: self.text("/container/message_ts")?.to_owned(),
        })
    }

    /// Opens a modal once, within three seconds of the click.
    #[must_use]
    pub fn trigger(&self) -> Option<&str> {
        self.text("/trigger_id")
    }

    /// The URL for ephemeral replies: up to five, within half an hour.
    #[must_use]
    pub fn response_url(&self) -> Option<&str> {
        self.text("/response_url").or_else(|| self.text("/response_urls/0/response_url"))
    }

    /// The thread of the clicked message. An ephemeral reply without it appears outside the thread.
    /// <https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>
    #[must_use]
    pub fn thread(&self) -> Option<&str> {
        self.text("/container/thread_ts")
    }

    /// The text that the user typed into an input of a modal.
    #[must_use]
    pub fn typed(&self, block_id: &str, action_id: &str) -> Option<&str> {
        self.value["view"]["state"]["values"][block_id][action_id]["value"].as_str()
    }

    /// The submitted modal.
    #[must_use]
    pub fn view(&self) -> &Value {
        &self.value["view"]
    }

    /// The `block_id` of the first input of a submitted modal, at which an error can stand.
    #[must_use]
    pub fn first_input(&self) -> Option<&str> {
        let blocks = self.value["view"]["blocks"].as_array()?;
        blocks.iter().find(|block| block["type"] == "input")?["block_id"].as_str()
    }

    /// The values of the check boxes that are checked in the inputs of a modal whose `block_id` fits.
    #[must_use]
    pub fn checked_in(&self, fits: impl Fn(&str) -> bool, action_id: &str) -> Vec<&str> {
        let inputs = self.value["view"]["state"]["values"].as_object().into_iter().flatten();
        inputs
            .filter(|(block_id, _)| fits(block_id))
            .filter_map(|(_, input)| input[action_id]["selected_options"].as_array())
            .flatten()
            .filter_map(|option| option["value"].as_str())
            .collect()
    }

    /// What an input of a modal contains: a text, or the value of the chosen option; empty if it was emptied. `None`: the
    /// modal has no such input.
    #[must_use]
    pub fn entered(&self, block_id: &str, action_id: &str) -> Option<&str> {
        let state = self.value["view"]["state"]["values"][block_id].get(action_id)?;
        let value = match state.get("selected_option") {
            Some(option) => &option["value"],
            None => &state["value"],
        };
        Some(value.as_str().unwrap_or_default())
    }
}

/// Replaces U+0000, which Postgres can't store, with U+FFFD. Users can type it, and can see that it was replaced.
fn without_nul(value: Value) -> Value {
    let replace = |text: String| if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    match value {
        Value::String(text) => Value::String(replace(text)),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (replace(name), without_nul(value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(json: &str) -> Payload {
        Payload::read(json.as_bytes(), RequestDigest::for_envelope("1")).unwrap()
    }

    #[test]
    fn an_organisation_wide_installation_has_no_team() {
        let read = payload(
            r#"{"team":null,"enterprise":{"id":"E1"},"is_enterprise_install":true,"user":{"id":"U1","team_id":"T9"}}"#,
        );
        assert_eq!(read.workspace(), Some("E1"));
    }

    #[test]
    fn a_view_says_whose_it_is_and_team_whose_the_person_is() {
        let read =
            payload(r#"{"team":{"id":"T2"},"view":{"app_installed_team_id":"T1"},"user":{"id":"U1"}}"#);
        assert_eq!(read.workspace(), Some("T1"));
        let read = payload(
            r#"{"team":{"id":"T2"},"enterprise":{"id":"E1"},"is_enterprise_install":true,"view":{"app_installed_team_id":"T2"}}"#,
        );
        assert_eq!(read.workspace(), Some("E1"));
        let read = payload(r#"{"team":{"id":"T2"},"view":{"app_installed_team_id":"E1"}}"#);
        assert_eq!(read.workspace(), Some("E1"));
    }

    #[test]
    fn an_event_says_whose_it_is() {
        let read = payload(
            r#"{"team_id":"T9","authorizations":[{"team_id":null,"enterprise_id":"E1","is_enterprise_install":true}]}"#,
        );
        assert_eq!(read.workspace(), Some("E1"));
        let read = payload(r#"{"team_id":"T1","authorizations":[]}"#);
        assert_eq!(read.workspace(), Some("T1"));
    }

    #[test]
    fn a_command_is_a_form_of_fields() {
        let read = Payload::read_fields(
            b"command=%2Fapprovals&text=off+all&team_id=T1&enterprise_id=E1&is_enterprise_install=true&user_id=U1",
            RequestDigest::for_envelope("1"),
        );
        assert_eq!((read.text("/command"), read.text("/text")), (Some("/approvals"), Some("off all")));
        assert_eq!(read.workspace(), Some("E1"));
        assert_eq!(read.acting_user().unwrap().user.as_str(), "U1");
    }

    #[test]
    fn a_payload_proves_nothing_of_who_acted() {
        for json in [
            r#"{"team":{"id":"T1"},"enterprise":null,"user":{"id":"U1","team_id":"T1"}}"#,
            r#"{"team":{"id":"T1"},"enterprise":{"id":"E1"},"user":{"id":"U1","team_id":"T2"}}"#,
        ] {
            assert_eq!(payload(json).acting_user().unwrap().kind, PersonKind::Unknown);
        }
    }

    #[test]
    fn whatever_is_missing_or_odd_is_nothing() {
        for json in ["null", "[]", "{}", r#"{"actions":[],"view":{"state":{"values":[]}},"user":{"id":7}}"#] {
            let read = payload(json);
            assert_eq!(
                (read.kind(), read.workspace(), read.action(), read.typed("a", "b")),
                ("", None, None, None)
            );
            assert!(read.acting_user().is_none() && read.message().is_none());
        }
    }
}
