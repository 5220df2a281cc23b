//! Submits and closes modals.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ActError, Delivery, Feedback, Signing, payload};
use crate::slack::{
    Slack,
    state::{State, StateValues, User, View, ViewKind},
    validate::entered,
    web_api::views::check,
};

impl Slack {
    /// Submits the topmost modal. The app's answer closes, changes or clears it, depending on its `response_action`
    /// (<https://docs.slack.dev/surfaces/modals#updating_response>).
    pub async fn submit(&self, user: &str) -> Result<Delivery, ActError> {
        let payload = self.prepare_submit(user)?;
        let view_id = payload["view"]["id"].as_str().unwrap_or_default().to_owned();
        let delivery = self.send_interaction(payload, &Signing::default()).await;
        if delivery.error.is_some() {
            return Ok(delivery);
        }
        let now = self.core().clock.now();
        Ok(self.core().change(|state| match react(state, user, &view_id, &delivery.body, now) {
            Ok(feedback) => Delivery { feedback, ..delivery },
            Err(faults) => delivery.refused(faults),
        }))
    }

    /// The payload that [`Slack::submit`] sends.
    pub fn prepare_submit(&self, user: &str) -> Result<Value, ActError> {
        let now = self.core().clock.now();
        self.core().change(|state| {
            let person = person(state, user)?;
            let view =
                state.modals.get(user).and_then(|stack| stack.last()).cloned().ok_or(ActError::NoModal)?;
            if view.definition.get("submit").is_none_or(Value::is_null) {
                return Err(ActError::NothingToSubmit);
            }
            let incomplete = incomplete(view.blocks(), &view.state);
            if !incomplete.is_empty() {
                return Err(ActError::Incomplete(incomplete));
            }
            Ok(payload::view_submission(state, &person, &view, now))
        })
    }

    /// Closes the topmost modal with its close button, or the whole stack if it has `clear_on_close`. Slack sends an
    /// event only if the view has `notify_on_close`; otherwise this returns `None`.
    pub async fn close(&self, user: &str) -> Result<Option<Delivery>, ActError> {
        self.close_modals(user, false).await
    }

    /// Closes all modals with the cross.
    pub async fn close_all(&self, user: &str) -> Result<Option<Delivery>, ActError> {
        self.close_modals(user, true).await
    }

    async fn close_modals(&self, user: &str, all: bool) -> Result<Option<Delivery>, ActError> {
        let now = self.core().clock.now();
        let payload = self.core().change(|state| {
            let person = person(state, user)?;
            let top = state.modals.get(user).and_then(|stack| stack.last()).ok_or(ActError::NoModal)?;
            let clear = all || top.flag("clear_on_close");
            let closed = state.close_modals(user, clear);
            let heard = closed.first().filter(|view| view.flag("notify_on_close"));
            Ok(heard.map(|view| payload::view_closed(state, &person, view, clear, now)))
        })?;
        match payload {
            None => Ok(None),
            Some(payload) => {
                let mut delivery = self.send_interaction(payload, &Signing::default()).await;
                // The modal is closed whatever the app answers.
                delivery.feedback = Feedback::Closed;
                Ok(Some(delivery))
            }
        }
    }
}

fn person(state: &State, user: &str) -> Result<User, ActError> {
    state.users.get(user).cloned().ok_or_else(|| ActError::NoSuchUser(user.to_owned()))
}

