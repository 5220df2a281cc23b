//! API keys that are bound to one user, for `countersign key …`.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::{
    app,
    cli::{error::CliError, output::print},
    config::SlackConfig,
    domain::{
        ids::{ApiKeyId, UserId},
        people::PersonKind,
        text::Name,
    },
    service::{
        Service,
        directory::{Directory as _, LookupError},
        user_keys::{self, Listed, NewKey},
    },
    slack::web_api::{error::CallError, users::People},
    storage::tables::backends::Summary,
};

/// Binds a new key to one user.
#[derive(Debug, Args)]
pub(super) struct BoundArgs {
    /// Bind the key to this user, by Slack user id or email address. It asks for them only, sees only their approvals,
    /// and describes only integrations of its backend
    #[arg(long, value_name = "USER", conflicts_with = "scopes")]
    pub(super) user: Option<String>,
    /// Which device, agent or program gets the key. The user of a bound key sees this in Slack, the audit names an admin
    /// key so
    #[arg(long, requires = "holder", required_if_eq("admin", "true"), value_parser = |text: &str| Name::new(text).map_err(|fault| format!("it {fault}")))]
    pub(super) name: Option<Name>,
    /// How long the key works: 90d, 12h or 30m. Default: until it is revoked
    #[arg(long, requires = "holder", value_name = "DURATION", value_parser = duration)]
    pub(super) expires_in: Option<TimeDelta>,
}

/// Parses a number of days, hours or minutes.
fn duration(text: &str) -> Result<TimeDelta, String> {
    let fault = || "it should look like 90d, 12h or 30m, and be at most ten years".to_owned();
    let unit = text.chars().last().ok_or_else(fault)?;
    let count: u32 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| fault())?;
    let minutes = match unit {
        'd' => 24 * 60,
        'h' => 60,
        'm' => 1,
        _ => return Err(fault()),
    };
    let duration = TimeDelta::minutes(i64::from(count) * minutes);
    if count == 0 || duration > TimeDelta::days(3660) { Err(fault()) } else { Ok(duration) }
}

impl BoundArgs {
    /// Creates the key, once Slack has said that the user is a full member of the backend's workspace.
    pub(super) async fn create(
        &self,
        service: &Service,
        backend: &Summary,
        who: &str,
        slack: &SlackConfig,
        json: bool,
    ) -> Result<(), CliError> {
        let client = app::slack_client(slack, service, TaskTracker::new())?;
        let people = People::new(client, service.clone(), Vec::new());
        let user = find(&people, backend, who).await?;
        let key = user_keys::create(service, backend, &user, self.name.as_ref(), self.expires_in).await?;
        show_new(&key, json, "")
    }
}

/// The user, who must be a full member.
async fn find(people: &People, backend: &Summary, who: &str) -> Result<UserId, CliError> {
    let unknown = || CliError::Usage(format!("no Slack user of {} is {who}", backend.slack_id));
    let user = match UserId::parse(who) {
        Some(user) => user,
        None if !who.contains('@') => {
            return Err(CliError::Usage(format!(
                "{who} is neither a Slack user id (U…) nor an email address"
            )));
        }
        None => people.by_email(backend.workspace, who).await.map_err(|error| match error {
            LookupError::Nobody => unknown(),
            error => CliError::Usage(format!("could not look up {who} in Slack: {error}")),
        })?,
    };
    must_be_member(people, &backend.slack_id, &user, who, "they get no key").await?;
    Ok(user)
}

/// Asks Slack whether someone is a full member of a workspace, and says what follows if not.
pub(super) async fn must_be_member(
    people: &People,
    workspace: &str,
    user: &UserId,
    who: &str,
    follows: &str,
) -> Result<(), CliError> {
    let profile = people.ask(workspace, user).await.map_err(|error| match error {
        error if error.is_unknown_user() => CliError::Usage(format!("no Slack user of {workspace} is {who}")),
        CallError::NoToken => CliError::Usage(format!(
            "could not look up {who} in Slack: there is no token for {workspace}. Set SLACK_BOT_TOKEN, or install the app there"
        )),
        error => CliError::Usage(format!("could not look up {who} in Slack: {error}")),
    })?;
    if profile.kind == PersonKind::Member {
        Ok(())
    } else {
        Err(CliError::Usage(format!(
            "{who} is not a full member of {workspace}: guests, bots, deactivated people and people of other workspaces can\u{2019}t \
             decide, so {follows}"
        )))
    }
}

/// Prints a new key.
pub(super) fn show_new(key: &NewKey, json: bool, more: &str) -> Result<(), CliError> {
    let secret = key.secret.expose_secret();
    if json {
        let line = json!({ "id": key.id, "user": key.user, "expires_at": key.expires_at, "api_key": secret });
        return print(&line.to_string());
    }
    let expires = key
        .expires_at
        .map_or_else(|| "when it is revoked".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string());
    print(&format!(
        "API key  {secret}\nId       {}\nUser     {}\nExpires  {expires}\n\nKeep the key: it is not shown again.{more}",
        key.id, key.user
    ))
}

/// A key as JSON.
pub(super) fn to_json(key: &Listed, now: DateTime<Utc>) -> Value {
    json!({
        "id": key.id, "backend": key.backend_name, "scopes": crate::domain::api_keys::KeyScopes::DEFAULT.names(),
        "works": key.works(now), "user": key.user, "name": key.name, "created_at": key.created_at,
        "expires_at": key.expires_at, "last_used_at": key.last_used_at, "revoked_at": key.revoked_at,
    })
}

/// A key on one line.
pub(super) fn line(key: &Listed, now: DateTime<Utc>) -> String {
    let name = key.name.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    let state = state(key.revoked_at, key.expires_at, now);
    format!("{}  {state:28}  {:30}  only {}{name}", key.id, used(key.last_used_at), key.user)
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// Whether a key works, and until when.
pub(super) fn state(
    revoked_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> String {
    match (revoked_at, expires_at) {
        (Some(at), _) => format!("revoked {}", minute(at)),
        (None, Some(at)) if at <= now => format!("expired {}", minute(at)),
        (None, Some(at)) => format!("expires {}", minute(at)),
        (None, None) => "active".to_owned(),
    }
}

/// When a key was last used.
pub(super) fn used(last_used_at: Option<DateTime<Utc>>) -> String {
    last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", minute(at)))
}

/// How long replaced keys work.
pub(super) fn previous_keys(hours: u32) -> String {
    match hours {
        0 => " Replaced keys no longer work.".to_owned(),
        hours => format!(" Replaced keys work for {hours} more hours."),
    }
}

/// Prints which keys were revoked.
pub(super) fn revoked(keys: &[ApiKeyId]) -> Result<(), CliError> {
    let ids: Vec<String> = keys.iter().map(ToString::to_string).collect();
    print(&format!(
        "Revoked: {}. Requests with {} are refused from now on.",
        ids.join(", "),
        if ids.len() == 1 { "it" } else { "them" }
    ))
}
