//! Slack: whether it answers, whose the tokens are, what they may do.

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio_util::task::TaskTracker;

use super::{Finding, Patient, database};
use crate::{
    app::{self, StartError},
    service::workspaces,
    slack::{client::Client, manifest},
};

/// How many installations are looked at.
const MOST: i64 = 20;

pub(super) async fn check(patient: &Patient, migrated: bool) -> Result<Vec<Finding>, StartError> {
    let mut findings = Vec::new();
    let slack = &patient.config.slack;
    let client = app::slack_client(slack, &patient.service, TaskTracker::new())?;
    let mut asked = false;
    if let Some(token) = &slack.slack_bot_token {
        asked = true;
        let fix = "copy \"Bot User OAuth Token\" from the app's OAuth & Permissions into SLACK_BOT_TOKEN";
        findings.extend(token_of(patient, "Slack token", None, token, fix).await);
    }
    if migrated && slack.slack_client_id.is_some() {
        findings.extend(installations(patient, &client, &mut asked).await);
    }
    if !asked {
        findings.push(reachable(patient).await);
    }
    if let Some(token) = &patient.config.slack_app_token {
        findings.push(app_token(patient, token).await);
    }
    Ok(findings)
}

async fn installations(patient: &Patient, client: &Client, asked: &mut bool) -> Vec<Finding> {
    let check = "installations";
    let workspaces = match workspaces::installed(&patient.service, MOST).await {
        Ok(workspaces) => workspaces,
        Err(error) => return vec![Finding::failed(check, error.to_string(), "see the database")],
    };
    if workspaces.is_empty() {
        let url = patient.config.public_url.as_deref().unwrap_or_default();
        return vec![Finding::warning(
            check,
            "the app is installed in no workspace yet",
            format!("open {url}/slack/install and allow it"),
        )];
    }
    let mut findings = Vec::new();
    for slack_id in &workspaces {
        match client.tokens().of(slack_id).await {
            Ok(token) => {
                *asked = true;
                let fix = "let an admin install the app there again";
                findings.extend(token_of(patient, check, Some(slack_id), &token, fix).await);
            }
            Err(error) => findings.push(Finding::failed(
                check,
                format!("{slack_id}: {error}"),
                "let an admin install the app there again",
            )),
        }
    }
    findings
}

async fn call(
    patient: &Patient,
    method: &str,
    token: Option<&SecretString>,
) -> Result<(HeaderMap, Value), String> {
    let url = format!("{}/{method}", patient.config.slack.slack_api_url);
    let mut request = patient.http.post(url);
    if let Some(token) = token {
        request = request.bearer_auth(token.expose_secret());
    }
    let response = request.send().await.map_err(|error| error.without_url().to_string())?;
    let headers = response.headers().clone();
    let status = response.status();
    let body = response.json().await.map_err(|_| format!("its answer is not JSON (HTTP status {status})"))?;
    Ok((headers, body))
}

async fn token_of(
    patient: &Patient,
    check: &'static str,
    workspace: Option<&str>,
    token: &SecretString,
    fix: &str,
) -> Vec<Finding> {
    let (headers, answer) = match call(patient, "auth.test", Some(token)).await {
        Ok(answered) => answered,
        Err(error) => return vec![unreachable(patient, &error)],
    };
    if answer["ok"] != true {
        let code = answer["error"].as_str().unwrap_or("nothing it could be understood by");
        let place = workspace.map(|workspace| format!("{workspace}: ")).unwrap_or_default();
        return vec![Finding::failed(check, format!("{place}Slack says {code}"), fix)];
    }
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    let mut findings =
        vec![Finding::ok(check, format!("{} in {} ({})", text("user"), text("team"), text("team_id")))];
    findings.push(scopes(&headers));
    findings.extend(time(patient, &headers));
    findings
}

fn scopes(headers: &HeaderMap) -> Finding {
    let granted = headers.get("x-oauth-scopes").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let granted: Vec<&str> = granted.split(',').map(str::trim).collect();
    let missing = |optional: bool| {
        let absent = manifest::SCOPES
            .iter()
            .filter(|scope| scope.optional == optional && !granted.contains(&scope.name))
            .map(|scope| format!("{} ({})", scope.name, scope.why));
        absent.collect::<Vec<_>>().join(", ")
    };
    let fix = "add it in the app's OAuth & Permissions, and install the app again";
    match (missing(false), missing(true)) {
        (needed, _) if !needed.is_empty() => Finding::failed("scopes", format!("missing: {needed}"), fix),
        (_, useful) if !useful.is_empty() => {
            Finding::warning("scopes", format!("without {useful}"), format!("if you want it: {fix}"))
        }
        _ => Finding::ok("scopes", "all that are needed"),
    }
}

/// Slack's clock, as its answers tell it.
fn time(patient: &Patient, headers: &HeaderMap) -> Option<Finding> {
    let date = headers.get("date").and_then(|value| value.to_str().ok())?;
    let theirs = DateTime::parse_from_rfc2822(date).ok()?.with_timezone(&Utc);
    Some(database::clock("clock", "Slack", patient.service.now(), theirs))
}

fn unreachable(patient: &Patient, error: &str) -> Finding {
    Finding::failed(
        "Slack",
        format!("it can't be reached: {error}"),
        format!("let this machine connect to {}", patient.config.slack.slack_api_url),
    )
}

/// Without any token to try, at least whether Slack answers.
async fn reachable(patient: &Patient) -> Finding {
    match call(patient, "api.test", None).await {
        Ok(_) => Finding::ok("Slack", "it answers"),
        Err(error) => unreachable(patient, &error),
    }
}

async fn app_token(patient: &Patient, token: &SecretString) -> Finding {
    let check = "Socket Mode";
    match call(patient, "apps.connections.open", Some(token)).await {
        Ok((_, answer)) if answer["ok"] == true => Finding::ok(check, "Slack gives an address to connect to"),
        Ok((_, answer)) => {
            let code = answer["error"].as_str().unwrap_or("nothing it could be understood by");
            Finding::failed(
                check,
                format!("Slack says {code}"),
                "turn Socket Mode on in the app's settings, and make SLACK_APP_TOKEN an App-Level Token with connections:write",
            )
        }
        Err(error) => unreachable(patient, &error),
    }
}
