//! Chooses the token for a workspace: the configured one in its own workspace as long as Slack accepts it, otherwise
//! the installation's, which stays in memory briefly.
//!
//! [`token_refresh`](crate::jobs::token_refresh) replaces tokens before they expire. A call that finds an expired token
//! waits for the same exchange.

mod configured;
mod refresh;
mod store;

pub use store::TokenStore;
