//! What Countersign decides, as pure functions over values: no SQL, no HTTP, no Slack, no clock, no async.
//!
//! A judgement takes the state that was read under lock and gives either the new state with its effects, or a
//! [`Rejection`]. Effects are data: the service saves them in the transaction that saves the state.

pub mod api_keys;
pub mod approvals;
pub mod arguments;
pub mod audit;
pub mod catalog;
pub mod decisions;
pub mod effects;
pub mod grants;
pub mod ids;
pub mod overview;
pub mod prompts;
pub mod rejection;
pub mod repeats;
pub mod settings;
pub mod text;
pub mod unlocking;

#[cfg(test)]
mod tests;

pub use rejection::Rejection;
