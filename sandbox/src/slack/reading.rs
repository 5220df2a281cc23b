//! What one can look at, and waiting for it.

use std::time::Duration;

use tokio::sync::watch;

use super::{
    Slack,
    call_log::Call,
    people::Sent,
    state::{App, Channel, Message, User, View, Workspace},
};

/// What was waited for did not come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing of the kind came within {0:?}")]
pub struct WaitError(pub Duration);

impl Slack {
    /// Everything in a channel, oldest first, threads and everybody's ephemerals included.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.core().read(|state| state.in_channel(channel).cloned().collect())
    }

    /// What this user sees in a channel, oldest first, their ephemerals included; nothing if they don't see it.
    #[must_use]
    pub fn messages_seen_by(&self, user: &str, channel: &str) -> Vec<Message> {
        self.core().read(|state| {
            if state.sees_channel(user, channel) { state.seen_in(channel, user) } else { Vec::new() }
        })
    }

    /// What this user sees in their direct messages with the app, oldest first, ephemerals included.
    #[must_use]
    pub fn direct_messages(&self, user: &str) -> Vec<Message> {
        match self.direct_channel(user) {
            Some(channel) => self.messages_seen_by(user, &channel),
            None => Vec::new(),
        }
    }

    /// The id of this user's direct messages with the app, `D…`, if they were ever opened.
    #[must_use]
    pub fn direct_channel(&self, user: &str) -> Option<String> {
        self.core().read(|state| {
            let app = state.installation_of(state.users.get(user)?)?;
            let channel = state.direct_of(user, &app.bot_user_id);
            channel.map(|channel| channel.id.clone())
        })
    }

    /// One message as it is now.
    #[must_use]
    pub fn message(&self, channel: &str, ts: &str) -> Option<Message> {
        self.core().read(|state| state.messages.get(&(channel.to_owned(), ts.to_owned())).cloned())
    }

    /// The modal that lies on top for this user.
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

    /// Every request to the app, retries included, oldest first.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.core().read(|state| state.sent.clone())
    }

    /// All workspaces, by id.
    #[must_use]
    pub fn workspaces(&self) -> Vec<Workspace> {
        self.core().read(|state| state.workspaces.values().cloned().collect())
    }

    /// All users, by id, bots included.
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

    /// A number that moves at every change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.core().changes()
    }

    /// Waits until `look` finds something, looking again at every change.
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
                // The sender lives in this handle: it can't be gone.
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(timeout, search).await.ok().flatten().ok_or(WaitError(timeout))
    }

    /// Waits for a direct message to this user that fits: the newest such.
    pub async fn wait_for_direct_message(
        &self,
        user: &str,
        fits: impl Fn(&Message) -> bool,
        timeout: Duration,
    ) -> Result<Message, WaitError> {
        self.wait_for(|slack| slack.direct_messages(user).into_iter().rev().find(&fits), timeout).await
    }

    /// Waits for a message in a channel that fits: the newest such.
    pub async fn wait_for_message(
        &self,
        channel: &str,
        fits: impl Fn(&Message) -> bool,
        timeout: Duration,
    ) -> Result<Message, WaitError> {
        self.wait_for(|slack| slack.messages(channel).into_iter().rev().find(&fits), timeout).await
    }

    /// Waits until the modal on top for this user fits.
    pub async fn wait_for_view(
        &self,
        user: &str,
        fits: impl Fn(&View) -> bool,
        timeout: Duration,
    ) -> Result<View, WaitError> {
        self.wait_for(|slack| slack.view(user).filter(&fits), timeout).await
    }

    /// Waits until this user's Home tab fits.
    pub async fn wait_for_home(
        &self,
        user: &str,
        fits: impl Fn(&View) -> bool,
        timeout: Duration,
    ) -> Result<View, WaitError> {
        self.wait_for(|slack| slack.home(user).filter(&fits), timeout).await
    }
}
