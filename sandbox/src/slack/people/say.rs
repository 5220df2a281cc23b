//! Messages that people write themselves. The app receives no events for them, because it has no history scopes.

use super::ActError;
use crate::slack::{
    Slack,
    state::{ChannelKind, Draft, Message, State},
};

impl Slack {
    /// Writes a message, as a reply if a thread is given.
    pub fn say(
        &self,
        user: &str,
        channel: &str,
        text: &str,
        thread_ts: Option<&str>,
    ) -> Result<Message, ActError> {
        let now = self.core().clock.now();
        self.core().change(|state| {
            if !state.sees_channel(user, channel) {
                return Err(ActError::ChannelNotVisible {
                    user: user.to_owned(),
                    channel: channel.to_owned(),
                });
            }
            let team_id =
                state.channels.get(channel).map(|channel| channel.team_id.clone()).unwrap_or_default();
            let draft = Draft {
                channel: channel.to_owned(),
                team_id,
                thread_ts: thread_ts.map(str::to_owned),
                text: text.to_owned(),
                blocks: Vec::new(),
                ephemeral_for: None,
            };
            Ok(state.say(user, draft, now))
        })
    }
}

impl State {
    /// Whether this user may read the channel: members may, and in public channels everyone in the workspace except
    /// guests.
    pub(crate) fn sees_channel(&self, user: &str, channel: &str) -> bool {
        let (Some(person), Some(channel)) = (self.users.get(user), self.channels.get(channel)) else {
            return false;
        };
        let full_member = person.teams().any(|team_id| team_id == channel.team_id)
            && !person.is_restricted
            && !person.is_ultra_restricted
            && !person.deleted;
        channel.is_visible_to(user) || (channel.kind == ChannelKind::Public && full_member)
    }
}
