//! `GET /slack/oauth/callback`: Slack's page redirects the browser here.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use crate::{
    service::install::{self, Installation, StateFault},
    slack::{
        oauth::{
            browser,
            config::Install,
            pages::{failed, page},
        },
        scopes,
        view::install::{InstallError, Installed, installed},
        web_api::{
            error::{CallError, Reason},
            oauth_access::{Exchange, Granted},
        },
    },
};

/// Checks the state, exchanges the code, and stores the installation.
pub(super) async fn callback(
    State(install): State<Install>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match finish(&install, query.as_deref().unwrap_or_default(), &headers).await {
        Ok(granted) => {
            let missing = missing(&granted);
            let shown = Installed {
                name: &granted.name,
                slack_id: &granted.slack_id,
                app_id: granted.app_id.as_deref(),
                org_wide: granted.slack_id.starts_with('E'),
                missing: &missing,
            };
            page(StatusCode::OK, installed(&shown))
        }
        Err(error) => failed(&install.config, error),
    }
}

async fn finish(install: &Install, query: &str, headers: &HeaderMap) -> Result<Granted, InstallError> {
    let field = |wanted: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let service = &install.service;
    let state = field("state").ok_or(InstallError::Stale)?;
    let state = match install::check_state(service, &state, browser::known(headers)).await {
        Ok(state) => state.map_err(refused)?,
        Err(failure) => {
            tracing::error!(%failure, "Could not look up an OAuth state");
            return Err(InstallError::OursDown);
        }
    };
    if let Some(error) = field("error") {
        if error == "access_denied" {
            return Err(InstallError::Declined);
        }
        tracing::error!(error, "Installation refused by Slack");
        return Err(InstallError::Misconfigured);
    }
    let code = field("code").ok_or(InstallError::Stale)?;
    let granted = exchange(install, &code).await?;
    let installation = Installation {
        slack_id: granted.slack_id.clone(),
        name: granted.name.clone(),
        tokens: granted.tokens.clone(),
    };
    let stored = install::install(service, &installation, &state).await.map_err(|failure| {
        tracing::error!(%failure, "Could not store an installation");
        InstallError::OursDown
    })?;
    stored.map_err(refused)?;
    install.client.tokens().forget_installation(&granted.slack_id);
    let missing = missing(&granted);
    if !missing.is_empty() {
        tracing::warn!(
            workspace = granted.slack_id,
            ?missing,
            "Slack granted fewer scopes than the app needs"
        );
    }
    tracing::info!(workspace = granted.slack_id, "App installed in a workspace");
    Ok(granted)
}

fn refused(fault: StateFault) -> InstallError {
    tracing::warn!(%fault, "Installation refused");
    match fault {
        StateFault::Expired => InstallError::Late,
        StateFault::Unknown | StateFault::OtherBrowser => InstallError::Stale,
    }
}

/// The scopes that the app needs and was not granted.
fn missing(granted: &Granted) -> Vec<&'static str> {
    let is_missing = |scope: &&str| !granted.scopes.iter().any(|granted| granted == scope);
    scopes::required_scopes().filter(is_missing).collect()
}

async fn exchange(install: &Install, code: &str) -> Result<Granted, InstallError> {
    let config = &install.config;
    let redirect_uri = config.redirect_uri();
    let exchange = Exchange::Code { code, redirect_uri: &redirect_uri };
    let _slot = install.exchanges.slot().await.ok_or_else(|| {
        tracing::warn!("Installation refused: too many in progress");
        InstallError::Busy
    })?;
    let granted = install.client.tokens().access(&config.credentials, exchange).await;
    granted.map_err(|error| {
        tracing::error!(%error, "Could not exchange an OAuth code");
        match error {
            CallError::Refused(refusal) if refusal.reason == Reason::AuthorizationCode => {
                InstallError::CodeRefused
            }
            CallError::Refused(_) => InstallError::Misconfigured,
            _ => InstallError::SlackDown,
        }
    })
}
