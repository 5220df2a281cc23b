//! Read access to the local Slack, and waiting for changes.

use std::time::Duration;

use tokio::sync::watch;

use super::{
    Slack,
    call_log::Call,
    people::Sent,
    state::{App, Channel, Message, User, View, Workspace},
};

/// The condition did not hold within this time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing of the kind came within {0:?}")]
pub struct WaitError(pub Duration);

impl Slack {
    /// All messages in a channel, oldest first, including threads and every user's ephemeral messages.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.core().read(|state| state.in_channel(channel).cloned().collect())
    }

    /// The messages that this user sees in a channel, oldest first, including their ephemeral ones. Empty if they don't
    /// see the channel.
    #[must_use]
    pub fn messages_seen_by(&self, user: &str, channel: &str) -> Vec<Message> {
        self.core().read(|state| {
            if state.sees_channel(user, channel) { state.seen_in(channel, user) } else { Vec::new() }
        })
    }

    /// The messages that this user sees in their direct messages with the app, oldest first, including ephemeral ones.
    #[must_use]
    pub fn direct_messages(&self, user: &str) -> Vec<Message> {
        match self.direct_channel(user) {
            Some(channel) => self.messages_seen_by(user, &channel),
            None => Vec::new(),
        }
    }

    /// The id of this user's direct messages with the app, `D…`, if they exist.
    #[must_use]
    pub fn direct_channel(&self, user: &str) -> Option<String> {
        self.core().read(|state| {
            let app = state.installation_of(state.users.get(user)?)?;
            let channel = state.direct_of(user, &app.bot_user_id);
            channel.map(|channel| channel.id.clone())
        })
    }

    /// One message in its present state.
    #[must_use]
    pub fn message(&self, channel: &str, ts: &str) -> Option<Message> {
        self.core().read(|state| state.messages.get(&(channel.to_owned(), ts.to_owned())).cloned())
    }

    /// The topmost modal of this user.
    #[must_use]
    pub fn view(&self, user: &str) -> Option<View> {
        self.views(user).pop()
    }

    /// This user's modals, the topmost last.
    #[must_use]
    pub fn views(&self, user: &str) -> Vec<View> {
        self.core().read(|state| state.modals.get(user).cloned().unwrap_or_default())
    }

    /// This user's Home tab, if the app has published one.
    #[must_use]
    pub fn home(&self, user: &str) -> Option<View> {
        self.core().read(|state| state.homes.get(user).cloned())
    }

    /// Every call of the Web API and of response URLs, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.core().read(|state| state.calls.clone())
    }

    /// The calls of one method (or of `response_url`), oldest first.
    #[must_use]
    pub fn calls_of(&self, method: &str) -> Vec<Call> {
        self.core().read(|state| state.calls.iter().filter(|call| call.method == method).cloned().collect())
    }

    /// Every request to the app, oldest first, including retries.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.core().read(|state| state.sent.clone())
    }

    /// All workspaces, by id.
    #[must_use]
    pub fn workspaces(&self) -> Vec<Workspace> {
        self.core().read(|state| state.workspaces.values().cloned().collect())
    }

    /// All users, by id, including bots.
    #[must_use]
    pub fn users(&self) -> Vec<User> {
        self.core().read(|state| state.users.values().cloned().collect())
    }

    /// One user.
    #[must_use]
    pub fn user(&self, id: &str) -> Option<User> {
        self.core().read(|state| state.users.get(id).cloned())
    }

    /// All channels and direct messages, by id.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        self.core().read(|state| state.channels.values().cloned().collect())
    }

    /// The installed app.
    #[must_use]
    pub fn app(&self) -> App {
        self.core().read(|state| state.app.clone())
    }

    /// A number that changes with every change of the state.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.core().changes()
    }

    /// Waits until `look` returns a value, calling it again after every change.
    pub async fn wait_for<T>(
        &self,
        mut look: impl FnMut(&Self) -> Option<T>,
        timeout: Duration,
    ) -> Result<T, WaitError> {
        let mut changes = self.changes();
        let search = async {
            loop {
                changes.borrow_and_update();
                if let Some(found) = look(self) {
                    return Some(found);
                }
                // The sender can't be gone: this handle owns it.
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(timeout, search).await.ok().flatten().ok_or(WaitError(timeout))
    }

    /// Waits for a matching direct message to this user, and returns the newest.
    pub async fn wait_for_direct_message(
        &self,
        user: &str,
        fits: impl Fn(&Message) -> bool,
        timeout: Duration,
    ) -> Result<Message, WaitError> {
        self.wait_for(|slack| slack.direct_messages(user).into_iter().rev().find(&fits), timeout).await
    }

    /// Waits for a matching message in a channel, and returns the newest.
    pub async fn wait_for_message(
        &self,
        channel: &str,
        fits: impl Fn(&Message) -> bool,
        timeout: Duration,
    ) -> Result<Message, WaitError> {
        self.wait_for(|slack| slack.messages(channel).into_iter().rev().find(&fits), timeout).await
    }

    /// Waits until the topmost modal of this user matches.
    pub async fn wait_for_view(
        &self,
        user: &str,
        fits: impl Fn(&View) -> bool,
        timeout: Duration,
    ) -> Result<View, WaitError> {
        self.wait_for(|slack| slack.view(user).filter(&fits), timeout).await
    }

    /// Waits until this user's Home tab matches.
    pub async fn wait_for_home(
        &self,
        user: &str,
        fits: impl Fn(&View) -> bool,
        timeout: Duration,
    ) -> Result<View, WaitError> {
        self.wait_for(|slack| slack.home(user).filter(&fits), timeout).await
    }
}
