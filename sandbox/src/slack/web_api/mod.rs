//! The Web API: `/api/{method}` (<https://docs.slack.dev/reference/methods>). Each family of methods has a file.
//! [`endpoint`] reads the request, lets it misbehave if configured, and logs it.

mod arguments;
mod auth;
pub(crate) mod chat;
mod destination;
mod endpoint;
pub(crate) mod error;
pub(crate) mod files;
mod installing;
mod users;
pub(crate) mod views;

use chrono::{DateTime, Utc};
use serde_json::Value;

use self::error::ApiError;
pub(crate) use self::{
    arguments::Arguments,
    endpoint::{Answer, Handled, answer_or_misbehave, call},
};
use super::state::{State, Token, User};

/// A call whose token and scope have been checked.
#[derive(Debug)]
struct Ask<'a> {
    state: &'a mut State,
    caller: Token,
    arguments: &'a Arguments,
    now: DateTime<Utc>,
    /// Where the local Slack is.
    origin: String,
}

impl Ask<'_> {
    /// Whether the caller's installation covers this workspace.
    fn covers(&self, team_id: &str) -> bool {
        self.state.covers(&self.caller.team_id, team_id)
    }

    /// The page size: 100 unless the caller gives one, and never more than `most`.
    fn limit(&self, most: usize) -> Result<usize, ApiError> {
        let limit = self.arguments.text("limit").map_or(Ok(100), str::parse::<usize>);
        let limit = limit.ok().filter(|limit| (1..=most).contains(limit));
        limit.ok_or_else(|| ApiError::named("invalid_limit"))
    }

    /// The user, if Slack shows them to the caller: a member, or a person of another company who shares a channel.
    fn visible_user(&self, id: &str) -> Option<&User> {
        self.state.users.get(id).filter(|user| self.state.is_visible_to_app(&self.caller, user))
    }
}

/// Returns the user unless they can't receive direct messages.
fn reachable(user: &User) -> Result<&User, ApiError> {
    if user.is_bot {
        Err(ApiError::named("cannot_dm_bot"))
    } else if user.deleted {
        Err(ApiError::named("user_disabled"))
    } else {
        Ok(user)
    }
}

/// A method: the scope that it needs, and its implementation.
type Method = (Option<&'static str>, fn(&mut Ask<'_>) -> Result<Value, ApiError>);

fn method(name: &str) -> Option<Method> {
    Some(match name {
        "auth.teams.list" => (None, auth::teams),
        "auth.test" => (None, auth::test),
        "chat.postEphemeral" => (Some("chat:write"), chat::post_ephemeral),
        "chat.postMessage" => (Some("chat:write"), chat::post_message),
        "chat.update" => (Some("chat:write"), chat::update),
        "files.completeUploadExternal" => (Some("files:write"), files::complete_upload),
        "files.getUploadURLExternal" => (Some("files:write"), files::upload_url),
        "users.info" => (Some("users:read"), users::info),
        "users.list" => (Some("users:read"), users::list),
        "users.lookupByEmail" => (Some("users:read.email"), users::lookup_by_email),
        "views.open" => (None, views::open),
        "views.publish" => (None, views::publish),
        "views.push" => (None, views::push),
        "views.update" => (None, views::update),
        _ => return None,
    })
}
