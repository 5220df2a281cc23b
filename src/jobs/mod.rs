//! Work that the clock starts, not a request: one job a file.

pub mod abandonment;
pub mod audit_lag;
pub mod audit_protection;
pub mod delegations;
pub mod digests;
pub mod escalation;
pub mod expiry;
pub mod grant_uses;
pub mod grants;
pub mod key_uses;
pub mod listeners;
pub mod log_export;
pub mod membership;
pub mod partitions;
mod periodic;
pub mod registration;
pub mod reminders;
pub mod removed_apps;
pub mod retention;
pub mod sealing;
pub mod token_refresh;
