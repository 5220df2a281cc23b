//! Sends requests to the app over its connections instead of by HTTP.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::{sync::oneshot, time::Instant};

use super::Out;
use crate::slack::{
    core::Core,
    people::{DeliveryError, Endpoint, Reply},
};

/// The app must acknowledge within three seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends the body over a connection, and waits for its acknowledgement.
pub(crate) async fn deliver(core: &Core, endpoint: Endpoint, body: &[u8], retry: u32) -> Reply {
    let deadline = Instant::now() + PATIENCE;
    let failed = |error| Reply {
        status: None,
        body: String::new(),
        no_retry: false,
        elapsed: Duration::ZERO,
        error: Some(error),
    };
    let (kind, answerable, payload) = read(endpoint, body);
    let envelope_id = crate::ambient::random_hex()[..36].to_owned();
    let mut envelope = json!({
        "envelope_id": envelope_id,
        "payload": payload,
        "type": kind,
        "accepts_response_payload": answerable,
    });
    if kind == "events_api" {
        envelope["retry_attempt"] = json!(retry);
        envelope["retry_reason"] = json!(if retry == 0 { "" } else { "timeout" });
    }
    loop {
        if let Some(acknowledged) = hand_over(core, &envelope_id, &envelope) {
            return match tokio::time::timeout_at(deadline, acknowledged).await {
                Ok(Ok(answer)) => Reply {
                    status: Some(200),
                    // `accepts_response_payload` said that Slack expects no payload.
                    error: (!answerable && !answer.is_null()).then(|| {
                        DeliveryError::BadAnswer(vec!["the acknowledgement has a payload".to_owned()])
                    }),
                    body: if answer.is_null() { String::new() } else { answer.to_string() },
                    no_retry: false,
                    elapsed: Duration::ZERO,
                },
                Ok(Err(_)) => failed(DeliveryError::Unreachable("the connection broke".to_owned())),
                Err(_) => {
                    core.sockets.lock().waiting.remove(&envelope_id);
                    failed(DeliveryError::TimedOut)
                }
            };
        }
        if Instant::now() >= deadline {
            return failed(DeliveryError::NotConnected);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Passes the envelope to the next connection that is not about to close. `None` if there is none.
fn hand_over(core: &Core, id: &str, envelope: &Value) -> Option<oneshot::Receiver<Value>> {
    let mut inner = core.sockets.lock();
    let inner = &mut *inner;
    let staying: Vec<usize> = (0..inner.links.len()).filter(|at| !inner.links[*at].leaving).collect();
    if staying.is_empty() {
        return None;
    }
    inner.turn = inner.turn.wrapping_add(1);
    if inner.doubled > 0 {
        inner.doubled -= 1;
        // Both copies share the id, so the first acknowledgement counts.
        let other = &inner.links[staying[(inner.turn + 1) % staying.len()]];
        let _ = other.out.send(Out::Text(envelope.to_string()));
    }
    let link = &mut inner.links[staying[inner.turn % staying.len()]];
    let (acknowledge, acknowledged) = oneshot::channel();
    let order = if inner.broken > 0 {
        inner.broken -= 1;
        link.leaving = true;
        Out::Half(envelope.to_string())
    } else {
        Out::Text(envelope.to_string())
    };
    inner.waiting.insert(id.to_owned(), (link.id, acknowledge));
    if link.out.send(order).is_err() {
        inner.waiting.remove(id);
        link.leaving = true;
        return None;
    }
    Some(acknowledged)
}

fn read(endpoint: Endpoint, body: &[u8]) -> (&'static str, bool, Value) {
    let fields = || form_urlencoded::parse(body);
    match endpoint {
        Endpoint::Events => ("events_api", false, serde_json::from_slice(body).unwrap_or_default()),
        Endpoint::Interactivity => {
            let payload = fields().find(|(name, _)| name == "payload").map(|(_, payload)| payload);
            let payload = payload.and_then(|payload| serde_json::from_str(&payload).ok());
            ("interactive", true, payload.unwrap_or_default())
        }
        Endpoint::Commands => {
            let fields: Map<String, Value> =
                fields().map(|(name, value)| (name.into_owned(), Value::from(value))).collect();
            ("slash_commands", true, Value::Object(fields))
        }
    }
}
