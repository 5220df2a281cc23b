//! `Authorization: Bearer cs_…` (RFC 6750).

use axum::http::{HeaderMap, header};
use tracing::field::display;

use super::{
    problem::{Kind, Problem},
    query::Query,
};
use crate::{
    api::{
        limits::{Party, PresentedKey},
        state::Api,
    },
    domain::{api_keys::KeyScope, rejection::Rejection},
    service::{
        ServiceError,
        authenticate::{self, AdminCaller, AdminKey, ApiKey, Caller},
    },
};

/// A key as a request presents it. Whether it is valid is checked later.
#[derive(Debug)]
pub enum Presented {
    /// Of a backend or of one of its users.
    Caller(ApiKey),
    /// Of a workspace, for the admin API.
    Admin(AdminKey),
}

/// Parses the key in the request.
pub fn presented(headers: &HeaderMap) -> Result<Presented, Problem> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim());
    token
        .and_then(|token| {
            let admin = || AdminKey::parse(token).map(Presented::Admin);
            ApiKey::parse(token).map(Presented::Caller).or_else(admin)
        })
        .ok_or_else(|| Problem::new(Kind::Unauthenticated))
}

/// Parses the key of a backend or of one of its users. An admin key can't make their calls.
pub fn api_key(headers: &HeaderMap) -> Result<ApiKey, Problem> {
    match presented(headers)? {
        Presented::Caller(key) => Ok(key),
        Presented::Admin(_) => Err(Problem::new(Kind::WrongKey)
            .because("This is an admin key; the call needs an API key of a backend (cs_…).")),
    }
}

/// Authenticates a program of the operator, and counts the request. The key of a backend can't make its calls.
pub async fn admin(api: &Api, headers: &HeaderMap) -> Result<AdminCaller, Problem> {
    let Presented::Admin(key) = presented(headers)? else {
        return Err(Problem::new(Kind::WrongKey)
            .because("This is an API key of a backend; the call needs an admin key (csa_…)."));
    };
    admit(api, &key)?;
    let _turn = if api.limits.knows(&key) { None } else { Some(api.unknown_keys.turn().await?) };
    let caller = authenticate::authenticate_admin(&api.service, &key).await;
    let caller = caller.inspect_err(|failure| forget_refused(api, &key, failure))?;
    api.limits.learn(&key, Party::Admins(caller.workspace()));
    tracing::Span::current().record("workspace", display(caller.workspace()));
    Ok(caller)
}

/// Like [`admin`], but refuses all query parameters: for calls that take none.
pub async fn admin_without_query(
    api: &Api,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<AdminCaller, Problem> {
    let caller = admin(api, headers).await?;
    Query::read(query).finish()?;
    Ok(caller)
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
    api.limits.learn(key, Party::Caller(caller.own().clone()));
    let span = tracing::Span::current();
    span.record("workspace", display(caller.workspace())).record("backend", display(caller.own().backend()));
    Ok(caller)
}

/// Forgets a key that is no longer valid, so that it counts as unknown.
pub fn forget_refused(api: &Api, key: &impl PresentedKey, failure: &ServiceError) {
    if matches!(failure, ServiceError::Rejected(Rejection::Unauthenticated)) {
        api.limits.forget(key);
    }
}

/// Refuses a request that exceeds the backend's limit per second.
pub fn admit(api: &Api, key: &impl PresentedKey) -> Result<(), Problem> {
    api.limits.admit(key).map_err(|seconds| Problem::new(Kind::TooManyRequests).after(seconds))
}
