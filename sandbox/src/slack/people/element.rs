//! Finds an element on the screen, and computes the effect of using it.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{ActError, Gesture, Press};
use crate::slack::state::entered;

/// An element and the block that it stands in.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) block: Value,
    pub(super) element: Value,
}

/// Finds the one element that matches.
pub(super) fn find(blocks: &[Value], press: &Press) -> Result<Found, ActError> {
    let wanted = || press.action_id.clone().or_else(|| press.label.clone()).unwrap_or_default();
    let fits = |block: &Value, element: &Value| {
        press.block_id.as_deref().is_none_or(|id| block["block_id"] == id)
            && press.action_id.as_deref().is_none_or(|id| element["action_id"] == id)
            && press.label.as_deref().is_none_or(|label| element["text"]["text"] == label)
            && press.value.as_deref().is_none_or(|value| element["value"] == value)
    };
    let mut all = blocks.iter().flat_map(|block| {
        let elements = entered::elements_of(block).into_iter();
        elements.filter(move |element| fits(block, element)).map(move |element| (block, element))
    });
    let (block, element) = all.next().ok_or_else(|| ActError::NotOnScreen(wanted()))?;
    if all.next().is_some() {
        return Err(ActError::Ambiguous(wanted()));
    }
    Ok(Found { block: block.clone(), element: element.clone() })
}

/// The effect of a gesture on an element.
#[derive(Debug)]
pub(super) struct Used {
    /// The element's new state. `None` for elements without state.
    pub(super) state: Option<Value>,
    /// The fields of the action for this gesture.
    pub(super) action: Map<String, Value>,
}

/// Uses the element, whose state was `before`.
pub(super) fn used(element: &Value, before: Option<&Value>, gesture: &Gesture) -> Result<Used, ActError> {
    let kind = element["type"].as_str().unwrap_or_default();
    let refused = || ActError::NotOffered(format!("{gesture:?}"));
    let (key, value) = match (kind, gesture) {
        ("button", Gesture::Click) => {
            let mut action = Map::new();
            for key in ["text", "value", "style", "url"] {
                if let Some(value) = element.get(key) {
                    action.insert(key.to_owned(), value.clone());
                }
            }
            return Ok(Used { state: None, action });
        }
        ("overflow", Gesture::Pick(wanted)) => {
            let action = Map::from_iter([("selected_option".to_owned(), option(element, wanted)?)]);
            return Ok(Used { state: None, action });
        }
        ("static_select", Gesture::Pick(wanted)) => ("selected_option", option(element, wanted)?),
        ("users_select", Gesture::Pick(id)) => ("selected_user", json!(id)),
        ("multi_users_select", Gesture::Check(ids)) => ("selected_users", json!(ids)),
        ("datepicker", Gesture::Pick(date)) => ("selected_date", json!(date)),
        ("checkboxes" | "multi_static_select", Gesture::Check(wanted)) => {
            let chosen: Result<Vec<_>, _> = wanted.iter().map(|wanted| option(element, wanted)).collect();
            ("selected_options", json!(chosen?))
        }
        ("checkboxes" | "multi_static_select", Gesture::Toggle(wanted)) => {
            let toggled = option(element, wanted)?;
            let chosen = before.and_then(|before| before["selected_options"].as_array().cloned());
            let mut chosen = chosen.unwrap_or_default();
            let count = chosen.len();
            chosen.retain(|option| option["value"] != toggled["value"]);
            if chosen.len() == count {
                chosen.push(toggled);
            }
            ("selected_options", json!(chosen))
        }
        ("plain_text_input" | "number_input", Gesture::Enter(text) | Gesture::Pick(text)) => {
            // Slack sends null for an emptied field.
            ("value", if text.is_empty() { Value::Null } else { json!(text) })
        }
        _ => return Err(refused()),
    };
    let action = Map::from_iter([(key.to_owned(), value)]);
    let mut state = action.clone();
    state.insert("type".to_owned(), json!(kind));
    Ok(Used { state: Some(Value::Object(state)), action })
}

/// The entry of `actions` for this gesture.
pub(super) fn action(block: &Value, element: &Value, used: &Map<String, Value>, now: DateTime<Utc>) -> Value {
    let mut action = Map::new();
    for key in ["type", "action_id"] {
        action.insert(key.to_owned(), element[key].clone());
    }
    action.insert("block_id".to_owned(), block["block_id"].clone());
    action.extend(used.clone());
    let micros = now.timestamp_micros();
    action.insert("action_ts".to_owned(), json!(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)));
    Value::Object(action)
}

/// The option with this value, or else with this text.
fn option(element: &Value, wanted: &str) -> Result<Value, ActError> {
    let all = entered::options_of(element);
    let by_value = all.iter().find(|option| option["value"] == wanted);
    let found = by_value.or_else(|| all.iter().find(|option| option["text"]["text"] == wanted));
    found.map(|&option| option.clone()).ok_or_else(|| ActError::NotOffered(wanted.to_owned()))
}
