//! `Authorization: Bearer cs_…` (RFC 6750).

use axum::http::{HeaderMap, header};
use tracing::field::display;

use super::{
    problem::{Kind, Problem},
    query::Query,
};
use crate::{
    api::state::Api,
    domain::{api_keys::KeyScope, rejection::Rejection},
    service::{
        ServiceError,
        authenticate::{self, ApiKey, Caller},
    },
};

/// Reads the key that a call presents. Whether it is a valid one is judged later.
pub fn api_key(headers: &HeaderMap) -> Result<ApiKey, Problem> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, key)| ApiKey::parse(key.trim()))
        .ok_or_else(|| Problem::of(Kind::Unauthenticated))
}

/// Authenticates the caller, and checks that the key has this scope.
pub async fn caller(api: &Api, headers: &HeaderMap, needed: KeyScope) -> Result<Caller, Problem> {
    let key = api_key(headers)?;
    admit(api, &key)?;
    whose(api, &key, needed).await
}

/// The same, and refuses every parameter of the query: for calls that take none.
pub async fn caller_without_query(
    api: &Api,
    headers: &HeaderMap,
    query: Option<&str>,
    needed: KeyScope,
) -> Result<Caller, Problem> {
    let caller = caller(api, headers, needed).await?;
    Query::read(query).finish()?;
    Ok(caller)
}

/// Authenticates the caller of an admitted request, and checks that the key has this scope.
pub async fn whose(api: &Api, key: &ApiKey, needed: KeyScope) -> Result<Caller, Problem> {
    let _turn = if api.limits.knows(key) { None } else { Some(api.strangers.turn().await?) };
    let caller = authenticate::authenticate(&api.service, key, needed).await;
    let caller = caller.inspect_err(|failure| forget_refused(api, key, failure))?;
    api.limits.learn(key, caller.backend);
    let span = tracing::Span::current();
    span.record("workspace", display(caller.workspace)).record("backend", display(caller.backend));
    Ok(caller)
}

/// Treats a key that is no longer valid as unknown again.
pub fn forget_refused(api: &Api, key: &ApiKey, failure: &ServiceError) {
    if matches!(failure, ServiceError::Rejected(Rejection::Unauthenticated)) {
        api.limits.forget(key);
    }
}

/// Refuses a request beyond what the key's backend may make a second.
pub fn admit(api: &Api, key: &ApiKey) -> Result<(), Problem> {
    api.limits.admit(key).map_err(|seconds| Problem::of(Kind::TooManyRequests).after(seconds))
}
