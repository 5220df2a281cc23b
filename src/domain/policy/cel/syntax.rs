//! Conditions as trees, with every name resolved.

use std::sync::Arc;

/// A part of a condition.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number with a fraction.
    Double(f64),
    /// A string.
    Text(String),
    /// `[a, b]`.
    List(Vec<Self>),
    /// A name that every condition has.
    Root(Root),
    /// The element that the macro around it is looking at.
    Element,
    /// `value.field`.
    Select(Box<Self>, String),
    /// `has(value.field)`.
    Has(Box<Self>, String),
    /// `value[index]`.
    Index(Box<Self>, Box<Self>),
    /// `!a`.
    Not(Box<Self>),
    /// `-a`.
    Negate(Box<Self>),
    /// `a && b`, or with `or`, `a || b`.
    Logic {
        /// Whether it is `||`.
        or: bool,
        /// Both sides.
        sides: Box<[Self; 2]>,
    },
    /// `a ? b : c`.
    If(Box<[Self; 3]>),
    /// `a == b`, or with `not`, `a != b`.
    Equal {
        /// Whether it is `!=`.
        not: bool,
        /// Both sides.
        sides: Box<[Self; 2]>,
    },
    /// `a < b` and the like.
    Order(Order, Box<[Self; 2]>),
    /// `a + b` and the like.
    Arithmetic(Arithmetic, Box<[Self; 2]>),
    /// `a in b`.
    In(Box<[Self; 2]>),
    /// `text.matches("…")`, with the pattern compiled.
    Matches(Box<Self>, Arc<regex::Regex>),
    /// A function. A receiver is the first argument.
    Call(Function, Vec<Self>),
    /// `list.all(x, …)` and the like.
    Each {
        /// The macro.
        each: Each,
        /// The list, or the map whose keys are taken.
        range: Box<Self>,
        /// What is said of each element.
        body: Box<Self>,
    },
}

/// The names that every condition has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Arguments,
    Agent,
    User,
    Conversation,
    Action,
    Now,
}

impl Root {
    pub(super) const ALL: [Self; 6] =
        [Self::Arguments, Self::Agent, Self::User, Self::Conversation, Self::Action, Self::Now];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Arguments => "arguments",
            Self::Agent => "agent",
            Self::User => "user",
            Self::Conversation => "conversation",
            Self::Action => "action",
            Self::Now => "now",
        }
    }

    /// Its fields, if they are fixed.
    pub(super) const fn fields(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Arguments | Self::Now => None,
            Self::Agent => Some(&["id", "name"]),
            Self::User => Some(&["id"]),
            Self::Conversation => Some(&["id", "title"]),
            Self::Action => Some(&["integration", "key"]),
        }
    }
}

/// The comparisons of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The operations on numbers, of which `+` also joins strings and lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// The macros, which look at each element of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Each {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl Each {
    pub(super) const ALL: [(&'static str, Self); 5] = [
        ("all", Self::All),
        ("exists", Self::Exists),
        ("exists_one", Self::ExistsOne),
        ("filter", Self::Filter),
        ("map", Self::Map),
    ];
}

/// What is known of a value's type before it is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Only the request says it.
    Any,
    Null,
    Bool,
    Number,
    Text,
    List,
    Map,
    Timestamp,
    Duration,
}

impl Type {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Timestamp => "a timestamp",
            Self::Duration => "a duration",
        }
    }

    /// Whether a value of this type can be one of the other.
    pub(super) fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }
}

/// A function. A receiver is its first argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    LowerAscii,
    UpperAscii,
    Trim,
    Int,
    Double,
    Text,
    Timestamp,
    Duration,
    Clock(ClockPart),
}

/// What a wall clock or a calendar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockPart {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
}
