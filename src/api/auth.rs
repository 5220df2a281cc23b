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

/// Parses the key in the request. Whether it is valid is checked later.
pub fn api_key(headers: &HeaderMap) -> Result<ApiKey, Problem> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, key)| ApiKey::parse(key.trim()))
        .ok_or_else(|| Problem::new(Kind::Unauthenticated))
}

/// Authenticates the caller, counts the request, and checks that the key has this scope.
pub async fn caller(api: &Api, headers: &HeaderMap, needed: KeyScope) -> Result<Caller, Problem> {
    let key = api_key(headers)?;
    admit(api, &key)?;
    whose(api, &key, needed).await
}

/// Like [`caller`], but refuses all query parameters: for calls that take none.
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

/// Authenticates the caller of a request that was counted already, and checks that the key has this scope.
pub async fn whose(api: &Api, key: &ApiKey, needed: KeyScope) -> Result<Caller, Problem> {
    let _turn = if api.limits.knows(key) { None } else { Some(api.unknown_keys.turn().await?) };
    let caller = authenticate::authenticate(&api.service, key, needed).await;
    let caller = caller.inspect_err(|failure| forget_refused(api, key, failure))?;
    api.limits.learn(key, caller.own().clone());
    let span = tracing::Span::current();
    span.record("workspace", display(caller.workspace())).record("backend", display(caller.own().backend()));
    Ok(caller)
}

/// Forgets a key that is no longer valid, so that it counts as unknown.
pub fn forget_refused(api: &Api, key: &ApiKey, failure: &ServiceError) {
    if matches!(failure, ServiceError::Rejected(Rejection::Unauthenticated)) {
        api.limits.forget(key);
    }
}

/// Refuses a request that exceeds the backend's limit per second.
pub fn admit(api: &Api, key: &ApiKey) -> Result<(), Problem> {
    api.limits.admit(key).map_err(|seconds| Problem::new(Kind::TooManyRequests).after(seconds))
}
