//! Webhooks to agent backends, as Standard Webhooks has them
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

pub mod address_guard;
pub mod send;
pub mod sign;
