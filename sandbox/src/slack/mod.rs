//! A local Slack: strict where Slack is strict, and able to fail in the ways in which Slack fails.
//!
//! [`Slack::start`] creates a workspace with people, channels and an installed app, and serves it on a free port of the
//! loopback interface. The program under test uses it like Slack ([`Slack::api_url`]). Tests and the demo's page act as
//! its people ([`Slack::click`], [`Slack::command`], …) and read what they see ([`Slack::direct_messages`], …).
//!
//! | part | what |
//! | --- | --- |
//!
//! `state`
//!
//! everything that the local Slack stores, and operations that keep it consistent; no HTTP
//!
//! | `validate` | what Slack accepts as blocks and views: pure functions over JSON |
//! | `web_api` | `/api/{method}`: tokens, scopes, a file for each family of methods |
//! | `response_url` | `/response/{token}` |
//!
//! `people`
//!
//! clicks, modals, commands, events: the requests that Slack sends to the app, and their results
//!
//!
//! `reading`, `screen`
//!
//! read access for tests and the page
//!
//!
//! `misbehaviour`, `rates`, `call_log`
//!
//! failures on demand; rate limits; the log of calls
//!
//! | `installing`, `socket` | Slack's page for installing the app; Socket Mode's connections |
//!
//! `line`
//!
//! connections that can be cut, for calls that break with or without their effect
//!
//!
//! Slack's behaviour is documented on <https://docs.slack.dev>. Each rule names its page where it is enforced.

mod call_log;
mod core;
mod handle;
mod installing;
mod line;
mod misbehaviour;
mod options;
mod people;
mod rates;
mod reading;
mod response_url;
mod screen;
mod setup;
mod signature;
mod socket;
mod state;
pub mod validate;
mod web_api;

#[cfg(test)]
mod tests;

pub use self::{
    call_log::{Call, CallOutcome},
    handle::{Slack, StartError},
    installing::Consent,
    misbehaviour::Misbehaviour,
    options::{ExtraRoutes, SlackOptions},
    people::{
        ActError, Delivery, DeliveryError, Endpoint, Feedback, Gesture, Press, Sent, Signing, Surface, Tab,
    },
    reading::WaitError,
    screen::{Button, Choice},
    setup::names,
    signature::sign,
    state::{
        App, Channel, ChannelKind, Message, SharedFile, StateValues, Token, TokenStatus, User, View,
        ViewKind, Workspace,
    },
};
