//! Requests that Slack would never send, for tests of what the app refuses.

use serde_json::Value;

use super::{
    Delivery, Endpoint, Signing,
    deliver::{deliver, deliver_raw},
};
use crate::slack::Slack;

impl Slack {
    /// Sends these bytes with exactly these headers: no signature, no content type.
    pub async fn send_raw(
        &self,
        endpoint: Endpoint,
        body: impl Into<Vec<u8>>,
        headers: &[(&str, &str)],
    ) -> Delivery {
        let headers: Vec<_> =
            headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let reply = deliver_raw(self.core(), endpoint, body.into(), &headers, 0).await;
        Delivery::from_reply(reply, Value::Null)
    }

    /// Sends these bytes with the usual content type, signed as given.
    pub async fn send_signed(
        &self,
        endpoint: Endpoint,
        body: impl Into<Vec<u8>>,
        signing: &Signing,
    ) -> Delivery {
        let reply = deliver(self.core(), endpoint, endpoint.content_type(), body.into(), signing, None).await;
        Delivery::from_reply(reply, Value::Null)
    }

    /// Sends a forged interaction with a genuine signature, as an attacker could who has the signing secret or can
    /// alter a button's value.
    pub async fn forge_block_actions(&self, payload: Value) -> Delivery {
        self.send_interaction(payload, &Signing::default()).await
    }
}
