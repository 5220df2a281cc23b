//! Authenticates calls: tokens and scopes, `auth.test` and `auth.teams.list`.

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Ask, arguments::Arguments, error::ApiError};
use crate::slack::state::{State, Token, TokenStatus};

/// The token from the `Authorization` header, or else from the argument `token`.
pub(super) fn presented_token(headers: &HeaderMap, arguments: &mut Arguments) -> Option<String> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).map(str::to_owned);
    let argument = arguments.take_token();
    bearer.or(argument).filter(|token| !token.is_empty())
}

/// The installation that the token belongs to.
pub(super) fn caller(state: &State, presented: Option<&str>, now: DateTime<Utc>) -> Result<Token, ApiError> {
    let presented = presented.ok_or_else(|| ApiError::named("not_authed"))?;
    let token = state.tokens.get(presented).ok_or_else(|| ApiError::named("invalid_auth"))?;
    let expired = state.installs.expiries.get(presented).is_some_and(|until| now >= *until);
    match token.status {
        TokenStatus::Active if expired => Err(ApiError::named("token_expired")),
        TokenStatus::Active => Ok(token.clone()),
        TokenStatus::Revoked => Err(ApiError::named("token_revoked")),
        TokenStatus::Expired => Err(ApiError::named("token_expired")),
        TokenStatus::AccountInactive => Err(ApiError::named("account_inactive")),
    }
}

/// Refuses a caller whose token lacks the scope.
pub(super) fn require_scope(caller: &Token, needed: &str) -> Result<(), ApiError> {
    if caller.scopes.contains(needed) {
        return Ok(());
    }
    let provided = caller.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    Err(ApiError::named("missing_scope").with("needed", needed).with("provided", provided))
}

/// <https://docs.slack.dev/reference/methods/auth.test>
pub(super) fn test(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let caller = &ask.caller;
    if caller.team_id.starts_with('E') {
        return Ok(json!({
            "ok": true,
            "url": "https://sandbox-group.enterprise.slack.com/",
            "team": "Sandbox Group",
            "user": "countersign",
            "team_id": caller.team_id,
            "user_id": caller.bot_user_id,
            "bot_id": caller.bot_id,
            "enterprise_id": caller.team_id,
            "is_enterprise_install": true,
        }));
    }
    let workspace =
        ask.state.workspaces.get(&caller.team_id).ok_or_else(|| ApiError::named("invalid_auth"))?;
    let bot = ask.state.users.get(&caller.bot_user_id);
    let mut answer = json!({
        "ok": true,
        "url": format!("https://{}.slack.com/", workspace.domain),
        "team": workspace.name,
        "user": bot.map(|user| user.name.clone()),
        "team_id": workspace.id,
        "user_id": caller.bot_user_id,
        "bot_id": caller.bot_id,
        "is_enterprise_install": false,
    });
    if let Some(enterprise_id) = &workspace.enterprise_id {
        answer["enterprise_id"] = json!(enterprise_id);
    }
    Ok(answer)
}

/// <https://docs.slack.dev/reference/methods/auth.teams.list>, paginated. The cursor is the first id of the page.
pub(super) fn teams(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let limit = ask.limit(1000)?;
    let cursor = ask.arguments.text("cursor").unwrap_or_default();
    let reached = ask.state.workspaces.values().filter(|workspace| ask.covers(&workspace.id));
    let reached = reached.filter(|workspace| workspace.id.as_str() >= cursor);
    let mut teams: Vec<_> =
        reached.map(|workspace| (&workspace.id, &workspace.name)).take(limit + 1).collect();
    let next = teams.split_off(teams.len().min(limit));
    let next = next.first().map_or("", |(id, _)| id.as_str());
    let teams: Vec<Value> = teams.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
    Ok(json!({ "ok": true, "teams": teams, "response_metadata": { "next_cursor": next } }))
}
