//! An action's arguments: kept exactly as given, digested as canonical JSON.
//!
//! The digest ties the action that runs to the one that was approved, so two argument objects that a backend could tell
//! apart must never share a digest. RFC 8785 expects I-JSON (RFC 7493): no duplicate members, and no integer that a
//! double can't represent. Input that breaks these rules is refused here, because its digest would be ambiguous.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

/// A JSON object without ambiguities, with its members in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Wraps arguments that were read from the database, without checking them again.
    #[must_use]
    pub const fn from_stored(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// The members, in the order in which they were given.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// SHA-256 over the canonical JSON (RFC 8785).
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::for_json(&self.0)
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Exact::deserialize(deserializer)?.0 {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(D::Error::custom("must be a JSON object")),
        }
    }
}

impl serde::Serialize for Arguments {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A SHA-256, written `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a value's canonical JSON (RFC 8785).
    #[must_use]
    pub fn for_json(value: &impl serde::Serialize) -> Self {
        // Values reach this only from parsed JSON, so they can always be serialized again.
        let canonical = serde_json_canonicalizer::to_vec(value).unwrap_or_default();
        Self(Sha256::digest(&canonical).into())
    }

    /// Wraps 32 bytes that were read from the database.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads what a digest is written as. `None`: it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:").filter(|digits| digits.len() == 64)?;
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if !digits.as_bytes().iter().all(is_digit) {
            return None;
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The digest's 32 bytes, as the database stores them.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A JSON value that was read without dropping a duplicate member or rounding a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Exact(pub Value);

impl Exact {
    /// Parses JSON. An error text is the rest of a sentence that starts with "The body".
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        // serde_json turns an integer of more than 64 bits into a double without an error, so the text itself is
        // checked.
        match inexact_integer(json) {
            Some(offset) => Err(format!("{INEXACT} at byte {offset}")),
            None => Ok(value),
        }
    }
}

/// Why text is not a JSON object that every reader reads alike. The rest of a sentence about the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnObject {
    /// There is nothing but spaces.
    #[error("is empty")]
    Empty,
    /// It is not JSON, for the parser's reason.
    #[error("is not JSON: {0}")]
    NotJson(String),
    /// It is JSON that two readers could read differently.
    #[error("{0}")]
    Ambiguous(String),
    /// It is another JSON value.
    #[error("is not a JSON object")]
    OtherValue,
}

impl Exact {
    /// Parses a JSON object.
    pub fn read_object(json: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
        if json.trim_ascii().is_empty() {
            return Err(NotAnObject::Empty);
        }
        match Self::read(json) {
            Ok(Self(Value::Object(members))) => Ok(members),
            Ok(_) => Err(NotAnObject::OtherValue),
            Err(error) if serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok() => {
                Err(NotAnObject::Ambiguous(error))
            }
            Err(error) => Err(NotAnObject::NotJson(error)),
        }
    }
}

/// The byte offset of the first integer that a double can't represent. Only plain digits count: a number with a
/// fraction or an exponent stands for the nearest double in every JSON reader.
fn inexact_integer(json: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        let rest = &json[at..];
        at += match byte {
            b'"' => text_length(rest),
            b'0'..=b'9' => {
                let is_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                let length = rest.iter().take_while(is_number).count();
                let digits = std::str::from_utf8(&rest[..length]).unwrap_or_default();
                if digits.bytes().all(|byte| byte.is_ascii_digit()) && !is_exact(digits) {
                    return Some(at);
                }
                length
            }
            _ => 1,
        };
    }
    None
}

/// The length in bytes of a JSON string, both quotation marks included.
fn text_length(json: &[u8]) -> usize {
    let mut escaped = false;
    let end = json.iter().skip(1).position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(json.len(), |end| end + 2)
}

/// Whether a double represents this integer exactly. Every integer of up to 15 digits fits; a longer one is parsed and
/// printed again for comparison.
fn is_exact(digits: &str) -> bool {
    digits.len() <= 15 || digits.parse::<f64>().is_ok_and(|double| format!("{double:.0}") == digits)
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExactVisitor).map(Self)
    }
}

struct ExactVisitor;

impl<'de> Visitor<'de> for ExactVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if is_exact(&value.unsigned_abs().to_string()) { Ok(value.into()) } else { Err(inexact()) }
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        if is_exact(&value.to_string()) { Ok(value.into()) } else { Err(inexact()) }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(inexact)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Exact(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let Exact(value) = access.next_value()?;
            if members.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format!("has the member {name:?} twice")));
            }
        }
        Ok(Value::Object(members))
    }
}

const INEXACT: &str = "has an integer that a double can't hold exactly, so two readers could read it differently: send it as a string";

fn inexact<E: serde::de::Error>() -> E {
    E::custom(INEXACT)
}

/// Longest word of an array that is shown as one value.
const WORD: usize = 100;

/// Whether an array is one value: it is empty, or contains only numbers, `true`, `false`, `null`, words without JSON's
/// special characters, and such arrays.
#[must_use]
pub fn is_one_value(items: &[Value]) -> bool {
    items.iter().all(|item| match item {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(word) => is_word(word),
        Value::Array(items) => is_one_value(items),
        Value::Object(_) => false,
    })
}

fn is_word(word: &str) -> bool {
    let ordinary =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@' | b'+' | b'/');
    word.len() <= WORD && word.bytes().all(ordinary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Arguments, String> {
        match Exact::read(text.as_bytes())?.0 {
            Value::Object(members) => Ok(Arguments::from_stored(members)),
            other => Err(format!("{other} is not an object")),
        }
    }

    #[test]
    fn the_digest_ignores_order_and_spacing_and_nothing_else() {
        let one = read(r#"{"b": 1.0, "a": "é"}"#).unwrap();
        assert_eq!(one.digest(), read(r#"{"a":"\u00e9","b":1}"#).unwrap().digest());
        assert_ne!(one.digest(), read(r#"{"a":"é","b":2}"#).unwrap().digest());
        assert_ne!(one.digest(), read(r#"{"a":"é","b":"1"}"#).unwrap().digest());
    }

    #[test]
    fn the_digest_is_that_of_the_example_in_rfc_8785_section_3_2_3() {
        let text = r#"{"numbers":[333333333.33333329,1E3,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let canonical = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1000,4.5,0.002,1e-27],\
            \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        let expected: [u8; 32] = Sha256::digest(canonical.as_bytes()).into();
        assert_eq!(read(text).unwrap().digest().bytes(), &expected);
    }

    #[test]
    fn members_stay_in_the_order_given() {
        let text = r#"{"zulu":1,"alpha":{"y":[],"x":{}}}"#;
        assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for text in [
            r#"{"to":"alice","to":"mallory"}"#,
            r#"{"deep":[{"a":1,"a":1}]}"#,
            r#"{"id":9007199254740993}"#,
            r#"{"id":-9007199254740993}"#,
            r#"{"id":18446744073709551615}"#,
            r#"{"id":123456789012345678901234567890}"#,
            r#"{"deep":["\"9",[-1000000000000000000001]]}"#,
            r#"{"id":1e400}"#,
            "[]",
            "null",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_that_a_double_holds_is_taken_and_digested_as_rfc_8785_says() {
        for (given, canonical) in [
            ("1e21", "1e+21"),
            ("1e308", "1e+308"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("-1E+30", "-1e+30"),
            ("5e-324", "5e-324"),
            ("9007199254740991", "9007199254740991"),
            ("9007199254740992", "9007199254740992"),
            ("9223372036854775808", "9223372036854776000"),
            ("-9223372036854775808", "-9223372036854776000"),
            ("1000000000000000000000", "1e+21"),
            ("9007199254740993.0", "9007199254740992"),
            ("\"9007199254740993\"", "\"9007199254740993\""),
        ] {
            let arguments = read(&format!(r#"{{"n":{given}}}"#)).unwrap();
            let expected: [u8; 32] = Sha256::digest(format!(r#"{{"n":{canonical}}}"#).as_bytes()).into();
            assert_eq!(arguments.digest().bytes(), &expected, "{given}");
        }
    }

    #[test]
    fn a_hundred_levels_are_read() {
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
        assert!(read(&deep).is_ok());
    }
}
