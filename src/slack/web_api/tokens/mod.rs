//! Which token speaks for a workspace: the configured one for its own workspace as long as Slack takes it, otherwise the
//! installation's, which is remembered for a moment.
//!
//! [`token_refresh`](crate::jobs::token_refresh) replaces tokens before they expire. A call that finds its token expired
//! waits for the same exchange.

mod configured;
mod refresh;
mod store;

pub use store::TokenStore;
