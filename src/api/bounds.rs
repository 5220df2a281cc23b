//! Limits for every call: the size of its headers, and its duration.

use std::time::Duration;

use axum::{
    extract::Request,
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::problem::{Kind, Problem};

/// The largest path, query and headers together, in bytes.
const LARGEST_HEAD: usize = 16 * 1024;
/// Time limit of a call, including its body, but without the wait for a decision.
const LIMIT: Duration = Duration::from_secs(15);

/// Refuses a head that is too large.
pub async fn small_head(request: Request, next: Next) -> Response {
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if headers + target > LARGEST_HEAD {
        return Problem::new(Kind::HeadTooLarge).into_response();
    }
    next.run(request).await
}

/// Ends a call that takes too long. The response says that its change may have been saved.
pub async fn in_time(request: Request, next: Next) -> Response {
    let reads = request.method() == Method::GET;
    let ended = tokio::time::timeout(LIMIT, next.run(request)).await;
    ended.unwrap_or_else(|_| {
        tracing::error!("Call timed out");
        let kind = if reads { Kind::Unavailable } else { Kind::Unclear };
        Problem::new(kind).after(1).into_response()
    })
}
