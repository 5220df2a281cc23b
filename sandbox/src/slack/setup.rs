//! The workspace that a sandbox starts with, and functions that change it for tests and the demo.

use std::collections::BTreeMap;

use super::{
    Misbehaviour, Slack,
    state::{App, Channel, State, Token, TokenStatus, User, Workspace},
};
use crate::ambient::random_hex;

/// The ids of the initial workspace, people and channels.
pub mod names {
    /// The workspace `Acme`.
    pub const TEAM: &str = "T0SANDBOX";
    /// The app, `Countersign`.
    pub const APP: &str = "A0COUNTERSIGN";
    /// Its bot.
    pub const BOT: &str = "B0COUNTERSIGN";
    /// Its bot user.
    pub const BOT_USER: &str = "U0COUNTERSIGN";
    /// Alice Chen, a member, `alice@example.com`.
    pub const ALICE: &str = "U0ALICE";
    /// Bob Okafor, a member, `bob@example.com`.
    pub const BOB: &str = "U0BOB";
    /// Ada Admin, an administrator, `ada@example.com`.
    pub const ADMIN: &str = "U0ADMIN";
    /// Gus Guest, a guest in `#sales`, `gus@example.com`.
    pub const GUEST: &str = "U0GUEST";
    /// `#sales`, with all users and the app as members.
    pub const SALES: &str = "C0SALES";
    /// `#random`, public, without the app.
    pub const RANDOM: &str = "C0RANDOM";
}

/// The scopes of the initial token.
const SCOPES: [&str; 6] =
    ["chat:write", "commands", "files:write", "im:write", "users:read", "users:read.email"];

/// The initial state of a sandbox.
pub(crate) fn workspace() -> State {
    let mut state = State::new(App {
        id: names::APP.to_owned(),
        name: "Countersign".to_owned(),
        signing_secret: random_hex()[..32].to_owned(),
        verification_token: random_hex()[..24].to_owned(),
        client_id: "1000000000.2000000000".to_owned(),
        client_secret: random_hex()[..32].to_owned(),
        app_token: format!("xapp-1-{}-{}", names::APP, &random_hex()[..40]),
        token_rotation: false,
        socket_mode: false,
        metadata_subscriptions: std::collections::BTreeSet::new(),
        base_url: None,
    });
    let team = names::TEAM;
    state.workspaces.insert(team.to_owned(), Workspace::new(team, "Acme"));
    let bot = User { is_bot: true, ..User::new(names::BOT_USER, team, "countersign", "Countersign") };
    let users = [
        User::new(names::ALICE, team, "alice", "Alice Chen").with_email("alice@example.com"),
        User::new(names::BOB, team, "bob", "Bob Okafor").with_email("bob@example.com"),
        User::new(names::ADMIN, team, "ada", "Ada Admin").with_email("ada@example.com").as_admin(),
        User::new(names::GUEST, team, "gus", "Gus Guest").with_email("gus@example.com").as_guest(),
        bot,
    ];
    state.users = users.into_iter().map(|user| (user.id.clone(), user)).collect();
    let people = [names::ALICE, names::BOB, names::ADMIN];
    let sales = [&people[..], &[names::GUEST, names::BOT_USER]].concat();
    let channels = [
        Channel::public(names::SALES, team, "sales", &sales),
        Channel::public(names::RANDOM, team, "random", &people),
    ];
    state.channels = channels.into_iter().map(|channel| (channel.id.clone(), channel)).collect();
    let token = Token {
        value: format!("xoxb-{}", &random_hex()[..40]),
        team_id: team.to_owned(),
        bot_user_id: names::BOT_USER.to_owned(),
        bot_id: names::BOT.to_owned(),
        scopes: SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
        status: TokenStatus::Active,
    };
    state.tokens = BTreeMap::from([(token.value.clone(), token)]);
    state
}

