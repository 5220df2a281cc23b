//! Checks Slack: whether it responds, which workspaces the tokens belong to, and their scopes.

use std::time::Duration;

use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::{
    doctor::{
        context::{DoctorContext, LIMIT},
        database,
        finding::Finding,
    },
    service::{ServiceError, tokens, workspaces},
    slack::{
        inbound::socket,
        scopes,
        web_api::{cause::cause, dialer::Dialer, error::CallError},
    },
};

const SOCKET: &str = "apps.connections.open";
/// The most installations that are checked.
const MOST: usize = 20;
/// The service replaces a token that expires this soon.
const SOON: TimeDelta = TimeDelta::hours(1);

pub(super) async fn check(context: &DoctorContext, migrated: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let slack = &context.config.slack;
    let mut asked = false;
    if let Some(token) = &slack.slack_bot_token {
        asked = true;
        let fix = "copy \"Bot User OAuth Token\" from the app's OAuth & Permissions into SLACK_BOT_TOKEN";
        findings.extend(token_of(context, "Slack token", None, token, fix).await);
    }
    if migrated && slack.slack_client_id.is_some() {
        findings.extend(installations(context, &mut asked).await);
    }
    if !asked {
        findings.push(reachable(context).await);
    }
    if let Some(token) = &context.config.slack_app_token {
        findings.push(app_token(context, token).await);
    }
    findings
}

async fn installations(context: &DoctorContext, asked: &mut bool) -> Vec<Finding> {
    let check = "installations";
    let most = i64::try_from(MOST).unwrap_or(i64::MAX).saturating_add(1);
    let workspaces = match workspaces::installed(&context.service, most).await {
        Ok(workspaces) => workspaces,
        Err(error) => return vec![unreadable(check, &error)],
    };
    if workspaces.is_empty() {
        let url = context.config.public_url.as_deref().unwrap_or_default();
        return vec![Finding::warning(
            check,
            "the app is not installed in any workspace yet",
            format!("open {url}/slack/install and allow it"),
        )];
    }
    let mut findings = Vec::new();
    for slack_id in workspaces.iter().take(MOST) {
        findings.extend(installation(context, check, slack_id, asked).await);
    }
    if workspaces.len() > MOST {
        findings.push(Finding::ok(check, format!("only the first {MOST} workspaces were checked")));
    }
    findings
}

/// Tests the stored token as it is. An expired one is left to the service: a refresh token works only once, and its
/// successor would be lost with this process.
async fn installation(
    context: &DoctorContext,
    check: &'static str,
    slack_id: &str,
    asked: &mut bool,
) -> Vec<Finding> {
    let now = context.service.now();
    let tokens = match tokens::find(&context.service, slack_id).await {
        Ok(Some(tokens)) => tokens,
        Ok(None) => return vec![Finding::ok(check, format!("{slack_id}: the app has just been removed"))],
        Err(error) => return vec![unreadable(check, &error)],
    };
    let rotates = tokens.expires_at.filter(|_| tokens.refresh.is_some());
    if rotates.is_some_and(|expires_at| now >= expires_at) {
        return vec![Finding::warning(
            check,
            format!("{slack_id}: its token has expired"),
            "nothing, if `countersign serve` runs: it refreshes the token when it needs it",
        )];
    }
    *asked = true;
    let mut findings =
        token_of(context, check, Some(slack_id), &tokens.bot, "ask an admin to install the app there again")
            .await;
    if rotates.is_some_and(|expires_at| now >= expires_at - SOON) {
        findings.push(Finding::ok(
            check,
            format!("{slack_id}: its token expires soon; `countersign serve` replaces it"),
        ));
    }
    findings
}

/// The finding for stored tokens that can't be read.
fn unreadable(check: &'static str, error: &ServiceError) -> Finding {
    let fix = match error {
        ServiceError::Sealed(_) => "add the missing key to COUNTERSIGN_ENCRYPTION_KEY, after a comma",
        _ => "look at the database's own findings above",
    };
    Finding::failed(check, error.to_string(), fix)
}

async fn call(
    context: &DoctorContext,
    method: &str,
    token: Option<&SecretString>,
) -> Result<(HeaderMap, Value), String> {
    let url = format!("{}/{method}", context.config.slack.slack_api_url);
    let mut request = context.slack.post(url).timeout(LIMIT);
    if let Some(token) = token {
        request = request.bearer_auth(token.expose_secret());
    }
    let response = request.send().await.map_err(|error| cause(&error))?;
    let headers = response.headers().clone();
    let status = response.status();
    let body = response.json().await.map_err(|_| format!("its answer is not JSON (HTTP status {status})"))?;
    Ok((headers, body))
}

async fn token_of(
    context: &DoctorContext,
    check: &'static str,
    workspace: Option<&str>,
    token: &SecretString,
    fix: &str,
) -> Vec<Finding> {
    let (headers, answer) = match call(context, "auth.test", Some(token)).await {
        Ok(answered) => answered,
        Err(error) => return vec![unreachable(context, &error)],
    };
    if answer["ok"] != true {
        let place = workspace.map(|workspace| format!("{workspace}: ")).unwrap_or_default();
        return vec![refused(check, &place, "auth.test", &headers, &answer, fix)];
    }
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    let place = format!("{} ({})", text("team"), text("team_id"));
    let mut findings = vec![Finding::ok(check, format!("{} in {place}", text("user")))];
    findings.push(scopes(&headers, &place));
    findings.extend(time(context, &headers));
    findings
}

