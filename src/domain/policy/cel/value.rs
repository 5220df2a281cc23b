//! The values of conditions. They borrow from the request, so reading an argument copies nothing.

use std::{borrow::Cow, cmp::Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Number, Value as Json};

use super::{
    fault::ConditionFault,
    fuel::Fuel,
    syntax::{Root, Type},
};

/// 2^63, the first number that an `i64` can't hold.
const LIMIT: f64 = 9_223_372_036_854_775_808.0;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    /// A list in the arguments.
    Array(&'a [Json]),
    /// A list that the condition made.
    List(Vec<Self>),
    /// An object in the arguments.
    Map(&'a Map<String, Json>),
    /// Agent, user, conversation or action.
    Record(Root),
    Timestamp(DateTime<Utc>),
    Duration(TimeDelta),
}

impl<'a> Value<'a> {
    pub(super) fn from_json(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::from_number(number),
            Json::String(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(elements) => Self::Array(elements),
            Json::Object(members) => Self::Map(members),
        }
    }

    /// An integer, however it is written: `1`, `1.0` and `1e0` are one value in canonical JSON, and so have one digest.
    fn from_number(number: &Number) -> Self {
        let double = number.as_f64().unwrap_or(f64::NAN);
        match number.as_i64().or_else(|| to_int(double)) {
            Some(int) => Self::Int(int),
            None => Self::Double(double),
        }
    }

    pub(super) const fn ty(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) | Self::Double(_) => Type::Number,
            Self::Text(_) => Type::Text,
            Self::Array(_) | Self::List(_) => Type::List,
            Self::Map(_) | Self::Record(_) => Type::Map,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
        }
    }

    /// The number of a list's elements. `None`: not a list.
    pub(super) const fn length(&self) -> Option<usize> {
        match self {
            Self::Array(elements) => Some(elements.len()),
            Self::List(elements) => Some(elements.len()),
            _ => None,
        }
    }

    pub(super) fn element(&self, index: usize) -> Option<Self> {
        match self {
            Self::Array(elements) => elements.get(index).map(Self::from_json),
            Self::List(elements) => elements.get(index).cloned(),
            _ => None,
        }
    }
}

/// The integer that a double is, if it is one.
pub(super) fn to_int(double: f64) -> Option<i64> {
    let fits = double.fract() == 0.0 && (-LIMIT..LIMIT).contains(&double);
    #[expect(clippy::cast_possible_truncation, reason = "it is an integer within the range")]
    fits.then_some(double as i64)
}

#[expect(clippy::cast_precision_loss, reason = "a double is wanted")]
pub(super) const fn to_double(int: i64) -> f64 {
    int as f64
}

/// Compares an integer with a double exactly: a double can't hold every integer.
fn compare_numbers(int: i64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double >= LIMIT {
        return Some(Ordering::Less);
    }
    if double < -LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = to_int(double.trunc())?;
    Some(int.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal)))
}

/// Whether two values can be compared: numbers, texts and the like of one type.
pub(super) fn have_order(left: &Value<'_>, right: &Value<'_>) -> bool {
    let ordered = !matches!(left.ty(), Type::Any | Type::Null | Type::List | Type::Map);
    ordered && left.ty() == right.ty()
}

/// The order of two values that have one. `None`: one of them is no number.
pub(super) fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Double(right)) => compare_numbers(*left, *right),
        (Value::Double(left), Value::Int(right)) => compare_numbers(*right, *left).map(Ordering::reverse),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Timestamp(left), Value::Timestamp(right)) => Some(left.cmp(right)),
        (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Whether two values are equal. Values of different types are not.
pub(super) fn equal(left: &Value<'_>, right: &Value<'_>, fuel: &mut Fuel) -> Option<bool> {
    fuel.burn(1)?;
    if let (Value::Text(left), Value::Text(right)) = (left, right) {
        fuel.burn_text(left.len().min(right.len()))?;
    }
    if have_order(left, right) {
        return Some(order(left, right) == Some(Ordering::Equal));
    }
    match (left, right) {
        (Value::Null, Value::Null) => return Some(true),
        (Value::Record(left), Value::Record(right)) => return Some(left == right),
        (Value::Map(left), Value::Map(right)) => {
            if left.len() != right.len() {
                return Some(false);
            }
            for (key, value) in *left {
                let Some(other) = right.get(key) else { return Some(false) };
                if !equal(&Value::from_json(value), &Value::from_json(other), fuel)? {
                    return Some(false);
                }
            }
            return Some(true);
        }
        _ => {}
    }
    let (Some(length), Some(other)) = (left.length(), right.length()) else { return Some(false) };
    if length != other {
        return Some(false);
    }
    for index in 0..length {
        let (Some(one), Some(two)) = (left.element(index), right.element(index)) else { return Some(false) };
        if !equal(&one, &two, fuel)? {
            return Some(false);
        }
    }
    Some(true)
}

/// What evaluating a part gives.
pub(super) type Evaluated<'a> = Result<Value<'a>, ConditionFault>;

pub(super) fn wrong_type(expected: Type, found: &Value<'_>) -> ConditionFault {
    ConditionFault::WrongType { expected: expected.name(), found: found.ty().name() }
}
