//! Posts, changes and deletes messages.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Channel, Message, State, Token, entered};

/// A message before it has a `ts`.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) channel: String,
    pub(crate) team_id: String,
    pub(crate) thread_ts: Option<String>,
    pub(crate) text: String,
    pub(crate) blocks: Vec<Value>,
    pub(crate) ephemeral_for: Option<String>,
}

impl State {
    /// Posts as the app's bot.
    pub(crate) fn post(&mut self, author: &Token, draft: Draft, now: DateTime<Utc>) -> Message {
        let (bot_id, app_id) = (author.bot_id.clone(), self.app.id.clone());
        self.post_as(author.bot_user_id.clone(), Some(bot_id), Some(app_id), draft, now)
    }

    /// Stores a message's metadata, and sends the event about it if the app subscribed to it, may read it and is in the
    /// channel (<https://docs.slack.dev/reference/scopes/metadata.message.read>).
    pub(crate) fn note_metadata(&mut self, author: &Token, message: &Message, metadata: Value, event: Value) {
        let kind = metadata["event_type"].as_str().unwrap_or_default();
        let is_in = |channel: &Channel| channel.members.contains(&author.bot_user_id);
        if self.app.metadata_subscriptions.contains(kind)
            && author.scopes.contains("metadata.message:read")
            && self.channels.get(&message.channel).is_some_and(is_in)
        {
            self.unsent_events.push((author.team_id.clone(), event));
        }
        if let Some(kept) = self.messages.get_mut(&(message.channel.clone(), message.ts.clone())) {
            kept.metadata = Some(metadata);
        }
    }

    /// Posts as a person.
    pub(crate) fn say(&mut self, user: &str, draft: Draft, now: DateTime<Utc>) -> Message {
        self.post_as(user.to_owned(), None, None, draft, now)
    }

    fn post_as(
        &mut self,
        user: String,
        bot_id: Option<String>,
        app_id: Option<String>,
        mut draft: Draft,
        now: DateTime<Utc>,
    ) -> Message {
        self.name_blocks(&mut draft.blocks);
        let message = Message {
            ts: self.next_ts(now),
            channel: draft.channel,
            thread_ts: draft.thread_ts,
            team_id: draft.team_id,
            user,
            bot_id,
            app_id,
            text: draft.text,
            blocks: draft.blocks,
            files: Vec::new(),
            metadata: None,
            edited: None,
            ephemeral_for: draft.ephemeral_for,
            chosen: BTreeMap::new(),
        };
        self.messages.insert((message.channel.clone(), message.ts.clone()), message.clone());
        message
    }

    /// Replaces the message's text and blocks. `None` if the message doesn't exist.
    pub(crate) fn rewrite(
        &mut self,
        channel: &str,
        ts: &str,
        text: String,
        mut blocks: Vec<Value>,
        now: DateTime<Utc>,
    ) -> Option<Message> {
        let key = (channel.to_owned(), ts.to_owned());
        if !self.messages.contains_key(&key) {
            return None;
        }
        self.name_blocks(&mut blocks);
        let edited = self.next_ts(now);
        let message = self.messages.get_mut(&key)?;
        for chosen in message.chosen.values_mut() {
            *chosen = entered::state_of(&blocks, chosen);
        }
        message.text = text;
        message.blocks = blocks;
        message.edited = Some(edited);
        Some(message.clone())
    }

    /// The messages that this user sees in the channel, oldest first.
    pub(crate) fn seen_in(&self, channel: &str, user: &str) -> Vec<Message> {
        self.in_channel(channel).filter(|message| message.is_visible_to(user)).cloned().collect()
    }

    /// All messages in the channel, oldest first, including other people's ephemeral ones.
    pub(crate) fn in_channel<'a>(&'a self, channel: &'a str) -> impl Iterator<Item = &'a Message> {
        let all = self.messages.range((channel.to_owned(), String::new())..).map(|(_, message)| message);
        all.take_while(move |message| message.channel == channel)
    }

    /// The user's direct messages with the workspace's bot, created if necessary.
    pub(crate) fn open_direct(&mut self, user: &str, installation: &Token) -> Channel {
        if let Some(channel) = self.direct_of(user, &installation.bot_user_id) {
            return channel.clone();
        }
        let readable = format!("D{}", user.trim_start_matches(['U', 'W']));
        let id = if self.channels.contains_key(&readable) { self.next_id("D") } else { readable };
        let team_id = self.home_of(user, &installation.team_id);
        let channel = Channel::direct(&id, &team_id, user, &installation.bot_user_id);
        self.channels.insert(id, channel.clone());
        channel
    }

    /// The workspace in which this user sees an installation: their own if it is an organisation's.
    pub(crate) fn home_of(&self, user: &str, installed_in: &str) -> String {
        let own = self.users.get(user).map(|user| &user.team_id);
        own.filter(|team_id| self.covers(installed_in, team_id))
            .cloned()
            .unwrap_or_else(|| installed_in.to_owned())
    }

    /// The user's direct messages with this bot, if they exist.
    pub(crate) fn direct_of(&self, user: &str, bot: &str) -> Option<&Channel> {
        let is_theirs = |channel: &&Channel| {
            matches!(&channel.kind, super::ChannelKind::Direct { user: partner } if partner == user)
                && channel.members.contains(bot)
        };
        self.channels.values().find(is_theirs)
    }
}