impl Slack {
    /// The active token of the installation in a workspace or organisation.
    #[must_use]
    pub fn token_of(&self, id: &str) -> Option<Token> {
        self.core().read(|state| {
            let mut of_team = state.tokens.values().filter(|token| token.team_id == id);
            of_team.find(|token| token.status == TokenStatus::Active).cloned()
        })
    }

    /// Every token, refresh token and code that was ever issued: the values that only the app may know.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.core().read(|state| {
            let installs = &state.installs;
            let all = state.tokens.keys().chain(installs.refreshes.keys()).chain(installs.codes.keys());
            all.cloned().collect()
        })
    }

    /// The token of the first installation in the first workspace, `xoxb-…`.
    #[must_use]
    pub fn bot_token(&self) -> String {
        self.core().read(|state| {
            let token = state.installation(names::TEAM);
            token.map(|token| token.value.clone()).unwrap_or_default()
        })
    }

    /// The secret that signs requests to the app.
    #[must_use]
    pub fn signing_secret(&self) -> String {
        self.core().read(|state| state.app.signing_secret.clone())
    }

    /// Changes the app's settings, for instance turns on token rotation or Socket Mode.
    pub fn change_app(&self, change: impl FnOnce(&mut App)) {
        self.core().change(|state| change(&mut state.app));
    }

    /// Adds a workspace, or replaces the one with the same id.
    pub fn add_workspace(&self, workspace: Workspace) {
        self.core().change(|state| state.workspaces.insert(workspace.id.clone(), workspace));
    }

    /// Changes a workspace, for instance turns its Messages tab off. Returns false if it doesn't exist.
    pub fn change_workspace<R>(&self, id: &str, change: impl FnOnce(&mut Workspace) -> R) -> bool {
        self.core().change(|state| state.workspaces.get_mut(id).map(change).is_some())
    }

    /// Adds a user, or replaces the one with the same id.
    pub fn add_user(&self, user: User) {
        self.core().change(|state| state.users.insert(user.id.clone(), user));
    }

    /// Changes a user, for instance demotes or deactivates them. Returns false if they don't exist.
    pub fn change_user<R>(&self, id: &str, change: impl FnOnce(&mut User) -> R) -> bool {
        self.core().change(|state| state.users.get_mut(id).map(change).is_some())
    }

    /// Adds a channel, or replaces the one with the same id.
    pub fn add_channel(&self, channel: Channel) {
        self.core().change(|state| state.channels.insert(channel.id.clone(), channel));
    }

    /// Changes a channel, for instance archives it or invites the app. Returns false if it doesn't exist.
    pub fn change_channel<R>(&self, id: &str, change: impl FnOnce(&mut Channel) -> R) -> bool {
        self.core().change(|state| state.channels.get_mut(id).map(change).is_some())
    }

    /// Adds a token, or replaces the one with the same value.
    pub fn add_token(&self, token: Token) {
        self.core().change(|state| state.tokens.insert(token.value.clone(), token));
    }

    /// Changes a token, for instance revokes it or removes a scope. Returns false if it doesn't exist.
    pub fn change_token<R>(&self, value: &str, change: impl FnOnce(&mut Token) -> R) -> bool {
        self.core().change(|state| state.tokens.get_mut(value).map(change).is_some())
    }

    /// Deletes a message, as its author or an admin can in Slack.
    pub fn delete_message(&self, channel: &str, ts: &str) {
        self.core().change(|state| state.messages.remove(&(channel.to_owned(), ts.to_owned())));
    }

    /// Makes the next `times` calls of the method (`chat.postMessage`, …, or `response_url`) fail in this way.
    pub fn misbehave(&self, method: &str, misbehaviour: Misbehaviour, times: u32) {
        self.core().change(|state| state.misbehaviours.add(method, misbehaviour, times));
    }

    /// Makes the method work normally from now on, and discards its queued failures.
    pub fn behave(&self, method: &str) {
        self.core().change(|state| state.misbehaviours.clear(method));
    }
}