/// The input blocks that prevent submission: empty although required, of a length that is not allowed, or no number.
fn incomplete(blocks: &[Value], state: &StateValues) -> Vec<String> {
    let inputs = blocks.iter().filter(|block| block["type"] == "input");
    let bad = inputs.filter(|block| {
        let element = &block["element"];
        let entry = block["block_id"]
            .as_str()
            .and_then(|id| state.get(id))
            .and_then(|block| block.get(element["action_id"].as_str()?));
        let entry = entry.and_then(Value::as_object);
        let value =
            entry.and_then(|entry| entry.iter().find(|(key, _)| *key != "type").map(|(_, value)| value));
        let length = match value {
            None | Some(Value::Null) => 0,
            Some(Value::String(text)) => text.chars().count(),
            Some(Value::Array(chosen)) => chosen.len(),
            Some(_) => 1,
        };
        if length == 0 {
            return block["optional"].as_bool() != Some(true);
        }
        if element["type"] == "number_input" {
            return !is_number(element, value.and_then(Value::as_str).unwrap_or_default());
        }
        let within = |key: &str, otherwise: u64| element[key].as_u64().unwrap_or(otherwise);
        let length = length as u64;
        element["type"] == "plain_text_input"
            && (length < within("min_length", 0) || length > within("max_length", 3000))
    });
    bad.map(|block| block["block_id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Whether Slack takes an entry of a number input.
fn is_number(element: &Value, text: &str) -> bool {
    let is_decimal_allowed = element["is_decimal_allowed"].as_bool() == Some(true);
    let bound = |key: &str| element[key].as_str().and_then(|text| entered(text, true));
    entered(text, is_decimal_allowed).is_some_and(|number| {
        bound("min_value").is_none_or(|least| number >= least)
            && bound("max_value").is_none_or(|most| number <= most)
    })
}

/// Carries out the app's answer to a submission.
fn react(
    state: &mut State,
    user: &str,
    view_id: &str,
    body: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Feedback, Vec<String>> {
    let answer: Value = if body.trim().is_empty() {
        Value::Null
    } else {
        serde_json::from_str(body).map_err(|error| vec![format!("[ERROR] not JSON: {error}")])?
    };
    for view in state.modals.get_mut(user).into_iter().flatten() {
        // Errors of an earlier submission don't apply to this one.
        view.errors.clear();
    }
    let is_top = state.modals.get(user).and_then(|stack| stack.last()).is_some_and(|view| view.id == view_id);
    match answer["response_action"].as_str() {
        None if answer.is_null() || answer.as_object().is_some_and(serde_json::Map::is_empty) => {
            if is_top {
                state.close_modals(user, false);
            }
            Ok(on_top(state, user))
        }
        Some("clear") => {
            state.close_modals(user, true);
            Ok(Feedback::Closed)
        }
        Some("errors") => {
            let errors = errors_of(&answer["errors"])?;
            let stack = state.modals.get_mut(user).into_iter().flatten();
            let view = stack.into_iter().find(|view| view.id == view_id).ok_or_else(gone)?;
            let is_input = |id: &String| {
                view.blocks().iter().any(|block| block["type"] == "input" && block["block_id"] == id.as_str())
            };
            let strange: Vec<_> = errors.keys().filter(|id| !is_input(id)).collect();
            if !strange.is_empty() {
                return Err(vec![format!("[ERROR] no input block has the block_id {strange:?}")]);
            }
            view.errors.clone_from(&errors);
            Ok(Feedback::Errors(errors))
        }
        Some(action @ ("update" | "push")) => {
            let definition =
                check(&answer["view"], ViewKind::Modal).map_err(|error| faults(&error.to_json()))?;
            let shown = if action == "update" {
                state.update_modal(|view| view.id == view_id, definition, None, now)
            } else {
                let by = state.users.get(user).and_then(|user| state.installation_of(user));
                let by = by.cloned().ok_or_else(gone)?;
                state.push_modal(user, &by, definition, now)
            };
            shown.map(|view| Feedback::View(Box::new(view))).map_err(|error| vec![format!("[ERROR] {error}")])
        }
        _ => Err(vec![format!("[ERROR] invalid response_action in {body}")]),
    }
}

fn errors_of(errors: &Value) -> Result<BTreeMap<String, String>, Vec<String>> {
    let object = errors.as_object().filter(|errors| !errors.is_empty());
    let object = object.ok_or_else(|| vec!["[ERROR] missing required field: errors".to_owned()])?;
    let pair = |(id, sentence): (&String, &Value)| {
        let sentence = sentence.as_str().filter(|sentence| !sentence.is_empty());
        sentence
            .map(|sentence| (id.clone(), sentence.to_owned()))
            .ok_or_else(|| format!("[ERROR] errors.{id} is no text"))
    };
    object.iter().map(pair).collect::<Result<_, _>>().map_err(|fault| vec![fault])
}

fn on_top(state: &State, user: &str) -> Feedback {
    match state.modals.get(user).and_then(|stack| stack.last()) {
        Some(view) => Feedback::View(Box::new(View::clone(view))),
        None => Feedback::Closed,
    }
}

fn gone() -> Vec<String> {
    vec!["[ERROR] not_found".to_owned()]
}

fn faults(error: &Value) -> Vec<String> {
    let messages = error["response_metadata"]["messages"].as_array().into_iter().flatten();
    let mut faults = vec![format!("[ERROR] {}", error["error"].as_str().unwrap_or_default())];
    faults.extend(messages.filter_map(Value::as_str).map(str::to_owned));
    faults
}
