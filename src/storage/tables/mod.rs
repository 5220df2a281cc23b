//! One table a file: its rows as values, and the statements that touch no other table.

pub mod actions;
pub mod api_keys;
pub mod approval_results;
pub mod approvals;
pub mod attempts;
pub mod audit;
pub mod audit_eras;
pub mod backends;
pub mod connections;
pub mod conversations;
pub mod events;
pub mod grants;
pub mod homes;
pub mod idempotency_keys;
pub mod install_states;
pub mod installations;
pub mod integrations;
pub mod members;
pub mod outbox;
pub mod partitions;
pub mod profiles;
pub mod prompt_failures;
pub mod prompts;
pub mod repeats;
mod turns;
pub mod unlock_requests;
pub mod workspaces;
