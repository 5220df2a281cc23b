//! One person's view of the local Slack at one moment. Everything that the page shows is read here, in one step.

use chrono::{Local, Offset, TimeZone};

use super::blocks::{Moment, Names};
use super::look::{Look, Tab};
use crate::slack::{Channel, Message, Slack, User, View};

/// One person's view of their workspace.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    /// The workspace's name.
    pub(super) workspace: String,
    /// The app's name.
    pub(super) app: String,
    /// The app's bot user in this workspace.
    pub(super) bot: Option<String>,
    /// The user who views the page.
    pub(super) viewer: User,
    /// All people that one can act as, sorted by name.
    pub(super) people: Vec<User>,
    /// The channels that the viewer sees, sorted by name, without direct messages.
    pub(super) channels: Vec<Channel>,
    /// The viewer's direct messages with the app.
    pub(super) direct: Option<String>,
    /// Names for mentions and authors.
    pub(super) names: Names,
    /// The open tab.
    pub(super) tab: Tab,
    /// The messages of the open channel that the viewer sees, oldest first, replies included.
    pub(super) messages: Vec<Message>,
    /// The viewer's modals, the topmost last.
    pub(super) modals: Vec<View>,
    /// The viewer's Home tab, if the app has published one.
    pub(super) home: Option<View>,
    /// Now, and the machine's time zone.
    pub(super) moment: Moment,
}

impl Desk {
    /// Reads the state that `look` refers to. `None` if the workspace has no people.
    pub(super) fn read(slack: &Slack, look: &Look) -> Option<Self> {
        let core = slack.core();
        let now = core.clock.now();
        let zone = Local.offset_from_utc_datetime(&now.naive_utc()).fix();
        core.read(|state| {
            let mut people: Vec<User> =
                state.users.values().filter(|user| !user.is_bot && !user.deleted).cloned().collect();
            people.sort_by(|a, b| a.real_name.cmp(&b.real_name));
            let viewer = people.iter().find(|user| Some(&user.id) == look.viewer.as_ref());
            let viewer = viewer.or_else(|| people.first())?.clone();
            let team = viewer.team_id.clone();
            let bot = state.installation(&team).map(|token| token.bot_user_id.clone());
            let direct =
                bot.as_deref().and_then(|bot| state.direct_of(&viewer.id, bot)).map(|c| c.id.clone());
            let mine = |channel: &&Channel| channel.team_id == team && !channel.is_direct();
            let mut channels: Vec<Channel> = state
                .channels
                .values()
                .filter(mine)
                .filter(|channel| state.sees_channel(&viewer.id, &channel.id))
                .cloned()
                .collect();
            channels.sort_by(|a, b| a.name.cmp(&b.name));
            let tab = look.tab(direct.as_deref(), |id| state.sees_channel(&viewer.id, id));
            let messages = match &tab {
                Tab::Channel { id, .. } => state.seen_in(id, &viewer.id),
                _ => Vec::new(),
            };
            Some(Self {
                workspace: state.workspaces.get(&team).map(|w| w.name.clone()).unwrap_or_default(),
                app: state.app.name.clone(),
                bot,
                people,
                channels,
                direct,
                names: Names {
                    users: state.users.values().map(|user| (user.id.clone(), display_name(user))).collect(),
                    channels: state
                        .channels
                        .values()
                        .filter(mine)
                        .map(|channel| (channel.id.clone(), channel.name.clone()))
                        .collect(),
                },
                tab,
                messages,
                modals: state.modals.get(&viewer.id).cloned().unwrap_or_default(),
                home: state.homes.get(&viewer.id).cloned(),
                moment: Moment { now, zone },
                viewer,
            })
        })
    }

    /// The name of the open channel, if one is open and it is not direct messages.
    pub(super) fn channel_name(&self) -> Option<&str> {
        match &self.tab {
            Tab::Channel { id, .. } => self.names.channels.get(id).map(String::as_str),
            _ => None,
        }
    }

    /// Messages in the open channel itself, without replies.
    pub(super) fn top_level(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| !is_reply(message))
    }

    /// The parent with `ts` and its replies.
    pub(super) fn thread(&self, ts: &str) -> impl Iterator<Item = &Message> {
        self.messages
            .iter()
            .filter(move |message| message.ts == ts || message.thread_ts.as_deref() == Some(ts))
    }

    /// How many replies the message with `ts` has.
    pub(super) fn replies(&self, ts: &str) -> usize {
        self.thread(ts).filter(|message| message.ts != ts).count()
    }
}

/// The name that people see beside a user's messages.
fn display_name(user: &User) -> String {
    if user.real_name.is_empty() { user.name.clone() } else { user.real_name.clone() }
}

fn is_reply(message: &Message) -> bool {
    message.thread_ts.as_deref().is_some_and(|parent| parent != message.ts)
}
