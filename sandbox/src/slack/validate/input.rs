//! Inputs that are typed into (<https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element>
//! and its neighbours).

use super::{composition::placeholder, spot::Spot};

/// The longest entry of a text input.
const ENTRY: u64 = 3000;

/// An input element; `kind` is its type.
pub(super) fn input(spot: &Spot<'_>, kind: &str) {
    let mut keys = vec!["type", "action_id"];
    if kind == "file_input" {
        keys.extend(["filetypes", "max_files"]);
        spot.object(&keys);
        spot.number("max_files", 1..=10);
        return;
    }
    keys.extend(["initial_value", "dispatch_action_config", "focus_on_load", "placeholder"]);
    match kind {
        "plain_text_input" => keys.extend(["multiline", "min_length", "max_length"]),
        "number_input" => keys.extend(["is_decimal_allowed", "min_value", "max_value"]),
        _ => {}
    }
    spot.object(&keys);
    spot.flags(&["focus_on_load", "multiline", "is_decimal_allowed"]);
    placeholder(spot);
    spot.number("min_length", 0..=ENTRY);
    spot.number("max_length", 1..=ENTRY);
    let least = spot.value()["min_length"].as_u64().unwrap_or(0);
    let most = spot.value()["max_length"].as_u64().unwrap_or(ENTRY);
    if least > most {
        spot.fault("min_length must not be greater than max_length");
    }
    if kind == "plain_text_input"
        && let (Some(initial), Ok(most)) = (spot.get("initial_value"), usize::try_from(most))
    {
        initial.text(0..=most, |text| text.chars().count());
    }
    if let Some(config) = spot.get("dispatch_action_config")
        && config.object(&["trigger_actions_on"])
        && let Some(triggers) = config.get("trigger_actions_on")
    {
        for trigger in triggers.items(1..=2) {
            if !matches!(trigger.value().as_str(), Some("on_enter_pressed" | "on_character_entered")) {
                trigger.fault("must be one of: on_enter_pressed, on_character_entered");
            }
        }
    }
}
