//! Slack. Each module knows only those above it in this list.
//!
//! | module | owns |
//! | --- | --- |
//! | [`view`] | every sentence and block that a person reads, as pure functions of a state |
//! | [`web_api`] | calls to Slack: the client, its errors, tokens, rate limits, who a user is |
//! | [`scopes`] | what the app may do, and why |
//! | [`outbound`] | what the outbox has shown in Slack: prompts, Home tabs, unlock requests, ephemeral replies |
//! | [`inbound`] | what Slack sends, by HTTP or Socket Mode: verified, parsed, passed on |
//! | [`handlers`] | what each interaction, command and event leads to: one call of one use case |
//! | [`oauth`] | installing the app in a workspace |
//! | [`manifest`] | the app's manifest, made of what the others declare |

pub mod handlers;
pub mod inbound;
pub mod manifest;
pub mod oauth;
pub mod outbound;
pub mod scopes;
pub mod view;
pub mod web_api;
