//! What the functions of conditions do.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    clock,
    fault::ConditionFault,
    fuel::{Fuel, OUT},
    syntax::{Function, Type},
    value::{Evaluated, Value, to_double, to_int, wrong_type},
};

/// Calls a function. The parser has checked the number of arguments.
pub(super) fn call<'v>(function: Function, arguments: &[Value<'v>], fuel: &mut Fuel) -> Evaluated<'v> {
    let first = arguments.first().ok_or(ConditionFault::NoElement)?;
    if let Value::Text(text) = first {
        fuel.burn_text(text.len()).ok_or(OUT)?;
    }
    Ok(match function {
        Function::Size => size(first)?,
        Function::StartsWith => Value::Bool(text(first)?.starts_with(second(arguments)?)),
        Function::EndsWith => Value::Bool(text(first)?.ends_with(second(arguments)?)),
        Function::Contains => Value::Bool(text(first)?.contains(second(arguments)?)),
        Function::LowerAscii => Value::Text(Cow::Owned(text(first)?.to_ascii_lowercase())),
        Function::UpperAscii => Value::Text(Cow::Owned(text(first)?.to_ascii_uppercase())),
        Function::Trim => Value::Text(Cow::Owned(text(first)?.trim().to_owned())),
        Function::Int => int(first)?,
        Function::Double => double(first)?,
        Function::Text => Value::Text(string(first)?),
        Function::Timestamp => {
            let at = DateTime::parse_from_rfc3339(text(first)?);
            Value::Timestamp(at.map_err(|_| ConditionFault::Unreadable("a timestamp"))?.to_utc())
        }
        Function::Duration => {
            let read = clock::duration(text(first)?);
            Value::Duration(read.ok_or(ConditionFault::Unreadable("a duration"))?)
        }
        Function::Clock(part) => {
            let zone = arguments.get(1).map(text).transpose()?;
            Value::Int(clock::part(timestamp(first)?, zone, part)?)
        }
    })
}

fn text<'x>(value: &'x Value<'_>) -> Result<&'x str, ConditionFault> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(wrong_type(Type::Text, other)),
    }
}

fn second<'x>(arguments: &'x [Value<'_>]) -> Result<&'x str, ConditionFault> {
    arguments.get(1).ok_or(ConditionFault::NoElement).and_then(text)
}

fn timestamp(value: &Value<'_>) -> Result<DateTime<Utc>, ConditionFault> {
    match value {
        Value::Timestamp(at) => Ok(*at),
        other => Err(wrong_type(Type::Timestamp, other)),
    }
}

fn size<'v>(value: &Value<'v>) -> Evaluated<'v> {
    let size = match value {
        Value::Text(text) => text.chars().count(),
        Value::Map(members) => members.len(),
        other => other.length().ok_or_else(|| wrong_type(Type::List, other))?,
    };
    i64::try_from(size).map(Value::Int).map_err(|_| ConditionFault::Overflow)
}

fn int<'v>(value: &Value<'v>) -> Evaluated<'v> {
    let unreadable = ConditionFault::Unreadable("a number");
    Ok(Value::Int(match value {
        Value::Int(int) => *int,
        Value::Double(double) => to_int(double.trunc()).ok_or(ConditionFault::Overflow)?,
        Value::Text(text) => text.parse().map_err(|_| unreadable)?,
        Value::Timestamp(at) => at.timestamp(),
        other => return Err(wrong_type(Type::Number, other)),
    }))
}

fn double<'v>(value: &Value<'v>) -> Evaluated<'v> {
    let unreadable = ConditionFault::Unreadable("a number");
    Ok(Value::Double(match value {
        Value::Int(int) => to_double(*int),
        Value::Double(double) => *double,
        Value::Text(text) => text.parse().ok().filter(|value: &f64| value.is_finite()).ok_or(unreadable)?,
        other => return Err(wrong_type(Type::Number, other)),
    }))
}

fn string<'v>(value: &Value<'v>) -> Result<Cow<'v, str>, ConditionFault> {
    Ok(match value {
        Value::Text(text) => text.clone(),
        Value::Bool(value) => Cow::Owned(value.to_string()),
        Value::Int(int) => Cow::Owned(int.to_string()),
        Value::Double(double) => Cow::Owned(double.to_string()),
        Value::Timestamp(at) => Cow::Owned(at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        Value::Duration(duration) => Cow::Owned(format!("{}s", seconds(*duration))),
        other => return Err(wrong_type(Type::Text, other)),
    })
}

const fn seconds(duration: TimeDelta) -> i64 {
    duration.num_seconds()
}
