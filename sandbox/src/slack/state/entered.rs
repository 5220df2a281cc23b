//! The state of an interactive element before and after its use: the entries of `state.values`
//! (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).

use serde_json::{Value, json};

use super::messages::StateValues;

/// Every interactive element of a block, from the key `element`, `accessory` or `elements`.
pub(crate) fn elements_of(block: &Value) -> Vec<&Value> {
    match block["type"].as_str() {
        Some("section") => block.get("accessory").into_iter().collect(),
        Some("input") => block.get("element").into_iter().collect(),
        Some("actions") => block["elements"].as_array().map(|all| all.iter().collect()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The element's state before its first use. `None` for elements without state (buttons, overflow menus).
pub(crate) fn initial(element: &Value) -> Option<Value> {
    let kind = element["type"].as_str()?;
    let from = |key: &str| element.get(key).cloned().unwrap_or(Value::Null);
    let mut state = match kind {
        "plain_text_input" | "number_input" => {
            json!({ "value": from("initial_value") })
        }
        "checkboxes" | "multi_static_select" => {
            json!({ "selected_options": element.get("initial_options").cloned().unwrap_or_else(|| json!([])) })
        }
        "static_select" => json!({ "selected_option": from("initial_option") }),
        "users_select" => json!({ "selected_user": from("initial_user") }),
        "multi_users_select" => {
            json!({ "selected_users": element.get("initial_users").cloned().unwrap_or_else(|| json!([])) })
        }
        "datepicker" => json!({ "selected_date": from("initial_date") }),
        _ => return None,
    };
    state["type"] = json!(kind);
    Some(state)
}

/// The state of newly shown blocks. If an element with the same ids and type existed before, its state stays, whatever
/// initial value it has now (<https://docs.slack.dev/reference/views>,
/// <https://github.com/slackapi/bolt-js/issues/290>).
pub(crate) fn state_of(blocks: &[Value], before: &StateValues) -> StateValues {
    let mut state = StateValues::new();
    for block in blocks {
        let Some(block_id) = block["block_id"].as_str() else { continue };
        for element in elements_of(block) {
            let (Some(action_id), Some(fresh)) = (element["action_id"].as_str(), initial(element)) else {
                continue;
            };
            let kept = before.get(block_id).and_then(|block| block.get(action_id));
            let value =
                kept.filter(|kept| kept["type"] == fresh["type"] && is_offered(element, kept)).cloned();
            let value = value.unwrap_or(fresh);
            state.entry(block_id.to_owned()).or_default().insert(action_id.to_owned(), value);
        }
    }
    state
}

/// Whether all chosen options are still among the element's options.
fn is_offered(element: &Value, kept: &Value) -> bool {
    let one = kept.get("selected_option").filter(|option| !option.is_null());
    let several = kept["selected_options"].as_array().into_iter().flatten();
    let options = options_of(element);
    one.into_iter()
        .chain(several)
        .all(|chosen| options.iter().any(|option| option["value"] == chosen["value"]))
}

/// All options of a menu or of check boxes, including those in groups.
pub(crate) fn options_of(element: &Value) -> Vec<&Value> {
    let direct = element["options"].as_array().into_iter().flatten();
    let groups = element["option_groups"].as_array().into_iter().flatten();
    direct.chain(groups.flat_map(|group| group["options"].as_array().into_iter().flatten())).collect()
}
