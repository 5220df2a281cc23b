//! `oauth.v2.access` exchanges a code or a refresh token for tokens
//! (<https://docs.slack.dev/reference/methods/oauth.v2.access>,
//! <https://docs.slack.dev/authentication/using-token-rotation>).
//!
//! The response has its own structs here: slack-morphism supports neither refresh nor organisations, and includes
//! tokens in error texts.

use std::{fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::{
    service::tokens::Tokens,
    slack::web_api::{
        cause::cause,
        error::{CallError, NOT_A_BOT_TOKEN},
    },
};

/// The method's name.
pub(in crate::slack) const METHOD: &str = "oauth.v2.access";
/// Longest lifetime of a token that is believed, in seconds: one year. Slack's tokens live for twelve hours.
const LONGEST_LIFE: i64 = 365 * 24 * 60 * 60;
/// Time limit of one exchange.
const LIMIT: Duration = Duration::from_secs(10);
/// The largest response that is read, in bytes.
const LARGEST: usize = 256 * 1024;

/// The app's own credentials: "App Credentials" in its Basic Information.
#[derive(Clone)]
pub struct Credentials {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// What is exchanged for tokens.
#[derive(Debug, Clone, Copy)]
pub enum Exchange<'a> {
    /// The code that Slack's page sent back.
    Code {
        /// The code.
        code: &'a str,
        /// The redirect URL that it was sent to; Slack compares it.
        redirect_uri: &'a str,
    },
    /// A refresh token.
    Refresh(&'a SecretString),
}

/// What Slack granted.
#[derive(Debug, Clone)]
pub struct Granted {
    /// Slack's id of the installation: the organisation's for an organisation-wide one, otherwise the team's.
    pub slack_id: String,
    /// The name of the workspace, as people see it.
    pub name: String,
    /// The app's own id, `A…`.
    pub app_id: Option<String>,
    /// The bot's scopes.
    pub scopes: Vec<String>,
    /// The bot token, and its refresh token and expiry if tokens rotate.
    pub tokens: Tokens,
}

#[derive(Deserialize)]
struct AccessResponse {
    ok: bool,
    error: Option<String>,
    access_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
    expires_in: Option<i64>,
    token_type: Option<String>,
    scope: Option<String>,
    app_id: Option<String>,
    #[serde(default)]
    is_enterprise_install: bool,
    team: Option<Named>,
    enterprise: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
}

fn unreachable(why: &str) -> CallError {
    CallError::Unreachable(why.to_owned())
}

/// Calls the method. `expires_in` counts from `now`.
pub async fn access(
    http: &reqwest::Client,
    api_url: &str,
    credentials: &Credentials,
    exchange: Exchange<'_>,
    now: DateTime<Utc>,
) -> Result<Granted, CallError> {
    let call = http
        .post(format!("{api_url}/{METHOD}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .timeout(LIMIT)
        .body(form(credentials, exchange))
        .send();
    let mut response = call.await.map_err(|error| unreachable(&cause(&error)))?;
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds =
            response.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
        return Err(CallError::limited(seconds.map(Duration::from_secs)));
    }
    if status.is_server_error() {
        return Err(unreachable(&format!("HTTP status {}", status.as_u16())));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| unreachable("its response was cut off"))? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(unreachable("its answer is too large"));
        }
    }
    read(&body, now)
}

fn form(credentials: &Credentials, exchange: Exchange<'_>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", &credentials.client_id)
        .append_pair("client_secret", credentials.client_secret.expose_secret());
    match exchange {
        Exchange::Code { code, redirect_uri } => {
            form.append_pair("code", code).append_pair("redirect_uri", redirect_uri);
        }
        Exchange::Refresh(token) => {
            form.append_pair("grant_type", "refresh_token")
                .append_pair("refresh_token", token.expose_secret());
        }
    }
    form.finish()
}

/// Reads a response. The error never contains it, because there may be a token in it.
fn read(body: &[u8], now: DateTime<Utc>) -> Result<Granted, CallError> {
    let unreadable = unreachable("the response is not from Slack");
    let answer: AccessResponse = serde_json::from_slice(body).map_err(|_| unreadable.clone())?;
    if !answer.ok {
        return Err(CallError::of_answer(METHOD, &json!({ "error": answer.error })));
    }
    if answer.token_type.as_deref().is_some_and(|kind| kind != "bot") {
        return Err(CallError::of_answer(METHOD, &json!({ "error": NOT_A_BOT_TOKEN })));
    }
    let place = if answer.is_enterprise_install { answer.enterprise } else { answer.team };
    let (Some(bot), Some(place)) = (answer.access_token, place) else { return Err(unreadable) };
    let Some(slack_id) = place.id.filter(|id| !id.is_empty()) else { return Err(unreadable) };
    Ok(Granted {
        name: place.name.filter(|name| !name.is_empty()).unwrap_or_else(|| slack_id.clone()),
        slack_id,
        app_id: answer.app_id,
        scopes: answer.scope.unwrap_or_default().split(',').map(str::to_owned).collect(),
        tokens: Tokens {
            bot,
            refresh: answer.refresh_token,
            expires_at: answer
                .expires_in
                .map(|seconds| now + TimeDelta::seconds(seconds.clamp(0, LONGEST_LIFE))),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::web_api::error::{Reason, Refusal};

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    #[test]
    fn a_team_is_known_by_its_own_id_even_within_an_organisation() {
        let body = br#"{"ok":true,"access_token":"xoxb-1","token_type":"bot","scope":"chat:write,commands",
            "team":{"id":"T1","name":"Acme"},"enterprise":{"id":"E1","name":"Acme Group"},
            "is_enterprise_install":false}"#;
        let granted = read(body, at()).unwrap();
        assert_eq!((granted.slack_id.as_str(), granted.name.as_str()), ("T1", "Acme"));
        assert_eq!(granted.scopes, ["chat:write", "commands"]);
        assert!(granted.tokens.refresh.is_none() && granted.tokens.expires_at.is_none());
    }

    #[test]
    fn an_organisation_has_no_team() {
        let body = br#"{"ok":true,"access_token":"xoxe.xoxb-1","refresh_token":"xoxe-1","expires_in":43200,
            "team":null,"enterprise":{"id":"E1","name":"Acme Group"},"is_enterprise_install":true}"#;
        let granted = read(body, at()).unwrap();
        assert_eq!((granted.slack_id.as_str(), granted.name.as_str()), ("E1", "Acme Group"));
        assert_eq!(granted.tokens.expires_at, Some(at() + TimeDelta::hours(12)));
        assert!(!format!("{granted:?}").contains("xox"));
    }

    #[test]
    fn no_life_is_too_long_to_add() {
        for seconds in [i64::MAX, i64::MIN] {
            let body = format!(
                r#"{{"ok":true,"access_token":"xoxb-1","expires_in":{seconds},"team":{{"id":"T1"}}}}"#
            );
            let expires_at = read(body.as_bytes(), at()).unwrap().tokens.expires_at.unwrap();
            assert!(expires_at >= at() && expires_at <= at() + TimeDelta::days(365), "{expires_at}");
        }
    }

    #[test]
    fn what_is_no_grant_is_an_error_without_its_words() {
        let refused = |body: &[u8]| read(body, at()).unwrap_err();
        assert!(matches!(
            refused(br#"{"ok":false,"error":"invalid_code"}"#),
            CallError::Refused(Refusal { reason: Reason::AuthorizationCode, code: "invalid_code" })
        ));
        for body in
            [&b"<html>xoxb-1</html>"[..], br#"{"ok":true,"access_token":"xoxb-1"}"#, br#"{"ok":true}"#, b""]
        {
            let error = refused(body);
            assert!(matches!(error, CallError::Unreachable(_)) && !error.to_string().contains("xox"));
        }
        let user = br#"{"ok":true,"access_token":"xoxp-1","token_type":"user","team":{"id":"T1"}}"#;
        assert!(matches!(refused(user), CallError::Refused(_)));
    }
}
