//! The agent-backend API: one endpoint a file. Each parses, authenticates, calls one use case and answers.

pub mod approvals;
pub mod audit;
pub mod auth;
pub mod bounds;
pub mod connections;
pub mod conversations;
pub mod deliveries;
pub mod fields;
pub mod health;
pub mod integrations;
pub mod limits;
pub mod openapi;
pub mod page;
pub mod path;
pub mod problem;
pub mod query;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{sync::Semaphore, task::AbortHandle};
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    limits::Limits,
    problem::{Kind, Problem},
};
use crate::service::{Service, directory::Directory, endings::Endings};

/// The largest body that is read, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// What the endpoints need. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    /// The use cases.
    pub service: Service,
    /// Finds people by email.
    pub directory: Arc<dyn Directory>,
    /// Who waits for which approval.
    pub endings: Endings,
    /// The metrics' text.
    pub metrics: PrometheusHandle,
    /// How many requests a second a backend may make.
    pub limits: Limits,
    /// How many of those who wait may read at once.
    pub turns: Arc<Semaphore>,
    /// The worker of the outbox, without which nobody is asked and no backend is told.
    pub worker: AbortHandle,
    /// The service shuts down: nobody waits any longer.
    pub stop: CancellationToken,
}

/// All routes.
pub fn routes(api: Api) -> Router {
    let (router, document) = described();
    Router::new()
        .merge(router.with_state(api))
        .merge(openapi::routes(&document))
        .fallback(async || Problem::of(Kind::UnknownPath))
        .method_not_allowed_fallback(async || Problem::of(Kind::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(middleware::from_fn(bounds::in_time))
        .layer(middleware::from_fn(bounds::small_head))
        .layer(middleware::from_fn(observe))
}

/// The `OpenAPI` document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    described().1
}

/// The calls, with what the handlers say of themselves.
fn described() -> (Router<Api>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(approvals::ask::ask, approvals::list::list))
        .routes(routes!(approvals::get::get))
        .routes(routes!(approvals::events::events))
        .routes(routes!(approvals::cancel::cancel))
        .routes(routes!(integrations::list))
        .routes(routes!(integrations::put, integrations::get))
        .routes(routes!(connections::connect, connections::disconnect))
        .routes(routes!(conversations::close))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::redeliver))
        .routes(routes!(audit::list))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .split_for_parts()
}

/// Counts and times every call by its route, and refuses `HEAD`: a link's preview must find nothing to do.
async fn observe(request: Request, next: Next) -> Response {
    if request.method() == Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let route = request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let started = std::time::Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let labels = [("method", method), ("route", route), ("status", status)];
    metrics::histogram!("countersign_http_request_seconds", &labels).record(started.elapsed().as_secs_f64());
    response
}
