//! `users.*`.

use serde_json::{Value, json};

use super::{Ask, error::ApiError};
use crate::slack::state::{Rights, User};

/// <https://docs.slack.dev/reference/methods/users.info>. For an organisation's token it returns the rights in the
/// organisation.
pub(super) fn info(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let user = ask.arguments.text("user").and_then(|id| ask.visible_user(id));
    let user = user.ok_or_else(|| ApiError::named("user_not_found"))?;
    let rights = if ask.caller.team_id.starts_with('E') { Rights::Organisation } else { Rights::Workspace };
    Ok(json!({ "ok": true, "user": ask.state.user_object(&ask.caller, user, rights) }))
}

/// <https://docs.slack.dev/reference/methods/users.list>, paginated. The cursor is the first id of the page. An
/// organisation's token has to name a team, and gets the rights in that team.
pub(super) fn list(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let limit = ask.limit(999)?;
    let team = match ask.arguments.text("team_id") {
        None if ask.caller.team_id.starts_with('E') => return Err(ApiError::named("missing_argument")),
        Some(team) if !ask.covers(team) => return Err(ApiError::named("team_access_not_granted")),
        given => given.unwrap_or(&ask.caller.team_id),
    };
    let cursor = ask.arguments.text("cursor").unwrap_or_default();
    let members = ask.state.users.values().filter(|user| user.teams().any(|of| of == team));
    let mut members: Vec<&User> = members.filter(|user| user.id.as_str() >= cursor).take(limit + 1).collect();
    let next = members.split_off(members.len().min(limit));
    let next = next.first().map_or("", |user| user.id.as_str());
    let members: Vec<Value> =
        members.into_iter().map(|user| ask.state.user_object(&ask.caller, user, Rights::Workspace)).collect();
    Ok(json!({ "ok": true, "members": members, "response_metadata": { "next_cursor": next } }))
}

/// <https://docs.slack.dev/reference/methods/users.lookupByEmail>. It doesn't find deactivated users.
pub(super) fn lookup_by_email(ask: &mut Ask<'_>) -> Result<Value, ApiError> {
    let wanted = ask.arguments.text("email").unwrap_or_default();
    let is_meant = |user: &&User| {
        ask.state.belongs_to(&ask.caller.team_id, user)
            && !user.deleted
            && user.email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(wanted))
    };
    let user = ask.state.users.values().find(is_meant).ok_or_else(|| ApiError::named("users_not_found"))?;
    Ok(json!({ "ok": true, "user": ask.state.user_object(&ask.caller, user, Rights::Workspace) }))
}
