//! Text, number and date inputs (<https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element>
//! and its neighbours).

use super::{composition::placeholder, spot::Spot};

/// The longest entry of a text input.
const ENTRY: u64 = 3000;

/// An input element; `kind` is its type.
pub(super) fn input(spot: &Spot<'_>, kind: &str) {
    let mut keys =
        vec!["type", "action_id", "initial_value", "dispatch_action_config", "focus_on_load", "placeholder"];
    keys.extend(match kind {
        "number_input" => ["is_decimal_allowed", "min_value", "max_value"],
        _ => ["multiline", "min_length", "max_length"],
    });
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
