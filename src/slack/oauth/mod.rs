//! Installs the app into any number of workspaces (<https://docs.slack.dev/authentication/installing-with-oauth>):
//! `/slack/install` redirects the browser to Slack's page, which redirects it back to `/slack/oauth/callback`.

mod begin;
mod browser;
mod callback;
pub mod config;
mod exchanges;
mod pages;

use std::sync::Arc;

use axum::{Router, routing::get};

use crate::{
    service::Service,
    slack::{
        oauth::{
            config::{CALLBACK, Config, INSTALL, Install},
            exchanges::Exchanges,
        },
        web_api::client::Client,
    },
};

/// The routes for browsers.
pub fn routes(service: Service, client: Client, config: Config) -> Router {
    let install = Install { service, client, config: Arc::new(config), exchanges: Exchanges::default() };
    Router::new()
        .route(INSTALL, get(begin::begin))
        .route(CALLBACK, get(callback::callback))
        .with_state(install)
}
