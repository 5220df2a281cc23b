//! What Slack users read: state in, Block Kit out. Pure, and the only module with such texts.
//!
//! Everything that an agent or a backend wrote comes in as plain `&str` and goes out as [`sanitize::SafeText`]. The
//! constructors in `blocks` accept nothing else, so no text reaches a view unless its hidden characters were made
//! visible. It stands in `plain_text` and `rich_text`, which Slack doesn't parse; the one place that Slack does parse,
//! a message's `text`, goes through [`sanitize::in_mrkdwn`] as well.

pub mod action_options;
pub mod agents;
pub mod approvers;
pub mod arguments;
pub mod audit_search;
mod blocks;
pub mod bulk_unlock;
mod changed;
pub mod controls;
mod decided;
pub mod delegation;
pub mod deny;
pub mod details;
mod differences;
pub mod digest;
mod edited;
pub mod editing;
pub mod everyones_grants;
pub mod failing_webhooks;
pub mod fatigue;
pub mod fields;
pub mod history;
pub mod home;
mod home_admin;
pub mod install;
pub mod limits;
pub mod lists;
pub mod message;
pub mod misuse;
mod names;
pub mod narrowing;
pub mod notice;
mod notifications;
mod paused;
pub mod plain;
mod precedent;
pub mod prompt;
pub mod prompt_state;
pub mod reminder;
mod request;
mod result;
pub mod review;
pub mod revocation;
pub mod rows;
pub mod sanitize;
mod sections;
pub mod sentences;
pub mod settings;
pub mod shared;
mod summary;
mod target;
mod title;
pub mod together;
pub mod unlocking;

#[cfg(test)]
mod tests;
