//! The keywords of numbers.

use serde_json::{Map, Value};

pub(super) fn number_fault(
    schema: &Map<String, Value>,
    keyword: &str,
    argument: &Value,
    number: f64,
) -> Option<String> {
    let bound = argument.as_f64();
    let excluded = |keyword| schema.get(keyword) == Some(&Value::Bool(true));
    match (keyword, bound?) {
        // Draft 4 excluded the bound itself by true.
        ("minimum", least) if number <= least && excluded("exclusiveMinimum") => {
            Some(format!("Must be more than {argument}."))
        }
        ("maximum", most) if number >= most && excluded("exclusiveMaximum") => {
            Some(format!("Must be less than {argument}."))
        }
        ("minimum", least) if number < least => Some(format!("Must be at least {argument}.")),
        ("maximum", most) if number > most => Some(format!("Must be at most {argument}.")),
        ("exclusiveMinimum", least) if number <= least => Some(format!("Must be more than {argument}.")),
        ("exclusiveMaximum", most) if number >= most => Some(format!("Must be less than {argument}.")),
        ("multipleOf", step) if !is_multiple(number, step) => {
            Some(format!("Must be a multiple of {argument}."))
        }
        _ => None,
    }
}

/// Whether a number is a multiple of a step, as its decimal digits say: 0.3 is one of 0.1, although their doubles are not.
fn is_multiple(number: f64, step: f64) -> bool {
    let quotient = number / step;
    let nearest = quotient.round();
    quotient.is_finite() && (quotient - nearest).abs() <= nearest.abs().max(1.0) * 1e-14
}
