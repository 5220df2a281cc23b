//! Checks everything that the service needs, and says how to fix what is wrong.
//!
//! It changes nothing, and can run beside the service.

mod api_keys;
mod context;
mod database;
pub mod finding;
mod pauses;
mod reach;
mod signing;
mod slack;
mod webhooks;

use crate::{
    app::{self, StartError},
    clock::Clock,
    config::ServeConfig,
    doctor::{
        context::{DoctorContext, LIMIT},
        finding::Finding,
    },
    entropy::Entropy,
};

/// Runs all checks. Those on which others depend come first.
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
    let context = DoctorContext { config, service, slack, http };
    let mut findings = configuration(&context);
    let (more, migrated) = database::check(&context).await;
    findings.extend(more);
    findings.extend(slack::check(&context, migrated).await);
    findings.extend(reach::check(&context).await);
    if migrated {
        findings.extend(api_keys::check(&context).await);
        findings.push(signing::check(&context).await);
        findings.extend(pauses::check(&context).await);
        findings.extend(webhooks::check(&context).await);
    }
    Ok(findings)
}

fn configuration(context: &DoctorContext) -> Vec<Finding> {
    let config = &context.config;
    let mut findings = Vec::new();
    for fault in config.faults() {
        let text = fault.to_string();
        let (found, fix) = text.split_once(": ").unwrap_or((&text, "set what is missing"));
        findings.push(Finding::failed("configuration", found, fix));
    }
    if findings.is_empty() {
        let from = match (&config.slack.slack_bot_token, config.oauth()) {
            (Some(_), None) => "one workspace, by SLACK_BOT_TOKEN",
            (None, Some(_)) => "many workspaces, installed by OAuth",
            _ => "one workspace by SLACK_BOT_TOKEN, and others by OAuth",
        };
        let by = if config.slack_app_token.is_some() { "Socket Mode" } else { "HTTP" };
        findings.push(Finding::ok("configuration", format!("{from}; Slack sends by {by}")));
    }
    if !config.database.has_encryption_key() {
        findings.push(Finding::warning(
            "encryption",
            "COUNTERSIGN_ENCRYPTION_KEY is not set: secrets are stored unencrypted",
            "create a key with `openssl rand -base64 32`, set it, and run `countersign encryption rotate`",
        ));
    }
    findings
}
