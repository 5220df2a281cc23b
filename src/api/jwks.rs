//! `GET /.well-known/jwks.json`: the public keys that verify receipts.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use crate::{
    api::{
        problem::{Kind, Problem, responses::Keys},
        state::Api,
    },
    service::{
        ServiceError,
        signing::{self, PUBLISHED_FOR},
    },
    wire::examples,
};

/// Every key that signed receipts, and the next one. The first is made when it is first needed.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "get_signing_keys", tag = "approvals",
    summary = "The public keys that verify receipts",
    description = "A JWK set (RFC 7517). Keys stay in it after they were rotated out, so that old receipts can be verified. \
        A new key is published ten minutes before it signs: keep the set no longer than `Cache-Control` says.",
    responses(
        (status = 200, description = "The keys.", body = Value, content_type = "application/jwk-set+json", example = json!(examples::keys())),
        Keys,
    ),
)]
pub async fn keys(State(api): State<Api>) -> Result<Response, Problem> {
    let keys = signing::published(&api.service, &*api.signing).await.map_err(key_problem)?;
    let keys: Vec<Value> = keys.iter().map(crate::jose::keys::PublicKey::jwk).collect();
    let kept = format!("public, max-age={}", PUBLISHED_FOR.num_seconds());
    let headers =
        [(header::CONTENT_TYPE, "application/jwk-set+json".to_owned()), (header::CACHE_CONTROL, kept)];
    Ok((headers, json!({ "keys": keys }).to_string()).into_response())
}

/// Why no key could be read, or why it did not sign.
pub(in crate::api) fn key_problem(failure: ServiceError) -> Problem {
    if matches!(failure, ServiceError::Sealed(_)) {
        tracing::error!(%failure, "Could not sign a receipt");
        return Problem::new(Kind::NoSigningKey).after(60);
    }
    failure.into()
}
