//! Admin keys, for `countersign key … --admin`.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    cli::{
        error::CliError,
        output::print,
        user_keys::{BoundArgs, previous_keys, revoked, state, used},
    },
    domain::ids::{ApiKeyId, WorkspaceId},
    service::{
        Service,
        admin_keys::{self, Listed, NewKey},
    },
};

/// Creates a key, named and limited as the arguments say.
pub(super) async fn create(
    service: &Service,
    workspace: WorkspaceId,
    wanted: &BoundArgs,
    json: bool,
) -> Result<(), CliError> {
    let Some(name) = &wanted.name else {
        return Err(CliError::Usage("name the program that gets the key with --name".to_owned()));
    };
    let key = admin_keys::create(service, workspace, name, wanted.expires_in).await?;
    show_new(&key, json, "")
}

/// Replaces a key. The old one works for so many hours more.
pub(super) async fn rotate(
    service: &Service,
    workspace: WorkspaceId,
    key: ApiKeyId,
    hours: u32,
    json: bool,
) -> Result<(), CliError> {
    let rotated = admin_keys::rotate(service, workspace, key, TimeDelta::hours(hours.into())).await?;
    show_new(&rotated.ok_or_else(|| unknown(key))?, json, &previous_keys(hours))
}

/// Revokes a key, or all of them.
pub(super) async fn revoke(
    service: &Service,
    workspace: WorkspaceId,
    only: Option<ApiKeyId>,
) -> Result<(), CliError> {
    let ended = admin_keys::revoke(service, workspace, only).await?;
    match (ended.is_empty(), only) {
        (false, _) => revoked(&ended),
        (true, None) => print("Nothing to revoke: the workspace has no working admin key."),
        (true, Some(key)) => Err(unknown(key)),
    }
}

fn unknown(key: ApiKeyId) -> CliError {
    CliError::Usage(format!(
        "the workspace has no admin key {key}, or the key no longer works: `countersign key list --admin` shows them"
    ))
}

fn show_new(new: &NewKey, json: bool, more: &str) -> Result<(), CliError> {
    let secret = new.secret.expose_secret();
    if json {
        let line = json!({ "id": new.key.id, "name": new.key.name, "expires_at": new.expires_at, "api_key": secret });
        return print(&line.to_string());
    }
    let expires = new
        .expires_at
        .map_or_else(|| "when it is revoked".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string());
    print(&format!(
        "Admin key  {secret}\nId         {}\nName       {}\nExpires    {expires}\n\nKeep the key: it is not shown again.{more}",
        new.key.id, new.key.name
    ))
}

/// A key as JSON.
pub(super) fn to_json(key: &Listed, now: DateTime<Utc>) -> Value {
    json!({
        "id": key.key.id, "backend": null, "scopes": ["admin"], "works": key.works(now), "user": null,
        "name": key.key.name, "created_at": key.created_at, "expires_at": key.expires_at,
        "last_used_at": key.last_used_at, "revoked_at": key.revoked_at,
    })
}

/// A key on one line.
pub(super) fn line(key: &Listed, now: DateTime<Utc>) -> String {
    let state = state(key.revoked_at, key.expires_at, now);
    format!("{:16}  {}  {state:28}  {:30}  admin", key.key.name.as_str(), key.key.id, used(key.last_used_at))
}
