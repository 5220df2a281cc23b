//! Interaction payloads with the fields that Slack sends (<https://docs.slack.dev/reference/interaction-payloads/>).

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::slack::state::{Message, ResponseUrl, State, StateValues, User, View};

/// The message or view that the person acted on, as they saw it.
#[derive(Debug)]
pub(super) enum Origin {
    Message(Box<Message>),
    View(Box<View>),
}

impl Origin {
    /// The blocks that the person sees.
    pub(super) fn blocks(&self) -> &[Value] {
        match self {
            Self::Message(message) => &message.blocks,
            Self::View(view) => view.blocks(),
        }
    }

    /// The element's present state for this user.
    pub(super) fn entry_of(&self, user: &str, block: &Value, element: &Value) -> Option<Value> {
        let (block_id, action_id) = (block["block_id"].as_str()?, element["action_id"].as_str()?);
        let values = match self {
            Self::Message(message) => message.chosen.get(user),
            Self::View(view) => Some(&view.state),
        };
        let entry = values.and_then(|values| values.get(block_id)).and_then(|block| block.get(action_id));
        entry.cloned().or_else(|| crate::slack::state::entered::initial(element))
    }

    /// Stores the element's new state, here and on the surface itself if it still exists.
    pub(super) fn enter(
        &mut self,
        state: &mut State,
        user: &str,
        block: &Value,
        element: &Value,
        entry: &Value,
    ) {
        let (Some(block_id), Some(action_id)) = (block["block_id"].as_str(), element["action_id"].as_str())
        else {
            return;
        };
        let put = |values: &mut StateValues| {
            values.entry(block_id.to_owned()).or_default().insert(action_id.to_owned(), entry.clone());
        };
        match self {
            Self::Message(message) => {
                put(message.chosen.entry(user.to_owned()).or_default());
                let key = (message.channel.clone(), message.ts.clone());
                if let Some(kept) = state.messages.get_mut(&key) {
                    put(kept.chosen.entry(user.to_owned()).or_default());
                }
            }
            Self::View(view) => {
                put(&mut view.state);
                let open = state.modals.get_mut(user).into_iter().flatten().chain(state.homes.get_mut(user));
                for kept in open.filter(|kept| kept.id == view.id) {
                    put(&mut kept.state);
                }
            }
        }
    }
}

/// A `block_actions` payload with one action.
pub(super) fn block_actions(
    state: &mut State,
    person: &User,
    seen: &Origin,
    action: &Value,
    origin: &str,
    now: DateTime<Utc>,
) -> Value {
    let team_id = match seen {
        Origin::Message(message) => message.team_id.clone(),
        Origin::View(view) => view.team_id.clone(),
    };
    // For actions in a message Slack names the app's workspace, for actions in a view the person's.
    let named = if matches!(seen, Origin::Message(_)) { &team_id } else { &person.team_id };
    let mut payload = envelope(state, "block_actions", person, (&team_id, named), now);
    match seen {
        Origin::Message(message) => {
            let mut container = json!({
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": message.ephemeral_for.is_some(),
            });
            if let Some(thread_ts) = &message.thread_ts {
                container["thread_ts"] = json!(thread_ts);
            }
            let name = state.channels.get(&message.channel).map(|channel| channel.name.clone());
            let ticket = ResponseUrl {
                user: person.id.clone(),
                team_id,
                channel: message.channel.clone(),
                born: now,
                uses: 0,
                original: Some(message.ts.clone()),
            };
            payload.insert("container".to_owned(), container);
            payload.insert("channel".to_owned(), json!({ "id": message.channel, "name": name }));
            // Slack stores no ephemeral messages, so the payload can't contain them.
            if message.ephemeral_for.is_none() {
                payload.insert("message".to_owned(), message.to_json());
            }
            let values = message.chosen.get(&person.id).cloned().unwrap_or_default();
            payload.insert("state".to_owned(), json!({ "values": values }));
            let url = format!("{origin}/response/{}", state.new_response_url(ticket));
            payload.insert("response_url".to_owned(), json!(url));
        }
        Origin::View(view) => {
            payload.insert("container".to_owned(), json!({ "type": "view", "view_id": view.id }));
            payload.insert("view".to_owned(), view.to_json());
        }
    }
    payload.insert("actions".to_owned(), json!([action]));
    Value::Object(payload)
}

/// A `view_submission` payload.
pub(super) fn view_submission(state: &mut State, person: &User, view: &View, now: DateTime<Utc>) -> Value {
    let mut payload = envelope(state, "view_submission", person, (&view.team_id, &person.team_id), now);
    payload.insert("view".to_owned(), view.to_json());
    payload.insert("response_urls".to_owned(), json!([]));
    Value::Object(payload)
}

/// A `view_closed` payload. It has no trigger.
pub(super) fn view_closed(
    state: &mut State,
    person: &User,
    view: &View,
    is_cleared: bool,
    now: DateTime<Utc>,
) -> Value {
    let mut payload = envelope(state, "view_closed", person, (&view.team_id, &person.team_id), now);
    payload.shift_remove("trigger_id");
    payload.insert("view".to_owned(), view.to_json());
    payload.insert("is_cleared".to_owned(), json!(is_cleared));
    Value::Object(payload)
}

/// The fields that all interaction payloads start with. `team_id` is the app's workspace, whose organisation the
/// payload names. `named` is the workspace in the field `team`.
fn envelope(
    state: &mut State,
    kind: &str,
    person: &User,
    (team_id, named): (&str, &str),
    now: DateTime<Utc>,
) -> Map<String, Value> {
    let trigger = state.new_trigger(&person.id, team_id, now);
    let workspace = state.workspaces.get(team_id);
    let enterprise_id = workspace.and_then(|workspace| workspace.enterprise_id.clone());
    let enterprise = enterprise_id.map_or(Value::Null, |id| json!({ "id": id, "name": "" }));
    let domain = state.workspaces.get(named).map(|workspace| workspace.domain.clone());
    let org_wide = state.installation(team_id).is_some_and(|token| token.team_id.starts_with('E'));
    let team = if org_wide { Value::Null } else { json!({ "id": named, "domain": domain }) };
    Map::from_iter([
        ("type".to_owned(), json!(kind)),
        ("user".to_owned(), person.to_payload()),
        ("api_app_id".to_owned(), json!(state.app.id)),
        ("token".to_owned(), json!(state.app.verification_token)),
        ("trigger_id".to_owned(), json!(trigger)),
        ("team".to_owned(), team),
        ("enterprise".to_owned(), enterprise),
        ("is_enterprise_install".to_owned(), json!(org_wide)),
    ])
}
