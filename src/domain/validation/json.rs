//! JSON as JSON Schema counts and compares it.

use serde_json::{Map, Value};

use super::fault::TooComplex;

pub(super) fn list(argument: &Value) -> Result<&[Value], TooComplex> {
    argument.as_array().map(Vec::as_slice).ok_or(TooComplex)
}

pub(super) fn object(argument: &Value) -> Result<&Map<String, Value>, TooComplex> {
    argument.as_object().ok_or(TooComplex)
}

/// A keyword's number of characters, items or members: `3` or `3.0`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
pub(super) fn limit(argument: &Value) -> Option<usize> {
    argument.as_f64().filter(|number| *number >= 0.0).map(|number| number as usize)
}

/// How many bytes of a text count as one step where they are read.
pub(super) const BYTES_A_STEP: usize = 256;

/// How many steps it takes to compare a value: its parts, roughly.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() / BYTES_A_STEP,
        Value::Array(items) => items.iter().map(|item| 1 + weight(item)).sum(),
        Value::Object(members) => members.values().map(|value| 1 + weight(value)).sum(),
        _ => 0,
    }
}

/// Whether two values are the same JSON: `1` and `1.0` are.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => one == other,
    }
}

pub(super) fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

pub(super) fn type_detail(argument: &Value) -> &'static str {
    match argument.as_str() {
        Some("string") => "Must be text.",
        Some("integer") => "Must be a whole number.",
        Some("number") => "Must be a number.",
        Some("boolean") => "Must be true or false.",
        _ => "Has the wrong type.",
    }
}
