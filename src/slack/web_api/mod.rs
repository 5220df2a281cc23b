//! Slack's Web API: one client for every workspace, with its tokens, its rate limits, and the meaning of its errors.

pub mod addresses;
pub mod admins;
pub mod cause;
pub mod client;
pub mod dialer;
pub mod error;
pub mod membership;
pub mod oauth_access;
pub mod rate_limiter;
pub mod tokens;
pub mod users;
