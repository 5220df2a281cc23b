//! The use cases, one a file. Each opens a unit of work ([`unit_of_work`]): it loads and locks through `storage`, lets
//! `domain` judge, and saves the state and its effects together.

pub mod api_keys;
pub mod ask;
pub mod ask_queue;
pub mod audit_era;
pub mod audit_lag;
pub mod audit_protection;
pub mod authenticate;
pub mod backends;
pub mod batch;
pub mod cancel;
pub mod close_conversation;
pub mod connect;
pub mod context;
pub mod decide;
pub mod directory;
pub mod end_silent;
pub mod endings;
pub mod error;
pub mod events;
pub mod expire;
pub mod give_up;
pub mod homes;
pub mod install;
pub mod key_use_log;
pub mod key_uses;
pub mod keys;
pub mod leave;
pub mod lost_prompts;
pub mod members;
pub mod own_integration;
pub mod partitions;
pub mod profiles;
pub mod prompt_failures;
pub mod put_integration;
pub mod read;
pub mod ready;
pub mod redeliver;
pub mod request;
pub mod retention;
pub mod settings;
pub mod show;
pub mod tokens;
pub mod turn_off;
pub mod unit_of_work;
pub mod unlock;
pub mod unlock_requests;
pub mod unreadable;
pub mod webhook_health;
pub mod workspaces;

pub use context::Service;
pub use error::ServiceError;
pub use unit_of_work::UnitOfWork;
pub(crate) use unit_of_work::{is_worth_retrying, retrying};

pub use crate::storage::{ErrorClass, classify};
