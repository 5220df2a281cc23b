//! Finds the channel that a message goes to.

use super::{Ask, error::ApiError, reachable};
use crate::slack::state::{Channel, ChannelKind, State, Token};

/// The channel to post a message to: a `C…` or `D…` id, a `#name`, or a `U…` id, whose direct messages are created if
/// necessary.
pub(super) fn for_message(ask: &mut Ask<'_>) -> Result<Channel, ApiError> {
    let given = ask.arguments.text("channel").ok_or_else(|| ApiError::named("channel_not_found"))?.to_owned();
    if given.starts_with(['U', 'W']) {
        return direct(ask, &given);
    }
    let channel = named(ask, &given)?;
    let is_member = channel.members.contains(&ask.caller.bot_user_id);
    match &channel.kind {
        ChannelKind::Direct { user } => {
            if !is_member {
                return Err(ApiError::named("channel_not_found"));
            }
            let user = ask.state.users.get(user).ok_or_else(|| ApiError::named("channel_not_found"))?;
            reachable(user)?;
            check_messages_tab(ask)?;
        }
        ChannelKind::Private if !is_member => return Err(ApiError::named("channel_not_found")),
        ChannelKind::Public if !is_member && !ask.caller.scopes.contains("chat:write.public") => {
            return Err(ApiError::named("not_in_channel"));
        }
        _ => {}
    }
    if channel.is_archived {
        return Err(ApiError::named("is_archived"));
    }
    Ok(channel)
}

/// The direct messages of a user, created if necessary.
pub(super) fn direct(ask: &mut Ask<'_>, id: &str) -> Result<Channel, ApiError> {
    let user = ask.visible_user(id).ok_or_else(|| ApiError::named("channel_not_found"))?;
    let user = reachable(user)?.id.clone();
    check_messages_tab(ask)?;
    Ok(ask.state.open_direct(&user, &ask.caller))
}

/// The channel of an ephemeral message. The bot must be in it.
pub(super) fn for_ephemeral(ask: &mut Ask<'_>) -> Result<Channel, ApiError> {
    let given = ask.arguments.text("channel").ok_or_else(|| ApiError::named("channel_not_found"))?.to_owned();
    let channel = named(ask, &given)?;
    if !channel.members.contains(&ask.caller.bot_user_id) {
        let error = if channel.kind == ChannelKind::Public { "not_in_channel" } else { "channel_not_found" };
        return Err(ApiError::named(error));
    }
    if channel.is_archived {
        return Err(ApiError::named("is_archived"));
    }
    Ok(channel)
}

/// All names of the channel in a call. Direct messages have two: their `D…` id and the user's id.
pub(super) fn names<'a>(state: &'a State, caller: &Token, given: Option<&'a str>) -> Vec<&'a str> {
    let Some(given) = given else { return Vec::new() };
    let other = match state.channels.get(given).map(|channel| &channel.kind) {
        Some(ChannelKind::Direct { user }) => Some(user.as_str()),
        Some(_) => None,
        None => state.direct_of(given, &caller.bot_user_id).map(|channel| channel.id.as_str()),
    };
    other.into_iter().chain([given]).collect()
}

fn named(ask: &Ask<'_>, given: &str) -> Result<Channel, ApiError> {
    let mut of_team = ask.state.channels.values().filter(|channel| ask.covers(&channel.team_id));
    let found = match given.strip_prefix('#') {
        Some(name) => of_team.find(|channel| channel.name == name && !channel.is_direct()),
        None => of_team.find(|channel| channel.id == given),
    };
    found.cloned().ok_or_else(|| ApiError::named("channel_not_found"))
}

fn check_messages_tab(ask: &Ask<'_>) -> Result<(), ApiError> {
    let off = ask.state.workspaces.get(&ask.caller.team_id).is_some_and(|workspace| !workspace.messages_tab);
    if off { Err(ApiError::named("messages_tab_disabled")) } else { Ok(()) }
}
