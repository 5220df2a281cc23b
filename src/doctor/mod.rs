//! Looks at everything that has to be right for the service to work, and says of what isn't how to put it right.
//!
//! It changes nothing, and can run beside the service.

mod api_keys;
mod database;
mod reach;
mod slack;
mod webhooks;

use serde::Serialize;

use crate::{
    app::{self, StartError},
    clock::Clock,
    config::ServeConfig,
    entropy::Entropy,
    service::Service,
};

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and could be better; or it could not be looked at.
    Warning,
    /// It does not work.
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What: `database`, `scopes`, …
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Ok, found: found.into(), fix: None }
    }

    fn warning(check: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, state: State::Warning, found: found.into(), fix: Some(fix.into()) }
    }

    fn failed(check: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, state: State::Failed, found: found.into(), fix: Some(fix.into()) }
    }
}

/// What the checks need.
struct Patient {
    config: ServeConfig,
    service: Service,
    /// Speaks with Slack as the service does.
    slack: reqwest::Client,
    /// Speaks with the service itself, as its callers do.
    http: reqwest::Client,
}

/// How long whoever is asked may take.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// Looks at everything, in the order in which things depend on each other.
pub async fn examine(
    config: ServeConfig,
    clock: Clock,
    entropy: Entropy,
) -> Result<Vec<Finding>, StartError> {
    let service = app::service(&config.database, 2, clock, entropy)?;
    let slack = app::slack_http(&config.slack)?;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(LIMIT)
        .user_agent(concat!("countersign-doctor/", env!("CARGO_PKG_VERSION")))
        .build()?;
    let patient = Patient { config, service, slack, http };
    let mut findings = configuration(&patient);
    let (more, migrated) = database::check(&patient).await;
    findings.extend(more);
    findings.extend(slack::check(&patient, migrated).await);
    findings.extend(reach::check(&patient).await);
    if migrated {
        findings.extend(api_keys::check(&patient).await);
        findings.extend(webhooks::check(&patient).await);
    }
    Ok(findings)
}

fn configuration(patient: &Patient) -> Vec<Finding> {
    let config = &patient.config;
    let mut findings = Vec::new();
    findings.push(match config.check() {
        Ok(()) => {
            let from = match (&config.slack.slack_bot_token, config.oauth()) {
                (Some(_), None) => "one workspace, by SLACK_BOT_TOKEN",
                (None, Some(_)) => "many workspaces, installed by OAuth",
                _ => "one workspace by SLACK_BOT_TOKEN, and others by OAuth",
            };
            let by = if config.slack_app_token.is_some() { "Socket Mode" } else { "HTTP" };
            Finding::ok("configuration", format!("{from}; Slack sends by {by}"))
        }
        Err(error) => {
            let text = error.to_string();
            let (found, fix) = text.split_once(": ").unwrap_or((&text, "set what is missing"));
            Finding::failed("configuration", found, fix)
        }
    });
    if !config.database.has_encryption_key() {
        findings.push(Finding::warning(
            "encryption",
            "COUNTERSIGN_ENCRYPTION_KEY is not set: secrets are stored as they are",
            "make a key with `openssl rand -base64 32`, set it, and run `countersign encryption rotate`",
        ));
    }
    findings
}
