//! What the service shows in Slack after a commit. An outbox row names what to show, and its state is read at that
//! time, so repeated and late deliveries are correct.

pub mod audit_file;
pub mod digest;
pub mod ephemeral;
pub mod home;

mod approvers;
pub mod delegation;

pub mod metadata;
pub mod misuse;
mod once;
mod outcome;
pub mod prompt;
pub mod reminder;
pub mod revocation;
mod sending;
pub mod unlock_request;
