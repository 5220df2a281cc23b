//! JSON-RPC messages as they came, and what the gateway has to know of them.
//!
//! A message that the gateway does not act on is passed on as the bytes that it was. So the gateway and the server behind
//! it must read the same call in the same bytes: a message that two readers could understand differently is refused.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::{Map, Value, json, value::RawValue};

/// The members of a message that have a meaning.
const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// The id of a request, as its JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Id(String);

impl Id {
    /// An id that is a string.
    pub(super) fn text(text: &str) -> Self {
        Self(Value::from(text).to_string())
    }

    /// The id of a response to a request whose id could not be read.
    pub(super) fn null() -> Self {
        Self("null".to_owned())
    }

    /// An id that is a number.
    pub(super) fn number(number: u64) -> Self {
        Self(number.to_string())
    }

    /// The id as JSON text.
    pub(super) fn as_json(&self) -> &str {
        &self.0
    }

    /// The id as JSON.
    pub(super) fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Reads an id. JSON-RPC allows strings and numbers.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        matches!(value, Value::String(_) | Value::Number(_)).then(|| Self(value.to_string()))
    }
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Request { id: Id, method: String },
    Notification { method: String },
    Response { id: Id },
}

/// A message, on one line.
#[derive(Debug, Clone)]
pub(super) struct Message {
    text: String,
    kind: Kind,
}

/// Why a text is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("it is not JSON: {0}")]
    NotJson(String),
    #[error("it is not a JSON-RPC message: {0}")]
    NotAMessage(&'static str),
    #[error("the member {0:?} could be read in two ways")]
    Ambiguous(String),
}

impl Message {
    /// Reads a message.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let text = text.trim();
        if text.starts_with('[') {
            return Err(Unreadable::NotAMessage("batches are not supported"));
        }
        let members: Members<'_> =
            serde_json::from_str(text).map_err(|error| Unreadable::NotJson(error.to_string()))?;
        members.check(&MEMBERS)?;
        let id = members.read("id").and_then(|id: Value| Id::from_value(&id));
        let method: Option<String> = members.read("method");
        let is_response = members.get("result").is_some() || members.get("error").is_some();
        let kind = match (method, id) {
            (Some(_), _) if is_response => {
                return Err(Unreadable::NotAMessage("it has a method and a result"));
            }
            (Some(method), Some(id)) => Kind::Request { id, method },
            (Some(_), None) if members.get("id").is_some() => {
                return Err(Unreadable::NotAMessage("its id must be a string or a number"));
            }
            (Some(method), None) => Kind::Notification { method },
            (None, Some(id)) if is_response => Kind::Response { id },
            (None, _) => return Err(Unreadable::NotAMessage("it is neither a request nor a response")),
        };
        // Strings can't contain line breaks, so all others only separate.
        let text =
            if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text.to_owned() };
        Ok(Self { text, kind })
    }

    /// A request.
    pub(super) fn request(id: Id, method: &str, params: &Value) -> Self {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{},"method":{},"params":{params}}}"#,
            id.0,
            Value::from(method)
        );
        Self { text, kind: Kind::Request { id, method: method.to_owned() } }
    }

    /// A notification.
    pub(super) fn notification(method: &str, params: &Value) -> Self {
        let text = json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string();
        Self { text, kind: Kind::Notification { method: method.to_owned() } }
    }

    /// A response with a result.
    pub(super) fn result(id: Id, result: &Value) -> Self {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, id.0);
        Self { text, kind: Kind::Response { id } }
    }

    /// A response with an error.
    pub(super) fn error(id: Id, code: Code, message: &str) -> Self {
        let error = json!({ "code": code as i32, "message": message });
        let text = format!(r#"{{"jsonrpc":"2.0","id":{},"error":{error}}}"#, id.0);
        Self { text, kind: Kind::Response { id } }
    }

    /// The same message with another JSON text at this path of members. `None` if it has no such member.
    pub(super) fn replaced(&self, path: &[&str], with: &str) -> Option<Self> {
        Self::read(&replaced(&self.text, path, with)?).ok()
    }

    pub(super) const fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The JSON text of a member, such as `params`.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        let members: Members<'_> = serde_json::from_str(&self.text).ok()?;
        members.get(name).map(|raw| raw.get().to_owned())
    }

    /// A member that must be an object; empty if it is missing or something else.
    pub(super) fn object(&self, name: &str) -> Map<String, Value> {
        self.member(name).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }
}

