//! Requests by HTTP without a session, which protocol revisions from 2026-07-28 on make
//! (<https://modelcontextprotocol.io/specification/2026-07-28/basic/transports>).
//!
//! Each is complete in itself, and the clients of one caller share a server. Clients choose ids and progress tokens without
//! knowing of each other, so towards the server each request has an id of the gateway's own.

use axum::http::{HeaderMap, HeaderName};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::message::{Id, Kind, Message};

/// The member of `_meta` that names the subscription to which a notification belongs, by the id of its request.
pub(super) const SUBSCRIPTION_META: &str = "io.modelcontextprotocol/subscriptionId";
const VERSION_META: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_META: &str = "io.modelcontextprotocol/clientInfo";
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// The first revision without sessions. Later ones have later dates.
const FIRST: &str = "2026-07-28";

fn value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether the request is of a revision without sessions.
pub(super) fn is_stateless(headers: &HeaderMap) -> bool {
    let version = value(headers, &VERSION);
    version.len() == FIRST.len() && version >= FIRST
}

/// The client, by revision and name: a server that has settled on one revision refuses the other.
pub(super) fn client_of(headers: &HeaderMap, message: &Message) -> String {
    let meta = message.object("params").remove("_meta").unwrap_or_default();
    let name: String = meta[CLIENT_META]["name"].as_str().unwrap_or_default().chars().take(200).collect();
    format!("{} {name}", value(headers, &VERSION))
}

/// Checks that the headers say what the message says, so that a proxy that goes by them sees the same request.
pub(super) fn check_headers(headers: &HeaderMap, message: &Message) -> Result<(), String> {
    let Kind::Request { method, .. } = message.kind() else { return Ok(()) };
    let mismatch =
        |header: &str, member: &str| Err(format!("the {header} header is not the message's {member}"));
    for (header, name) in [(&VERSION, "Mcp-Protocol-Version"), (&METHOD, "Mcp-Method"), (&NAME, "Mcp-Name")] {
        if headers.get_all(header).iter().count() > 1 {
            return Err(format!("the {name} header is given twice"));
        }
    }
    let params = message.object("params");
    let version = params.get("_meta").and_then(|meta| meta[VERSION_META].as_str());
    if version != Some(value(headers, &VERSION)) {
        return mismatch("Mcp-Protocol-Version", &format!("_meta[\"{VERSION_META}\"]"));
    }
    if value(headers, &METHOD) != method {
        return mismatch("Mcp-Method", "method");
    }
    let member = match method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return Ok(()),
    };
    match params.get(member).and_then(Value::as_str) {
        Some(name) if decoded(value(headers, &NAME)).as_deref() != Some(name) => {
            mismatch("Mcp-Name", &format!("params.{member}"))
        }
        _ => Ok(()),
    }
}

/// A header's value, which is in Base64 if it has characters that headers can't have.
fn decoded(value: &str) -> Option<String> {
    let Some(base64) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Some(value.to_owned());
    };
    String::from_utf8(STANDARD.decode(base64).ok()?).ok()
}

/// A request with an id of the gateway's own.
#[derive(Debug, Clone)]
pub(super) struct Renamed {
    pub(super) id: Id,
    /// The client's id.
    outer: Id,
    /// The client's progress token, as JSON text.
    token: Option<String>,
}

impl Renamed {
    /// Gives the request this id.
    pub(super) fn new(message: &Message, outer: Id, id: Id) -> Option<(Self, Message)> {
        let meta = message.object("params").remove("_meta");
        let token = meta.and_then(|meta| Some(meta.get("progressToken")?.to_string()));
        let mut renamed = message.replaced(&["id"], id.as_json())?;
        if token.is_some() {
            renamed = renamed.replaced(&["params", "_meta", "progressToken"], id.as_json())?;
        }
        Some((Self { id, outer, token }, renamed))
    }

    /// The message with what the client calls the request.
    pub(super) fn restore(&self, message: Message) -> Message {
        let is_its = |value: &Value| Id::from_value(value).as_ref() == Some(&self.id);
        let place = match message.kind() {
            Kind::Response { id } if *id == self.id => {
                let message = message.replaced(&["id"], self.outer.as_json()).unwrap_or(message);
                let meta = message.object("result").remove("_meta");
                let is_subscription = meta.is_some_and(|meta| is_its(&meta[SUBSCRIPTION_META]));
                return is_subscription
                    .then(|| message.replaced(&["result", "_meta", SUBSCRIPTION_META], self.outer.as_json()))
                    .flatten()
                    .unwrap_or(message);
            }
            Kind::Notification { .. } => message.object("params"),
            _ => return message,
        };
        let found = match &self.token {
            Some(token) if place.get("progressToken").is_some_and(is_its) => {
                message.replaced(&["params", "progressToken"], token)
            }
            _ if place.get("_meta").is_some_and(|meta| is_its(&meta[SUBSCRIPTION_META])) => {
                message.replaced(&["params", "_meta", SUBSCRIPTION_META], self.outer.as_json())
            }
            _ => None,
        };
        found.unwrap_or(message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_server_and_the_client_each_read_their_own_id() {
        let request =
            r#"{"jsonrpc":"2.0","id":"a","method":"x","params":{"_meta":{"progressToken":3.0,"k":1e2}}}"#;
        let request = Message::read(request).unwrap();
        let (renamed, sent) = Renamed::new(&request, Id::text("a"), Id::number(9)).unwrap();
        assert_eq!(
            sent.text(),
            r#"{"jsonrpc":"2.0","id":9,"method":"x","params":{"_meta":{"progressToken":9,"k":1e2}}}"#
        );
        let subscribed = json!({ "_meta": { SUBSCRIPTION_META: 9 } });
        let restored = |message: Message| renamed.restore(message).text().to_owned();
        assert_eq!(
            restored(Message::result(Id::number(9), &subscribed)),
            format!(r#"{{"jsonrpc":"2.0","id":"a","result":{{"_meta":{{"{SUBSCRIPTION_META}":"a"}}}}}}"#)
        );
        let told = restored(Message::notification("n", &json!({ "progressToken": 9, "progress": 1 })));
        assert!(told.contains(r#""progressToken":3.0"#), "{told}");
        let told = restored(Message::notification("n", &subscribed));
        assert!(told.contains(r#""a""#), "{told}");
        assert_eq!(
            restored(Message::result(Id::number(9), &json!({}))),
            r#"{"jsonrpc":"2.0","id":"a","result":{}}"#
        );
        // Those of another request stay as they are.
        let other = Message::notification("n", &json!({ "progressToken": 8 }));
        assert_eq!(restored(other.clone()), other.text());
    }
}
