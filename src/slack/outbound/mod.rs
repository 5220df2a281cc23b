//! What is shown in Slack after a transaction has committed. The outbox names what to show; its state is read now, so
//! that a repeat is harmless and a late one right.

pub mod ephemeral;
pub mod home;
pub mod metadata;
mod outcome;
pub mod prompt;
pub mod unlock_request;
