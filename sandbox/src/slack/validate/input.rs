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
    if kind == "number_input" {
        numbers(spot);
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

/// The numbers of a number input, which Slack wants as texts
/// (<https://docs.slack.dev/reference/block-kit/block-elements/number-input-element>).
fn numbers(spot: &Spot<'_>) {
    spot.need("is_decimal_allowed");
    let is_decimal_allowed = spot.value()["is_decimal_allowed"].as_bool() == Some(true);
    let number = |key: &str| {
        let found = spot.get(key)?;
        let number = found.value().as_str().and_then(|text| entered(text, is_decimal_allowed));
        if number.is_none() {
            found.fault("must be a number, as a string");
        }
        number
    };
    let (initial, least, most) = (number("initial_value"), number("min_value"), number("max_value"));
    if least.zip(most).is_some_and(|(least, most)| least > most) {
        spot.fault("min_value must not be greater than max_value");
    }
    if let Some(initial) = initial
        && (least.is_some_and(|least| initial < least) || most.is_some_and(|most| initial > most))
    {
        spot.fault("initial_value must be between min_value and max_value");
    }
}

/// A number as a person can enter it: digits, and a point and a sign where they are allowed.
pub(in crate::slack) fn entered(text: &str, is_decimal_allowed: bool) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if is_decimal_allowed => (whole, Some(fraction)),
        Some(_) => return None,
        None => (digits, None),
    };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (are_digits(whole) && fraction.is_none_or(are_digits)).then(|| text.parse().ok()).flatten()
}
