//! The API, one endpoint a file. Each one parses, authenticates, calls one use case and responds.

pub mod admin;
pub mod approvals;
pub mod audit;
pub mod audit_log;
pub mod auth;
pub mod body;
pub mod body_memory;
pub mod bounds;
pub mod connections;
pub mod conversations;
pub mod deliveries;
pub mod fields;
pub mod health;
pub mod hooks;
pub mod integrations;
pub mod jwks;
pub mod limits;
pub mod openapi;
pub mod page;
pub mod path;
pub mod problem;
pub mod query;
pub mod state;
pub mod unknown_keys;
pub mod waiters;

use std::panic::AssertUnwindSafe;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;
use tracing::{Instrument as _, field::Empty};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{
        problem::{Kind, Problem},
        state::Api,
    },
    server::later::Later,
};

/// All routes.
pub fn routes(api: Api) -> Router {
    let (router, document) = described();
    let behind = Router::new()
        .merge(router.with_state(api))
        .merge(openapi::routes(&document))
        .fallback(async || Problem::new(Kind::UnknownPath))
        .method_not_allowed_fallback(async || Problem::new(Kind::MethodNotAllowed))
        .layer(middleware::from_fn(bounds::in_time))
        .layer(middleware::from_fn(bounds::small_head))
        .layer(middleware::from_fn(observe));
    // This must wrap the router: inside it, axum has already matched HEAD to a GET route.
    Router::new().fallback_service(behind).layer(middleware::from_fn(without_head))
}

/// The `OpenAPI` document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    described().1
}

/// The routes, and the document from their handlers' annotations.
fn described() -> (Router<Api>, utoipa::openapi::OpenApi) {
    let (routes, mut document) = OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(approvals::ask::ask, approvals::list::list))
        .routes(routes!(approvals::get::get))
        .routes(routes!(approvals::events::events))
        .routes(routes!(approvals::cancel::cancel))
        .routes(routes!(approvals::permit::take))
        .routes(routes!(approvals::result::report))
        .routes(routes!(approvals::receipt::receipt))
        .routes(routes!(hooks::claude_code::decide))
        .routes(routes!(integrations::list))
        .routes(routes!(integrations::put, integrations::get))
        .routes(routes!(connections::connect, connections::disconnect))
        .routes(routes!(conversations::close))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::redeliver))
        .routes(routes!(audit::list))
        .routes(routes!(audit_log::checkpoint))
        .routes(routes!(audit_log::proof))
        .routes(routes!(audit_log::consistency))
        .routes(routes!(admin::grants::list))
        .routes(routes!(admin::revoke_grant::revoke))
        .routes(routes!(admin::revoke_grants::revoke))
        .routes(routes!(admin::actions::list))
        .routes(routes!(admin::action::get))
        .routes(routes!(admin::unlock_action::unlock))
        .routes(routes!(admin::lock_action::lock))
        .routes(routes!(admin::unlock_read_only::unlock))
        .routes(routes!(admin::backends::list))
        .routes(routes!(admin::deliveries::list))
        .routes(routes!(admin::redeliver::redeliver))
        .routes(routes!(admin::delegations::list))
        .routes(routes!(admin::end_delegation::end))
        .routes(routes!(admin::pauses::list, admin::pause::pause))
        .routes(routes!(admin::resume::resume))
        .routes(routes!(admin::stats::get))
        .routes(routes!(jwks::keys))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .split_for_parts();
    openapi::tidy::tidy(&mut document);
    (routes, document)
}

/// Treats `HEAD` as an unsupported method, and leaves it out of `Allow`. A link preview that sends `HEAD` must have no
/// effect.
async fn without_head(mut request: Request, next: Next) -> Response {
    if request.method() == Method::HEAD {
        // No route supports TRACE.
        *request.method_mut() = Method::TRACE;
    }
    let mut response = next.run(request).await;
    if let Some(allowed) = response.headers().get(header::ALLOW).and_then(|value| value.to_str().ok()) {
        let others: Vec<&str> = allowed.split(',').map(str::trim).filter(|name| *name != "HEAD").collect();
        if let Ok(value) = HeaderValue::from_str(&others.join(", ")) {
            response.headers_mut().insert(header::ALLOW, value);
        }
    }
    response
}

/// Counts and times every call by its route.
async fn observe(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let method = label(request.method());
    // Authentication and the handlers fill in the empty ids.
    let span = tracing::info_span!(
        "request",
        method,
        route,
        workspace = Empty,
        backend = Empty,
        approval = Empty,
        user = Empty
    );
    let started = std::time::Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let record = move |response: &Response| {
        let status = response.status().as_u16().to_string();
        let labels = [("method", method.to_owned()), ("route", route), ("status", status)];
        let taken = started.elapsed().as_secs_f64();
        metrics::histogram!("countersign_http_request_seconds", &labels).record(taken);
    };
    match Later::take(&mut response) {
        Some(Later::Whole(whole)) => {
            let whole = async move {
                let response = AssertUnwindSafe(whole).catch_unwind().await;
                let response = response.unwrap_or_else(|_| {
                    tracing::error!("Handler panicked");
                    Problem::new(Kind::Internal).into_response()
                });
                record(&response);
                response
            };
            Later::response(whole.instrument(span))
        }
        Some(Later::Rest(rest)) => {
            record(&response);
            Later::stream(response, rest)
        }
        None => {
            record(&response);
            response
        }
    }
}

/// The method as a metric label. Clients may send any word as method (RFC 9110, section 9.1), and each would create a
/// time series.
const fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
