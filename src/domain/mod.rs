//! What Countersign decides, as pure functions over values: no SQL, no HTTP, no Slack, no clock, no async.
//!
//! A judgement takes the state that was read under lock. It returns either the new state with its effects
//! ([`effects::Changed`]) or a [`Rejection`](rejection::Rejection). Effects are data, and are saved in the transaction that saves the state.

pub mod abandonment;
pub mod action_path;
pub mod action_ref;
pub mod actions;
pub mod alike;
pub mod api_keys;
pub mod approvals;
pub mod approvers;
pub mod arguments;
pub mod audit;
pub mod audit_search;
pub mod backend_ref;
pub mod backends;
pub mod bulk_unlock;
pub mod callbacks;
pub mod callers;
pub mod catalog;
pub mod connections;
pub mod conversations;
pub mod csv;
pub mod decision;
pub mod decisions;
pub mod delegations;
pub mod descriptions;
pub mod digest;
pub mod digests;
pub mod editing;
pub mod effects;
pub mod failing;
pub mod fatigue;
pub mod field_hints;
pub mod grants;
pub mod homes;
pub mod ids;
pub mod input_schema;
pub mod labels;
pub mod local_time;
pub mod must_read;
pub mod nearest;
pub mod notifications;
pub mod outcome;
pub mod overview;
pub mod own_keys;
pub mod ownership;
pub mod people;
pub mod policy;
pub mod precedent;
pub mod prompts;
pub mod rejection;
pub mod reminders;
pub mod repeats;
pub mod reporting;
pub mod results;
pub mod retention;
pub mod revocation;
pub mod risk;
pub mod settings;
pub mod setup;
pub mod sharing;
pub mod shell;
pub mod templates;
pub mod text;
pub mod tool_key;
pub mod unlock_answer;
pub mod unlocking;
pub mod user_keys;
pub mod validation;
pub mod workspaces;

#[cfg(test)]
mod tests;
