//! What Slack sends. It is verified and parsed here, and passed on to the implementation of [`dispatch::Handlers`].

pub mod dispatch;
pub mod http;
pub mod payload;
pub mod response;
pub mod signature;
pub mod socket;
