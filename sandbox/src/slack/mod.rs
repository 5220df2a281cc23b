//! A Slack of one's own: strict where Slack is strict, and able to misbehave where Slack does.
//!
//! [`Slack::start`] gives a workspace with people, channels and an installed app, served on a free port of the
//! loopback interface. The program under test talks to it as to Slack ([`Slack::api_url`]); tests and the demo's page
//! act as its people ([`Slack::click`], [`Slack::command`], …) and read what they see ([`Slack::direct_messages`], …).
//!
//! | part | what |
//! | --- | --- |
//! | `state` | all that is remembered, and the moves that keep it consistent; no HTTP |
//! | `validate` | what Slack accepts as blocks and views: pure functions over JSON |
//! | `web_api` | `/api/{method}`: tokens, scopes, a file for each family of methods |
//! | `response_url` | `/response/{token}` |
//! | `people` | clicks, modals, commands, events: the requests that Slack sends to the app, and what comes of them |
//! | `reading`, `screen` | what tests and the page look at |
//! | `misbehaviour`, `rates`, `call_log` | 429s and worse on demand; the limits; every call that came |
//! | `installing`, `socket` | Slack's page for installing the app; Socket Mode's connections |
//! | `line` | connections that can be cut, for calls that break off with or without their effect |
//!
//! What Slack does stands on <https://docs.slack.dev>; each rule names its page where it is enforced.

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
        ActError, Delivery, DeliveryError, Endpoint, Gesture, Press, Sent, Shown, Signing, Surface, Tab,
    },
    reading::WaitError,
    screen::{Button, Choice},
    setup::names,
    signature::sign,
    state::{
        App, Channel, ChannelKind, Message, StateValues, Token, TokenStatus, User, View, ViewKind, Workspace,
    },
};
