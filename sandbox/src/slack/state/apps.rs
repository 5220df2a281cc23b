//! The app, its installations' tokens, and the short-lived tickets that Slack hands it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

/// The app that is installed in the sandbox.
#[derive(Clone, Debug)]
pub struct App {
    /// `A…`.
    pub id: String,
    /// What people see as the author of its messages.
    pub name: String,
    /// Signs every request to the app.
    pub signing_secret: String,
    /// The deprecated verification token, still in every payload.
    pub verification_token: String,
    /// Names the app on Slack's installation page.
    pub client_id: String,
    /// Proves that who exchanges a code is the app.
    pub client_secret: String,
    /// Opens connections in Socket Mode, `xapp-…`.
    pub app_token: String,
    /// Tokens run out after twelve hours, and are exchanged before.
    pub token_rotation: bool,
    /// The app is sent to through its connections instead of its addresses.
    pub socket_mode: bool,
    /// The types of metadata that it is told of, its `metadata_subscriptions`.
    pub metadata_subscriptions: BTreeSet<String>,
    /// Where the app listens, without a trailing slash; nothing until it is connected.
    pub base_url: Option<String>,
}

/// Whether a token still works, and what Slack says if it doesn't.
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
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// Whether it works.
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
    /// The message that was acted on, which `replace_original` and `delete_original` mean.
    pub(crate) original: Option<String>,
}
