//! Requests that Slack would never send: for tests of what the app refuses.

use serde_json::Value;

use super::{
    Delivery, Endpoint, Signing,
    deliver::{deliver, deliver_raw},
};
use crate::slack::Slack;

impl Slack {
    /// Sends these bytes with these headers and nothing added: no signature, no content type.
    pub async fn send_raw(
        &self,
        endpoint: Endpoint,
        body: impl Into<Vec<u8>>,
        headers: &[(&str, &str)],
    ) -> Delivery {
        let headers: Vec<_> =
            headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let reply = deliver_raw(self.core(), endpoint, body.into(), &headers, 0).await;
        Delivery::of(reply, Value::Null)
    }

    /// Sends these bytes with the usual content type, signed as told.
    pub async fn send_signed(
        &self,
        endpoint: Endpoint,
        body: impl Into<Vec<u8>>,
        signing: &Signing,
    ) -> Delivery {
        let reply = deliver(self.core(), endpoint, endpoint.content_type(), body.into(), signing, None).await;
        Delivery::of(reply, Value::Null)
    }

    /// Sends an invented interaction with a genuine signature: what somebody could do who has the signing secret, or
    /// who has found a way to alter what a button carries.
    pub async fn forge_block_actions(&self, payload: Value) -> Delivery {
        self.send_interaction(payload, &Signing::default()).await
    }
}