/// An object with another JSON text at this path of its members. All others keep their bytes, and a member that is given
/// twice is still given twice.
fn replaced(text: &str, path: &[&str], with: &str) -> Option<String> {
    let Some((name, rest)) = path.split_first() else { return Some(with.to_owned()) };
    let members: Members<'_> = serde_json::from_str(text).ok()?;
    members.get(name)?;
    let written = members.0.iter().map(|(member, raw)| {
        let value = if member == name { replaced(raw.get(), rest, with)? } else { raw.get().to_owned() };
        Some(format!("{}:{value}", Value::from(member.as_str())))
    });
    Some(format!("{{{}}}", written.collect::<Option<Vec<_>>>()?.join(",")))
}

/// Error codes of JSON-RPC and of MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Parse = -32700,
    InvalidRequest = -32600,
    InvalidParams = -32602,
    Internal = -32603,
    MethodNotFound = -32601,
    HeaderMismatch = -32020,
}

/// The members of an object, in their order, each as its JSON text.
#[derive(Debug)]
pub(super) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// Refuses members that one reader ignores and another takes for one of `known`: a member given twice, or one that
    /// differs from it only in its case. Go's `encoding/json` ignores case, by Unicode's rules.
    pub(super) fn check(&self, known: &[&str]) -> Result<(), Unreadable> {
        for (at, (name, _)) in self.0.iter().enumerate() {
            let is_known = known.contains(&name.as_str());
            let looks_known = known.iter().any(|known| known.eq_ignore_ascii_case(name)) || !name.is_ascii();
            let is_second = self.0[..at].iter().any(|(earlier, _)| earlier == name);
            if is_second || (looks_known && !is_known) {
                return Err(Unreadable::Ambiguous(name.clone()));
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                    if members.len() > 100 {
                        return Err(A::Error::custom("too many members"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        Message::read(text).unwrap().kind
    }

    #[test]
    fn each_kind_is_told_by_its_members() {
        let id = Id::from_value(&json!(1)).unwrap();
        assert_eq!(
            kind(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#),
            Kind::Request { id: id.clone(), method: "ping".into() }
        );
        assert_eq!(kind(r#"{"method":"x","jsonrpc":"2.0"}"#), Kind::Notification { method: "x".into() });
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), Kind::Response { id });
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":"1","error":{}}"#), Kind::Response { id: Id::text("1") });
    }

    #[test]
    fn a_message_keeps_its_bytes() {
        let text = r#"{ "jsonrpc":"2.0", "id":1.50, "method":"x","new":[1e400,12345678901234567890123] }"#;
        assert_eq!(Message::read(text).unwrap().text(), text);
        let lines = "{\"jsonrpc\":\"2.0\",\r\n\"id\":1,\n\"result\":{}}";
        assert_eq!(Message::read(lines).unwrap().text(), r#"{"jsonrpc":"2.0",  "id":1, "result":{}}"#);
    }

    #[test]
    fn a_message_that_another_reader_could_take_for_a_call_is_refused() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","paramſ":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":[1],"method":"tools/call"}"#,
            r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call"}]"#,
            r#"{"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            "listening on stdio",
            "1",
            "",
        ] {
            assert!(Message::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_replaced_member_leaves_the_others_as_they_were() {
        let text = r#"{"id":1,"method":"x","params":{"n":1.50,"_meta":{"a": [1e400],"t":7}},"new":{"t":7}}"#;
        let message = Message::read(text).unwrap().replaced(&["params", "_meta", "t"], "\"q\"").unwrap();
        let expected =
            r#"{"id":1,"method":"x","params":{"n":1.50,"_meta":{"a":[1e400],"t":"q"}},"new":{"t":7}}"#;
        assert_eq!(message.text(), expected);
        assert!(message.replaced(&["params", "_meta", "u"], "1").is_none());
        let twice = Message::read(r#"{"id":1,"method":"x","params":{"a":1,"a":2}}"#).unwrap();
        let replaced = twice.replaced(&["params", "a"], "3").unwrap();
        assert_eq!(replaced.member("params").unwrap(), r#"{"a":3,"a":3}"#);
    }

    #[test]
    fn what_the_gateway_writes_it_can_read() {
        for message in [
            Message::request(Id::text("a\"b"), "tools/list", &json!({})),
            Message::notification("notifications/progress", &json!({})),
            Message::result(Id::text("1"), &json!({})),
            Message::error(Id::text("1"), Code::Internal, "no\n\"way\""),
        ] {
            assert_eq!(Message::read(message.text()).unwrap().kind(), message.kind());
        }
    }
}
