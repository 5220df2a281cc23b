//! `GET /slack/install`.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    service::install,
    slack::{
        oauth::{browser, config::Install, pages::failed},
        view::install::InstallError,
    },
};

/// Redirects the browser to Slack's page with a state that works once, in this browser, for ten minutes.
pub(super) async fn begin(State(install): State<Install>, headers: HeaderMap) -> Response {
    let service = &install.service;
    // A second tab reuses the first one's cookie, so that the user can finish in either.
    let browser = browser::known(&headers).map_or_else(|| browser::new_id(&service.entropy), str::to_owned);
    let state = install::begin(service, &browser);
    let cookie = browser::set(&browser, install::STATE_LIFE.num_seconds(), &install.config.public_url);
    let location = HeaderValue::from_str(&install.config.authorize_url(&state)).ok();
    let (Some(cookie), Some(location)) = (cookie, location) else {
        return failed(&install.config, InstallError::Misconfigured);
    };
    let headers = [
        (header::LOCATION, location),
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::FOUND, headers).into_response()
}
