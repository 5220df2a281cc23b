//! Methods that don't authenticate with a bot token: `oauth.v2.access`, `apps.uninstall` and `apps.connections.open`.

use serde_json::{Value, json};

use super::{arguments::Arguments, error::ApiError};
use crate::slack::{
    core::Core,
    state::{State, TokenStatus},
};

/// Such a method. Its last parameter is the token of the call.
pub(super) type Method = fn(&mut State, &Core, &Arguments, Option<&str>) -> Result<Value, ApiError>;

pub(super) fn method(name: &str) -> Option<Method> {
    Some(match name {
        "apps.connections.open" => open_connection,
        "apps.uninstall" => uninstall,
        "oauth.v2.access" => access,
        _ => return None,
    })
}

fn check_client(state: &State, arguments: &Arguments) -> Result<(), ApiError> {
    if arguments.text("client_id") != Some(&state.app.client_id) {
        return Err(ApiError::named("invalid_client_id"));
    }
    if arguments.text("client_secret") != Some(&state.app.client_secret) {
        return Err(ApiError::named("bad_client_secret"));
    }
    Ok(())
}

/// <https://docs.slack.dev/reference/methods/oauth.v2.access>
fn access(state: &mut State, core: &Core, arguments: &Arguments, _: Option<&str>) -> Result<Value, ApiError> {
    check_client(state, arguments)?;
    let now = core.clock.now();
    let result = match arguments.text("grant_type").unwrap_or("authorization_code") {
        "authorization_code" => {
            let given = arguments.text("code").unwrap_or_default();
            state.exchange_code(given, arguments.text("redirect_uri").unwrap_or_default(), now)
        }
        "refresh_token" => state.exchange_refresh(arguments.text("refresh_token").unwrap_or_default(), now),
        _ => Err("invalid_grant_type"),
    };
    result.map_err(ApiError::named)
}

/// <https://docs.slack.dev/reference/methods/apps.uninstall>
fn uninstall(
    state: &mut State,
    _: &Core,
    arguments: &Arguments,
    token: Option<&str>,
) -> Result<Value, ApiError> {
    check_client(state, arguments)?;
    let token = token.and_then(|token| state.tokens.get(token)).cloned();
    let token = token.ok_or_else(|| ApiError::named("invalid_auth"))?;
    for other in state.tokens.values_mut().filter(|other| other.team_id == token.team_id) {
        other.status = TokenStatus::AccountInactive;
    }
    Ok(json!({ "ok": true }))
}

/// <https://docs.slack.dev/reference/methods/apps.connections.open>
fn open_connection(
    state: &mut State,
    core: &Core,
    _: &Arguments,
    token: Option<&str>,
) -> Result<Value, ApiError> {
    match token {
        None => return Err(ApiError::named("not_authed")),
        Some(token) if token == state.app.app_token => {}
        Some(token) if token.starts_with("xoxb-") => {
            return Err(ApiError::named("not_allowed_token_type"));
        }
        Some(_) => return Err(ApiError::named("invalid_auth")),
    }
    if !state.app.socket_mode {
        return Err(ApiError::named("socket_mode_not_enabled"));
    }
    Ok(json!({ "ok": true, "url": core.sockets.ticket(core.address) }))
}
