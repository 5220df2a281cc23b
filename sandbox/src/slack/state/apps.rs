//! The app, the tokens of its installations, and the short-lived tickets that Slack issues.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

/// The app that is installed in the sandbox.
#[derive(Clone, Debug)]
pub struct App {
    /// `A…`.
    pub id: String,
    /// The author's name that people see on its messages.
    pub name: String,
    /// The key for the signature of every request to the app.
    pub signing_secret: String,
    /// The deprecated verification token, still in every payload.
    pub verification_token: String,
    /// Identifies the app on Slack's installation page.
    pub client_id: String,
    /// Authenticates the app when it exchanges a code.
    pub client_secret: String,
    /// The token for opening Socket Mode connections, `xapp-…`.
    pub app_token: String,
    /// Whether tokens expire after twelve hours and have to be refreshed.
    pub token_rotation: bool,
    /// Whether Slack sends to the app over its connections instead of to its addresses.
    pub socket_mode: bool,
    /// The metadata types that the app is notified of, its `metadata_subscriptions`.
    pub metadata_subscriptions: BTreeSet<String>,
    /// The app's address, without a trailing slash. `None` until it is connected.
    pub base_url: Option<String>,
}

/// Whether a token works, or Slack's error if it doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// It works.
    Active,
    /// `token_revoked`.
    Revoked,
    /// `token_expired` (only where token rotation is on).
    Expired,
    /// `account_inactive`: the app was removed or the workspace is gone.
    AccountInactive,
}

/// A bot token: one installation of the app in one workspace.
#[derive(Clone, Debug)]
pub struct Token {
    /// `xoxb-…`.
    pub value: String,
    /// The workspace, or the organisation (`E…`) where the app is installed for all of its workspaces.
    pub team_id: String,
    /// The bot user, `U…`.
    pub bot_user_id: String,
    /// The bot, `B…`.
    pub bot_id: String,
    /// The scopes that it grants.
    pub scopes: BTreeSet<String>,
    /// Whether it still works.
    pub status: TokenStatus,
}

/// The right to open a view once, within three seconds
/// (<https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses>).
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    pub(crate) user: String,
    pub(crate) team_id: String,
    pub(crate) born: DateTime<Utc>,
    pub(crate) used: bool,
}

/// The right to answer an interaction five times within half an hour
/// (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).
#[derive(Clone, Debug)]
pub(crate) struct ResponseUrl {
    pub(crate) user: String,
    pub(crate) team_id: String,
    pub(crate) channel: String,
    pub(crate) born: DateTime<Utc>,
    pub(crate) uses: u32,
    /// The message that was acted on, which `replace_original` and `delete_original` refer to.
    pub(crate) original: Option<String>,
}