/// Slack refused. Only a final error code is the token's fault; a temporary one says nothing about the token.
fn refused(
    check: &'static str,
    place: &str,
    method: &str,
    headers: &HeaderMap,
    answer: &Value,
    fix: &str,
) -> Finding {
    let error = match CallError::of_answer(method, answer) {
        CallError::RateLimited(_) => {
            let seconds = headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            CallError::limited(seconds.map(Duration::from_secs))
        }
        error => error,
    };
    match &error {
        CallError::Refused(_) => Finding::failed(check, format!("{place}{error}"), fix),
        CallError::MissingScope(scope) => {
            let found = format!("{place}Slack says missing_scope: the token lacks {scope}");
            let bots = format!("add {scope} in the app's OAuth & Permissions, and install the app again");
            // An app-level token gets its scopes in another place than the bot.
            Finding::failed(check, found, if method == SOCKET { fix.to_owned() } else { bots })
        }
        _ => Finding::warning(check, format!("{place}{error}"), "run `countersign doctor` again later"),
    }
}

fn scopes(headers: &HeaderMap, place: &str) -> Finding {
    let Some(granted) = headers.get("x-oauth-scopes").and_then(|value| value.to_str().ok()) else {
        let needed: Vec<_> = scopes::required_scopes().collect();
        return Finding::warning(
            "scopes",
            format!("{place}: Slack did not say which scopes the token has"),
            format!(
                "check the app's OAuth & Permissions: it needs {}. A proxy may have removed the header x-oauth-scopes",
                needed.join(", ")
            ),
        );
    };
    let granted: Vec<&str> = granted.split(',').map(str::trim).collect();
    let missing = |optional: bool| {
        let absent = scopes::SCOPES
            .iter()
            .filter(|scope| scope.optional == optional && !granted.contains(&scope.name))
            .map(|scope| format!("{} ({})", scope.name, scope.why));
        absent.collect::<Vec<_>>().join(", ")
    };
    let fix = "add it in the app's OAuth & Permissions, and install the app again";
    match (missing(false), missing(true)) {
        (needed, _) if !needed.is_empty() => {
            Finding::failed("scopes", format!("{place} lacks {needed}"), fix)
        }
        (_, useful) if !useful.is_empty() => Finding::warning(
            "scopes",
            format!("{place} lacks the optional {useful}"),
            format!("if you want it: {fix}"),
        ),
        _ => Finding::ok("scopes", format!("{place} has granted all required scopes")),
    }
}

/// Slack's clock, from the `Date` header of its responses.
fn time(context: &DoctorContext, headers: &HeaderMap) -> Option<Finding> {
    let date = headers.get("date").and_then(|value| value.to_str().ok())?;
    let theirs = DateTime::parse_from_rfc2822(date).ok()?.with_timezone(&Utc);
    Some(database::clock("clock", "Slack", context.service.now(), theirs))
}

fn unreachable(context: &DoctorContext, error: &str) -> Finding {
    Finding::failed(
        "Slack",
        format!("it can't be reached: {error}"),
        if context.config.slack.slack_proxy.is_some() {
            format!(
                "let the proxy in COUNTERSIGN_SLACK_PROXY connect to {}",
                context.config.slack.slack_api_url
            )
        } else {
            format!(
                "let this machine connect to {}, or set COUNTERSIGN_SLACK_PROXY",
                context.config.slack.slack_api_url
            )
        },
    )
}

/// Without a token, checks at least whether Slack responds.
async fn reachable(context: &DoctorContext) -> Finding {
    match call(context, "api.test", None).await {
        Ok(_) => Finding::ok("Slack", "it answers"),
        Err(error) => unreachable(context, &error),
    }
}

async fn app_token(context: &DoctorContext, token: &SecretString) -> Finding {
    let check = "Socket Mode";
    match call(context, SOCKET, Some(token)).await {
        Ok((_, answer)) if answer["ok"] == true => {
            connection(context, check, answer["url"].as_str().unwrap_or_default()).await
        }
        Ok((headers, answer)) => refused(
            check,
            "",
            SOCKET,
            &headers,
            &answer,
            "turn Socket Mode on in the app's settings, and make SLACK_APP_TOKEN an App-Level Token with connections:write",
        ),
        Err(error) => unreachable(context, &error),
    }
}

/// Connects as the service does. For a moment Slack counts the connection among the ten that an app may have.
async fn connection(context: &DoctorContext, check: &'static str, url: &str) -> Finding {
    let dialer = match Dialer::new(context.config.slack.slack_proxy.as_ref()) {
        Ok(dialer) => dialer,
        Err(error) => return Finding::failed(check, error.to_string(), "correct COUNTERSIGN_SLACK_PROXY"),
    };
    match socket::try_out(&dialer, url).await {
        Ok(()) => Finding::ok(check, "Slack accepts a test connection"),
        Err(socket::error::SocketError::TooMany) => Finding::failed(
            check,
            "the app has reached Slack's limit of connections",
            "run at most four instances with the same app, in all installations together",
        ),
        Err(error) => Finding::failed(
            check,
            error.to_string(),
            "let this machine open WebSockets (wss) to Slack, or set COUNTERSIGN_SLACK_PROXY to a proxy that does",
        ),
    }
}
