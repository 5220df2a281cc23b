//! All calls of the agent-backend API as a backend makes them: plain HTTP, without code of the service.

use reqwest::{Client, Method, Url};
use serde_json::Value;

use super::reply::Reply;
use super::request::Ask;

/// The API's address, and the key to call it with.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base_url: String,
    key: String,
}

impl std::fmt::Debug for Api {
    /// Omits the key, because it is a secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Api").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl Api {
    /// The API at `base_url` (`http://127.0.0.1:8080`), called with `api_key` (`cs_…`) through `client`.
    #[must_use]
    pub fn new(client: Client, base_url: &str, api_key: &str) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        Self { client, base_url, key: api_key.to_owned() }
    }

    /// The same API with another key, or with `""` for no key.
    #[must_use]
    pub fn with_key(&self, api_key: &str) -> Self {
        Self { key: api_key.to_owned(), ..self.clone() }
    }

    /// The same API at another base URL.
    pub(super) fn at(&self, base_url: &str) -> Self {
        Self { base_url: base_url.trim_end_matches('/').to_owned(), ..self.clone() }
    }

    /// `POST /v1/approvals`.
    pub async fn ask(&self, ask: &Ask) -> Reply {
        self.call(Method::POST, &["approvals"], &[], Some(&to_json(ask)), &[]).await
    }

    /// `POST /v1/approvals` with an `Idempotency-Key`.
    pub async fn ask_once(&self, ask: &Ask, key: &str) -> Reply {
        let headers = [("idempotency-key", key)];
        self.call(Method::POST, &["approvals"], &[], Some(&to_json(ask)), &headers).await
    }

    /// `GET /v1/approvals/{id}`.
    pub async fn get(&self, id: &str) -> Reply {
        self.call(Method::GET, &["approvals", id], &[], None, &[]).await
    }

    /// `GET /v1/approvals/{id}?wait=SECONDS`.
    pub async fn wait(&self, id: &str, seconds: u64) -> Reply {
        self.call(Method::GET, &["approvals", id], &[("wait", &seconds.to_string())], None, &[]).await
    }

    /// `GET /v1/approvals`, with a query such as `[("status", "pending"), ("limit", "10")]`.
    pub async fn list(&self, query: &[(&str, &str)]) -> Reply {
        self.call(Method::GET, &["approvals"], query, None, &[]).await
    }

    /// `POST /v1/approvals/{id}/cancel`.
    pub async fn cancel(&self, id: &str) -> Reply {
        self.call(Method::POST, &["approvals", id, "cancel"], &[], None, &[]).await
    }

    /// `POST /v1/approvals/{id}/use`, with an `Idempotency-Key` unless it is empty.
    pub async fn take_permit(&self, id: &str, digest: &str, key: &str) -> Reply {
        let body = serde_json::json!({ "arguments_digest": digest });
        let headers = [("idempotency-key", key)];
        let headers = if key.is_empty() { &headers[..0] } else { &headers[..] };
        self.call(Method::POST, &["approvals", id, "use"], &[], Some(&body), headers).await
    }

    /// `POST /v1/approvals/{id}/result`.
    pub async fn report(&self, id: &str, result: &Value) -> Reply {
        self.call(Method::POST, &["approvals", id, "result"], &[], Some(result), &[]).await
    }

    /// `GET /v1/approvals/{id}/receipt`: the receipt is the reply's text.
    pub async fn receipt(&self, id: &str) -> Reply {
        self.call(Method::GET, &["approvals", id, "receipt"], &[], None, &[]).await
    }

    /// `PUT /v1/integrations/{key}`.
    pub async fn put_integration(&self, key: &str, integration: &Value) -> Reply {
        self.call(Method::PUT, &["integrations", key], &[], Some(integration), &[]).await
    }

    /// `GET /v1/integrations/{key}`.
    pub async fn integration(&self, key: &str) -> Reply {
        self.call(Method::GET, &["integrations", key], &[], None, &[]).await
    }

    /// `GET /v1/integrations`.
    pub async fn integrations(&self, query: &[(&str, &str)]) -> Reply {
        self.call(Method::GET, &["integrations"], query, None, &[]).await
    }

    /// `PUT /v1/users/{user}/connections/{integration}`.
    pub async fn connect_user(&self, user: &str, integration: &str) -> Reply {
        self.call(Method::PUT, &["users", user, "connections", integration], &[], None, &[]).await
    }

    /// `DELETE /v1/users/{user}/connections/{integration}`.
    pub async fn disconnect_user(&self, user: &str, integration: &str) -> Reply {
        self.call(Method::DELETE, &["users", user, "connections", integration], &[], None, &[]).await
    }

    /// `POST /v1/conversations/{id}/close`.
    pub async fn close_conversation(&self, id: &str) -> Reply {
        self.call(Method::POST, &["conversations", id, "close"], &[], None, &[]).await
    }

    /// `GET /v1/webhook-deliveries`.
    pub async fn deliveries(&self, query: &[(&str, &str)]) -> Reply {
        self.call(Method::GET, &["webhook-deliveries"], query, None, &[]).await
    }

    /// `POST /v1/webhook-deliveries/{id}/redeliver`.
    pub async fn redeliver(&self, id: &str) -> Reply {
        self.call(Method::POST, &["webhook-deliveries", id, "redeliver"], &[], None, &[]).await
    }

    /// `GET /v1/audit`.
    pub async fn audit(&self, query: &[(&str, &str)]) -> Reply {
        self.call(Method::GET, &["audit"], query, None, &[]).await
    }

    /// `GET /v1/audit` as `application/x-ndjson`: see [`Reply::lines`].
    pub async fn audit_lines(&self, query: &[(&str, &str)]) -> Reply {
        let headers = [("accept", "application/x-ndjson")];
        self.call(Method::GET, &["audit"], query, None, &headers).await
    }

    /// The address of a path below `/v1`.
    pub(super) fn url(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Url, <Url as std::str::FromStr>::Err> {
        let mut url = Url::parse(&self.base_url)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// The key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Any call below `/v1`, path segment by segment, each percent-encoded here.
    pub async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let body = body.map(|body| (body.to_string(), "application/json"));
        self.send(method, path, query, body, headers).await
    }

    /// Any call below `/v1`, with any body and content type, for requests that a correct backend would not send.
    pub async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<(String, &str)>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let url = match self.url(path, query) {
            Ok(url) => url,
            Err(error) => return Reply::failed(&error),
        };
        let mut request = self.client.request(method, url);
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        if let Some((text, content_type)) = body {
            request = request.header("content-type", content_type).body(text);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::read(request.send().await).await
    }
}

fn to_json(ask: &Ask) -> Value {
    // An `Ask` contains only strings and JSON, so this cannot fail.
    serde_json::to_value(ask).unwrap_or_default()
}
