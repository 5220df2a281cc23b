//! The functions that conditions may call.

use super::syntax::{ClockPart, Each, Function, Type};

/// How a function is called: its name, whether as `x.name(…)` or `name(x, …)`, what it takes, and what it returns.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) function: Function,
    /// Whether it can be called on a receiver.
    pub(super) on_receiver: bool,
    /// Whether it can be called without one.
    pub(super) alone: bool,
    pub(super) takes: &'static [Type],
    /// How many of the last parameters may be left out.
    pub(super) optional: usize,
    pub(super) gives: Type,
}

const fn method(name: &'static str, function: Function, takes: &'static [Type], gives: Type) -> Signature {
    Signature { name, function, on_receiver: true, alone: false, takes, optional: 0, gives }
}

const fn global(name: &'static str, function: Function, takes: &'static [Type], gives: Type) -> Signature {
    Signature { name, function, on_receiver: false, alone: true, takes, optional: 0, gives }
}

const fn clock(name: &'static str, part: ClockPart) -> Signature {
    Signature {
        optional: 1,
        ..method(name, Function::Clock(part), &[Type::Timestamp, Type::Text], Type::Number)
    }
}

/// Every function but `has`, `matches` and the macros, which the parser knows.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature { alone: true, ..method("size", Function::Size, &[Type::Any], Type::Number) },
    method("startsWith", Function::StartsWith, &[Type::Text, Type::Text], Type::Bool),
    method("endsWith", Function::EndsWith, &[Type::Text, Type::Text], Type::Bool),
    method("contains", Function::Contains, &[Type::Text, Type::Text], Type::Bool),
    method("lowerAscii", Function::LowerAscii, &[Type::Text], Type::Text),
    method("upperAscii", Function::UpperAscii, &[Type::Text], Type::Text),
    method("trim", Function::Trim, &[Type::Text], Type::Text),
    global("int", Function::Int, &[Type::Any], Type::Number),
    global("double", Function::Double, &[Type::Any], Type::Number),
    global("string", Function::Text, &[Type::Any], Type::Text),
    global("timestamp", Function::Timestamp, &[Type::Text], Type::Timestamp),
    global("duration", Function::Duration, &[Type::Text], Type::Duration),
    clock("getFullYear", ClockPart::FullYear),
    clock("getMonth", ClockPart::Month),
    clock("getDate", ClockPart::Date),
    clock("getDayOfMonth", ClockPart::DayOfMonth),
    clock("getDayOfWeek", ClockPart::DayOfWeek),
    clock("getDayOfYear", ClockPart::DayOfYear),
    clock("getHours", ClockPart::Hours),
    clock("getMinutes", ClockPart::Minutes),
    clock("getSeconds", ClockPart::Seconds),
];

/// The names of everything that looks like a call.
pub(super) fn names() -> Vec<String> {
    let macros = Each::ALL.iter().map(|(name, _)| *name);
    let functions = SIGNATURES.iter().map(|signature| signature.name);
    functions.chain(["has", "matches"]).chain(macros).map(str::to_owned).collect()
}
