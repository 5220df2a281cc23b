//! Webhooks to backends, according to Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

pub mod address_guard;
pub mod send;
pub mod sign;
